/* A service on loopback for targets whose commands talk to one: one thread, as long as the process lives. */
#ifndef RT_FUZZ_SERVICE_H
#define RT_FUZZ_SERVICE_H

#include <stddef.h>
#include <stdint.h>

#define RT_FUZZ_TOKEN "fuzz-token-0123456789"

/* "http://127.0.0.1:PORT": starts it at the first call, and sets the environment up for MLflow and Comet there,
 * with RT_FUZZ_TOKEN as both keys. */
const char *rt_fuzz_service(void);

/* From now on each connection gets these bytes after its first request and is closed; null: each request gets
 * an answer that MLflow and Comet could give. */
void rt_fuzz_service_answer(const uint8_t *bytes, size_t size);

/* What `rethink sync` does with the spool in the folder, once, without its pauses. Returns the status. */
int rt_fuzz_service_sync(const char *folder, const char *service);

#endif
