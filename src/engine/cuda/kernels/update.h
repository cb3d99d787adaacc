/* The last step of kernels that compute a parameter's gradient: store it where `gradient` is given, else apply
 * the optimiser's update. Formulas are shared with the CPU engines (engine/optimizers/); every operation is
 * rounded separately, as there and in PyTorch.
 *
 * -D RT_OPTIMIZER: an enum rt_optimizer_index */
#ifndef RT_CUDA_KERNELS_UPDATE_H
#define RT_CUDA_KERNELS_UPDATE_H

#include "config/optimizers.h"
#include "host.h"
#include "pass.h"

#ifdef __CUDACC__
/* A float whose operations are never contracted into FMAs. */
struct rt_number {
    float value;
    __device__ rt_number()
    {
    }
    __device__ rt_number(float x) : value(x)
    {
    }
};
typedef rt_number rt_real;
RT_DEVICE rt_number operator+(rt_number a, rt_number b)
{
    return __fadd_rn(a.value, b.value);
}
RT_DEVICE rt_number operator-(rt_number a, rt_number b)
{
    return __fsub_rn(a.value, b.value);
}
RT_DEVICE rt_number operator*(rt_number a, rt_number b)
{
    return __fmul_rn(a.value, b.value);
}
RT_DEVICE rt_number operator/(rt_number a, rt_number b)
{
    return __fdiv_rn(a.value, b.value);
}
#define RT_OPTIMIZER_SQRT(x) rt_number(__fsqrt_rn((x).value))
#else
typedef float rt_real, rt_number; /* the host build forbids contraction */
#define RT_OPTIMIZER_SQRT(x) sqrtf(x)
#endif
#define RT_OPTIMIZER_FUNCTION RT_DEVICE
#include "engine/optimizers/formulas.h"

#define RT_OPTIMIZER_COUNT(name, state0, state1, help)                                                         \
    (RT_OPTIMIZER == RT_OPTIMIZER_##name ? (sizeof(state0) > 1) + (sizeof(state1) > 1) : 0) +
#define RT_OPTIMIZER_STATES (RT_OPTIMIZERS(RT_OPTIMIZER_COUNT) 0) /* per weight */

/* Computes the optimiser's terms of a batch into pass->update, for later kernels of the step. */
RT_DEVICE void rt_find_terms(struct rt_cuda_pass *pass, rt_u32 batch)
{
    double terms[RT_OPTIMIZER_TERMS_MAX] = {0};

#define RT_OPTIMIZER_CASE(name, state0, state1, help)                                                          \
    if (RT_OPTIMIZER == RT_OPTIMIZER_##name)                                                                   \
        rt_##name##_terms(terms, &pass->settings, (double)(pass->serial + batch));
    RT_OPTIMIZERS(RT_OPTIMIZER_CASE)
#undef RT_OPTIMIZER_CASE
    RT_UNROLL
    for (int i = 0; i < RT_OPTIMIZER_TERMS_MAX; i++)
        pass->update.terms[i] = (float)terms[i];
}

/* Updates a weight and its optimiser states by the gradient g. */
RT_DEVICE void rt_update_weight(float *w, float states[RT_OPTIMIZER_STATES_MAX], float g,
                                const struct rt_cuda_update *update)
{
    rt_number weight = *w, s[RT_OPTIMIZER_STATES_MAX];
    rt_real terms[RT_OPTIMIZER_TERMS_MAX];

    RT_UNROLL
    for (int i = 0; i < RT_OPTIMIZER_TERMS_MAX; i++)
        terms[i] = update->terms[i];
    RT_UNROLL
    for (int k = 0; k < RT_OPTIMIZER_STATES; k++)
        s[k] = states[k];
#define RT_OPTIMIZER_CASE(name, state0, state1, help)                                                          \
    if (RT_OPTIMIZER == RT_OPTIMIZER_##name)                                                                   \
        rt_##name##_step(&weight, s, g, terms);
    RT_OPTIMIZERS(RT_OPTIMIZER_CASE)
#undef RT_OPTIMIZER_CASE
    RT_UNROLL
    for (int k = 0; k < RT_OPTIMIZER_STATES; k++)
        states[k] = *(const float *)&s[k];
    *w = *(const float *)&weight;
}

/* As rt_update_weight, in memory; states: the first state, others state_stride floats apart. */
RT_DEVICE void rt_update_at(float *w, float *states, float g, const struct rt_cuda_update *update)
{
    float s[RT_OPTIMIZER_STATES_MAX];

    RT_UNROLL
    for (int k = 0; k < RT_OPTIMIZER_STATES; k++)
        s[k] = states[k * update->state_stride];
    rt_update_weight(w, s, g, update);
    RT_UNROLL
    for (int k = 0; k < RT_OPTIMIZER_STATES; k++)
        states[k * update->state_stride] = s[k];
}

RT_DEVICE void rt_apply_gradient(const struct rt_cuda_pass *pass, float g, float *w, float *states,
                                 float *gradient)
{
    if (gradient)
        *gradient = g;
    else
        rt_update_at(w, states, g, &pass->update);
}

#endif
