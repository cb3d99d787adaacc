/* Portable vectors: the compiler's vector types at the width of the instruction set that a file is compiled
 * for.
 *
 * Every file that includes this is compiled once per instruction set (meson.build beside it), with RT_ISA
 * naming it; RT_ISA_NAME(x) gives each build's functions names of their own. */
#ifndef RT_ENGINE_NATIVE_VECTOR_H
#define RT_ENGINE_NATIVE_VECTOR_H

#ifndef RT_ISA
#error "compile with -DRT_ISA=baseline, avx2 or avx512"
#endif
#define RT_ISA_JOIN_(a, b) rt_##a##_##b
#define RT_ISA_JOIN(a, b) RT_ISA_JOIN_(a, b)
#define RT_ISA_NAME(name) RT_ISA_JOIN(name, RT_ISA)

/* A panel is 16 channels wide on every instruction set, so layouts do not depend on it. */
enum { RT_PANEL = 16 };

#if defined(__AVX512F__)
enum { RT_LANES = 16, RT_REGISTERS = 32 };
#elif defined(__AVX2__)
enum { RT_LANES = 8, RT_REGISTERS = 16 };
#elif defined(__aarch64__)
enum { RT_LANES = 4, RT_REGISTERS = 32 };
#else
enum { RT_LANES = 4, RT_REGISTERS = 16 };
#endif

typedef float rt_vec __attribute__((vector_size(4 * RT_LANES)));
typedef float rt_vec_unaligned __attribute__((vector_size(4 * RT_LANES), aligned(4), may_alias));
typedef int rt_ivec __attribute__((vector_size(4 * RT_LANES)));

#define RT_INLINE static inline __attribute__((always_inline))

RT_INLINE rt_vec rt_load(const float *from)
{
    return *(const rt_vec_unaligned *)from;
}

RT_INLINE void rt_store(float *to, rt_vec value)
{
    *(rt_vec_unaligned *)to = value;
}

RT_INLINE rt_vec rt_splat(float value)
{
    return value - (rt_vec){0}; /* x - 0 is x for every x, so only the broadcast is left */
}

/* value where it is not below zero, else 0: NaN stays NaN, so that a diverged network shows */
RT_INLINE rt_vec rt_relu_vec(rt_vec value)
{
    return (rt_vec)((rt_ivec)value & ~(value < 0));
}

/* value where gate > 0, else 0 */
RT_INLINE rt_vec rt_gate_vec(rt_vec value, rt_vec gate)
{
    return (rt_vec)((rt_ivec)value & (gate > 0));
}

RT_INLINE rt_vec rt_sqrt_vec(rt_vec value)
{
    for (int i = 0; i < RT_LANES; i++)
        value[i] = __builtin_sqrtf(value[i]);
    return value;
}

RT_INLINE rt_vec rt_select(rt_ivec mask, rt_vec yes, rt_vec no)
{
    return (rt_vec)(((rt_ivec)yes & mask) | ((rt_ivec)no & ~mask));
}

#endif
