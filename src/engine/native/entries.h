/* The engine's entries (engine.h), which plan.c, state.c and step.c define. */
#ifndef RT_ENGINE_NATIVE_ENTRIES_H
#define RT_ENGINE_NATIVE_ENTRIES_H

#include "engine/native/native.h"

int rt_native_create(struct rt_plan **out, struct rt_device *device, const struct rt_graph *graph,
                     const struct rt_plan_options *options, struct rt_error *err);
void rt_native_free(struct rt_plan *base);
void rt_native_step(struct rt_host_plan *host, const struct rt_host_batch *batch);
int rt_native_write(struct rt_plan *base, enum rt_state state, int tensor, const void *values,
                    struct rt_error *err);
int rt_native_read(struct rt_plan *base, enum rt_state state, int tensor, void *values, struct rt_error *err);
int rt_native_probe(struct rt_plan *base, const void *x, int count, void *y, const void *dy, void *dx,
                    struct rt_error *err);
bool rt_native_profile(const struct rt_plan *base, int index, struct rt_stage_time *time);
size_t rt_native_memory_bytes(const struct rt_plan *base);

#endif
