/* The reference kernels: each op as its formula, in plain C, one file an op. Values are [n, c, h, w], as
 * PyTorch's; nothing is fused, kept in another layout or threaded. Sums over the batch are in double. */
#ifndef RT_ENGINE_REFERENCE_KERNELS_H
#define RT_ENGINE_REFERENCE_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/reference/real.h"
#include "net/ops.h"

/* One node's work on one batch. Pointers that do not apply are null. */
struct rt_reference_call {
    const struct rt_node *node;
    struct rt_shape in[RT_NODE_INPUTS_MAX]; /* shapes of one image's x */
    int count;                              /* images */
    bool training;
    uint64_t dropout_key;                 /* net/dropout.h */
    const uint8_t *labels;                /* [count] */
    const real *x[RT_NODE_INPUTS_MAX];    /* [count, in] */
    real *y;                              /* [count, node->shape] */
    const real *dy;                       /* backward: the gradient with respect to y */
    real *dx[RT_NODE_INPUTS_MAX];         /* backward: added to; null where not needed */
    real *tensors[RT_NODE_TENSORS_MAX];   /* in the order that the op declares them */
    int64_t *batches;                     /* batch norm's num_batches_tracked */
    real *gradients[RT_NODE_TENSORS_MAX]; /* backward: of parameters, added to */
    real *kept;                           /* from forward to backward */
};

struct rt_reference_kernel {
    const struct rt_op *op;
    void (*forward)(const struct rt_reference_call *call);
    void (*backward)(const struct rt_reference_call *call); /* null: there is nothing to pass on */
    /* reals to keep from forward to backward, for `count` images; null: none */
    size_t (*kept)(const struct rt_node *node, int count);
};

#define RT_REFERENCE_KERNEL(name) RT_REAL(rt_reference_##name)
#define RT_REFERENCE_DECLARE(name) extern const struct rt_reference_kernel RT_REFERENCE_KERNEL(name);
RT_OPS(RT_REFERENCE_DECLARE)
#undef RT_REFERENCE_DECLARE

#endif
