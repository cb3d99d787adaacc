/* The optimisers' steps, and sums of partial gradients. */
#ifndef RT_ENGINE_NATIVE_ISA_UPDATE_H
#define RT_ENGINE_NATIVE_ISA_UPDATE_H

#include "engine/optimizer.h"

/* Parameters to update: weights, and each of the optimiser's states state_stride floats behind the one before.
 */
struct rt_parameters {
    enum rt_optimizer_index optimizer;
    const float *terms; /* [RT_OPTIMIZER_TERMS_MAX] of this step */
    float *w, *states;
    long count, state_stride; /* count: a multiple of 16 */
};

struct rt_update_kernels {
    /* The optimiser's step (engine/optimizers/) by g, the sum of `parts` arrays, part_stride floats apart. */
    void (*step)(const struct rt_parameters *parameters, const float *g, int parts, long part_stride);
    /* to = the sum of `parts` arrays, in order. */
    void (*sum_parts)(float *to, const float *from, long count, int parts, long part_stride);
};

#endif
