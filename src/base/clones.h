/* Clones: one loop in plain C, compiled for the baseline and again for wider vectors, chosen at run time. The
 * compiler vectorises it and nothing is contracted or reassociated, so that every clone gives the same bits. */
#ifndef RT_BASE_CLONES_H
#define RT_BASE_CLONES_H

/* RT_CLONES(name, (float *y, long n), (y, n)) defines `static void name(float *y, long n)`, which calls the
 * best clone of `static RT_CLONED void name_body(float *y, long n)`. */
#define RT_CLONED inline __attribute__((always_inline))

#if defined(__x86_64__)
#define RT_CLONES(name, parameters, arguments)                                                                 \
    __attribute__((target("avx2"))) static void name##_avx2 parameters                                         \
    {                                                                                                          \
        name##_body arguments;                                                                                 \
    }                                                                                                          \
    static void name parameters                                                                                \
    {                                                                                                          \
        if (__builtin_cpu_supports("avx2"))                                                                    \
            name##_avx2 arguments;                                                                             \
        else                                                                                                   \
            name##_body arguments;                                                                             \
    }
#else
#define RT_CLONES(name, parameters, arguments)                                                                 \
    static void name parameters                                                                                \
    {                                                                                                          \
        name##_body arguments;                                                                                 \
    }
#endif

#endif
