/* Groups of stages that run together. */
#ifndef RT_ENGINE_NATIVE_GROUPS_H
#define RT_ENGINE_NATIVE_GROUPS_H

#include "engine/native/native.h"

/* Forms the groups of the planned stages, which settles what memory is shared and which lives
 * overlap; and runs all stages' passes by them. */
int rt_native_form_groups(struct rt_native *plan, struct rt_error *err);
void rt_native_run_forward(struct rt_native *plan);
void rt_native_run_backward(struct rt_native *plan);

#endif
