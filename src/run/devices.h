/* What a run was trained on, session by session: in its result and its checkpoints. */
#ifndef RT_RUN_DEVICES_H
#define RT_RUN_DEVICES_H

#include "base/error.h"
#include "base/json.h"
#include "config/provenance.h"

enum { RT_RUN_DEVICES_MAX = 8 };

/* Each once, in the order of the sessions: "cuda (NVIDIA H100 80GB HBM3, sm_90)", "native (avx512)". */
struct rt_run_devices {
    int count;
    char names[RT_RUN_DEVICES_MAX][RT_PROVENANCE_TEXT_MAX];
};

/* Adds what the provenance says a session trains on. Past RT_RUN_DEVICES_MAX the last one becomes "others". */
void rt_run_devices_note(struct rt_run_devices *devices, const struct rt_provenance *provenance);

/* As a list of texts under `key`. */
int rt_run_devices_write(const struct rt_run_devices *devices, struct rt_json *object, const char *key,
                         struct rt_error *err);
/* RT_EDATA names `path`. Without the key, in an older program's file, it is what the file's provenance says. */
int rt_run_devices_read(struct rt_run_devices *devices, const struct rt_json *object, const char *key,
                        const char *path, const struct rt_provenance *provenance, struct rt_error *err);

#endif
