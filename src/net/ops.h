/* The list of ops. Adding one: its file in net/ops/, its line here, a kernel in each engine. */
#ifndef RT_NET_OPS_H
#define RT_NET_OPS_H

#include "net/graph.h"

#define RT_OPS(X)                                                                                              \
    X(input)                                                                                                   \
    X(linear)                                                                                                  \
    X(conv)                                                                                                    \
    X(relu)                                                                                                    \
    X(batch_norm)                                                                                              \
    X(max_pool)                                                                                                \
    X(avg_pool)                                                                                                \
    X(lrn)                                                                                                     \
    X(concat)                                                                                                  \
    X(add)                                                                                                     \
    X(flatten)                                                                                                 \
    X(dropout)                                                                                                 \
    X(softmax_cross_entropy)

#define RT_OP_DECLARE(name) extern const struct rt_op rt_op_##name;
RT_OPS(RT_OP_DECLARE)
#undef RT_OP_DECLARE

#endif
