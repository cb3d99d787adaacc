/* Winograd's lines of F(7, 3) at nine points,
 *
 *     1/4, -1/4, 11/16, -11/16, 9/8, -9/8, 2, -2, infinity:
 *
 * four pairs of sixteenths that lose little to rounding (tests/engine/test_winograd.c has the measure, K_r^2:
 * at most 363; the least of all such pairs, with 33/16 instead of 2, is 353). With P(x) the product of x - b
 * over the eight points, and Q the product of z - b^2 over the other pairs, P(x) / (x - a) = (x + a) Q(x^2) and
 * P'(a) = 2 a Q(a^2). A pair's lines differ in the sign of their even (or odd) half. */
#ifndef RT_ENGINE_NATIVE_WINOGRAD_NINE_H
#define RT_ENGINE_NATIVE_WINOGRAD_NINE_H

#include "engine/native/isa/vector.h"

enum { RT_PAIRS = 4 };

static const float rt_pair[RT_PAIRS] = {0.25f, 0.6875f, 1.125f, 2.0f};

/* a^power of a pair's positive point; all these are exact. */
RT_INLINE float rt_pair_power(const int pair, const int power)
{
    float result = 1;

#pragma GCC unroll 6
    for (int i = 0; i < power; i++)
        result *= rt_pair[pair];
    return result;
}

/* Q of a pair: z^3 + second z^2 + first z + constant. */
struct rt_others {
    float second, first, constant;
};

RT_INLINE struct rt_others rt_others(const int pair)
{
    const float x = rt_pair_power((pair + 1) % RT_PAIRS, 2), y = rt_pair_power((pair + 2) % RT_PAIRS, 2);
    const float z = rt_pair_power((pair + 3) % RT_PAIRS, 2);

    return (struct rt_others){-(x + y + z), x * y + y * z + z * x, -x * y * z};
}

/* 1 / P'(a) */
RT_INLINE float rt_pair_scale(const int pair)
{
    const struct rt_others q = rt_others(pair);
    const float z = rt_pair_power(pair, 2);

    return 1 / (2 * rt_pair[pair] * (((z + q.second) * z + q.first) * z + q.constant));
}

/* B^T d */
RT_INLINE void rt_input_nine(const rt_vec d[9], rt_vec t[9])
{
    const struct rt_others q = rt_others(0);
    const float z = rt_pair_power(0, 2); /* P(x) = (x^2 - z) Q(x^2) */

#pragma GCC unroll 4
    for (int p = 0; p < RT_PAIRS; p++) {
        const struct rt_others o = rt_others(p);
        const float a = rt_pair[p];
        const rt_vec odd = d[7] + o.second * d[5] + o.first * d[3] + o.constant * d[1];
        const rt_vec even = d[6] + o.second * d[4] + o.first * d[2] + o.constant * d[0];

        t[2 * p] = odd + a * even;
        t[2 * p + 1] = odd - a * even;
    }
    t[8] = d[8] + (q.second - z) * d[6] + (q.first - z * q.second) * d[4] + (q.constant - z * q.first) * d[2] -
           z * q.constant * d[0];
}

/* A^T m */
RT_INLINE void rt_output_nine(const rt_vec m[9], rt_vec y[7])
{
    rt_vec even[RT_PAIRS], odd[RT_PAIRS];

#pragma GCC unroll 4
    for (int p = 0; p < RT_PAIRS; p++) {
        even[p] = m[2 * p] + m[2 * p + 1];
        odd[p] = m[2 * p] - m[2 * p + 1];
    }
#pragma GCC unroll 7
    for (int j = 0; j < 7; j++) {
        const rt_vec *half = j % 2 ? odd : even;

        y[j] = rt_pair_power(0, j) * half[0] + rt_pair_power(1, j) * half[1] + rt_pair_power(2, j) * half[2] +
               rt_pair_power(3, j) * half[3];
    }
    y[6] += m[8];
}

/* A e */
RT_INLINE void rt_gradient_nine(const rt_vec e[7], rt_vec m[9])
{
#pragma GCC unroll 4
    for (int p = 0; p < RT_PAIRS; p++) {
        const rt_vec even =
            e[0] + rt_pair_power(p, 2) * e[2] + rt_pair_power(p, 4) * e[4] + rt_pair_power(p, 6) * e[6];
        const rt_vec odd = e[1] + rt_pair_power(p, 2) * e[3] + rt_pair_power(p, 4) * e[5];

        m[2 * p] = even + rt_pair[p] * odd;
        m[2 * p + 1] = even - rt_pair[p] * odd;
    }
    m[8] = e[6];
}

/* G g */
RT_INLINE void rt_filter_nine(const rt_vec g[3], rt_vec u[9])
{
#pragma GCC unroll 4
    for (int p = 0; p < RT_PAIRS; p++) {
        const float scale = rt_pair_scale(p);
        const rt_vec even = scale * g[0] + scale * rt_pair_power(p, 2) * g[2], odd = scale * rt_pair[p] * g[1];

        u[2 * p] = odd + even;
        u[2 * p + 1] = odd - even;
    }
    u[8] = g[2];
}

/* G^T u */
RT_INLINE void rt_filter_gradient_nine(const rt_vec u[9], rt_vec g[3])
{
    g[0] = g[1] = rt_splat(0);
    g[2] = u[8];
#pragma GCC unroll 4
    for (int p = 0; p < RT_PAIRS; p++) {
        const float scale = rt_pair_scale(p);
        const rt_vec even = u[2 * p] - u[2 * p + 1], odd = u[2 * p] + u[2 * p + 1];

        g[0] += scale * even;
        g[1] += scale * rt_pair[p] * odd;
        g[2] += scale * rt_pair_power(p, 2) * even;
    }
}

#endif
