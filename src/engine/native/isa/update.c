/* The optimisers' loops, and the ordered sum of partial gradients. */
#include "engine/native/isa/update.h"
#include "engine/native/isa/tables.h"

typedef float rt_real;
typedef rt_vec rt_number;
#define RT_OPTIMIZER_FUNCTION RT_INLINE
#define RT_OPTIMIZER_SQRT(x) rt_sqrt_vec(x)
#include "engine/optimizers/formulas.h"

RT_INLINE rt_vec sum_of_parts(const float *from, int parts, long part_stride)
{
    rt_vec sum = rt_load(from);

    for (int i = 1; i < parts; i++)
        sum += rt_load(from + i * part_stride);
    return sum;
}

/* One loop for each optimiser. */
#define UPDATE(name, state0, state1, help)                                                                     \
    static void update_##name(const struct rt_parameters *p, const float *g, int parts, long part_stride)      \
    {                                                                                                          \
        enum { STATES = (sizeof(state0) > 1) + (sizeof(state1) > 1) };                                         \
        float terms[RT_OPTIMIZER_TERMS_MAX], *w = p->w, *s = p->states;                                        \
        const long count = p->count, stride = p->state_stride;                                                 \
                                                                                                               \
        for (int i = 0; i < RT_OPTIMIZER_TERMS_MAX; i++)                                                       \
            terms[i] = p->terms[i];                                                                            \
        for (long i = 0; i < count; i += RT_LANES) {                                                           \
            rt_vec weight = rt_load(w + i), state[RT_OPTIMIZER_STATES_MAX];                                    \
                                                                                                               \
            for (int k = 0; k < STATES; k++)                                                                   \
                state[k] = rt_load(s + k * stride + i);                                                        \
            rt_##name##_step(&weight, state, sum_of_parts(g + i, parts, part_stride), terms);                  \
            for (int k = 0; k < STATES; k++)                                                                   \
                rt_store(s + k * stride + i, state[k]);                                                        \
            rt_store(w + i, weight);                                                                           \
        }                                                                                                      \
    }
RT_OPTIMIZERS(UPDATE)
#undef UPDATE

static void step(const struct rt_parameters *p, const float *g, int parts, long part_stride)
{
    switch (p->optimizer) {
#define UPDATE(name, state0, state1, help)                                                                     \
    case RT_OPTIMIZER_##name:                                                                                  \
        update_##name(p, g, parts, part_stride);                                                               \
        break;
        RT_OPTIMIZERS(UPDATE)
#undef UPDATE
    }
}

static void sum_parts(float *to, const float *from, long count, int parts, long part_stride)
{
    for (long i = 0; i < count; i += RT_LANES)
        rt_store(to + i, sum_of_parts(from + i, parts, part_stride));
}

const struct rt_update_kernels RT_ISA_NAME(update_kernels) = {
    .step = step,
    .sum_parts = sum_parts,
};
