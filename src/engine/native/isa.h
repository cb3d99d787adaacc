/* The inner loops of the native engine, for each instruction set.
 *
 * The files in isa/ are written once in portable vector types and compiled once per instruction set; the best
 * one that the processor supports is chosen at start (RETHINK_ISA=baseline|avx2|avx512 overrides it). */
#ifndef RT_ENGINE_NATIVE_ISA_H
#define RT_ENGINE_NATIVE_ISA_H

#include <stdbool.h>

#include "base/error.h"

/* X(name): the tables of functions, by subject: struct rt_NAME_kernels in isa/NAME.h, filled in by isa/NAME.c.
 * Who calls one includes that header. */
#define RT_ISA_TABLES(X)                                                                                       \
    X(product)                                                                                                 \
    X(im2col)                                                                                                  \
    X(rows)                                                                                                    \
    X(norm)                                                                                                    \
    X(pool)                                                                                                    \
    X(lrn)                                                                                                     \
    X(update)                                                                                                  \
    X(winograd)                                                                                                \
    X(winograd_filters)                                                                                        \
    X(peak)

struct rt_isa {
    const char *name;
    bool (*supported)(void);
#define RT_ISA_TABLE(name) const struct rt_##name##_kernels *name;
    RT_ISA_TABLES(RT_ISA_TABLE)
#undef RT_ISA_TABLE
};

#define RT_ISA_LIST(X) /* best first */                                                                        \
    X(avx512)                                                                                                  \
    X(avx2)                                                                                                    \
    X(baseline)

/* The best instruction set that this processor supports and this build has, or the one that RETHINK_ISA names
 * (RT_ECONFIG if it cannot run here). */
int rt_isa_choose(const struct rt_isa **isa, struct rt_error *err);

#endif
