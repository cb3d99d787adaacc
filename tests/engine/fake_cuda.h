/* What the files of the fake CUDA share: fake_cuda.c has failing on demand, devices and memory;
 * fake_cuda_code.c the compiler and modules; fake_cuda_graph.c streams, launches and graphs; fake_cuda_fibers.c
 * runs a kernel. */
#ifndef FAKE_CUDA_H
#define FAKE_CUDA_H

#include <stdbool.h>
#include <stdint.h>

#define EXPORT __attribute__((visibility("default")))
#define PUBLIC EXPORT int

enum { THREADS_MAX = 1024, SHARED_MAX = 232448 }; /* of a block */

struct index {
    unsigned x, y, z;
};

struct host_thread;

/* A kernel: its shared object's function, null when nothing is to run, and rt_host_set (kernels/host.h). */
struct function {
    char name[64];
    void *address;
    void (*set)(struct host_thread *);
};

/* Ends the process. */
void fake_die(const char *what, const char *detail);

/* An entry point is called: the code with which it fails now, or 0. `waits`: for what was enqueued. */
int fake_called(const char *name, bool waits);
#define CALLED(waits)                                                                                          \
    do {                                                                                                       \
        const int code_ = fake_called(__func__, waits);                                                        \
        if (code_)                                                                                             \
            return code_;                                                                                      \
    } while (0)

/* A number from the environment. */
long fake_setting(const char *name, long otherwise);

/* RT_FAKE_CUDA_ORDER, or what rt_fake_cuda_order says. */
long fake_order(void);

/* Runs a kernel's blocks one after the other, on this thread. */
void fake_run_kernel(const struct function *f, struct index grid, int threads, const uint64_t *arguments);

#endif
