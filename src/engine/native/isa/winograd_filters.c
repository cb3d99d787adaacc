/* Winograd's transforms of filters and their gradients (Lavin and Gray 2016): G has one row per point a,
 * f [1, a, a^2, ...], with f = 1/4, -1/6, -1/6, 1/24, 1/24 for a = 0, 1, -1, 2, -2; the last row picks the last
 * tap. */
#include "engine/native/isa/functions.h"

enum { SIDE = 6, KERNEL_MAX = 5 };

/* G g */
RT_INLINE void filter_line(const rt_vec g[], rt_vec u[SIDE], const int kernel)
{
    rt_vec even = g[0] + g[2], odd = g[1], even2 = g[0] + 4.0f * g[2], odd2 = 2.0f * g[1];

    if (kernel == 5) {
        even += g[4];
        odd += g[3];
        even2 += 16.0f * g[4];
        odd2 += 8.0f * g[3];
    }
    u[0] = 0.25f * g[0];
    u[1] = (-1.0f / 6) * (even + odd);
    u[2] = (-1.0f / 6) * (even - odd);
    u[3] = (1.0f / 24) * (even2 + odd2);
    u[4] = (1.0f / 24) * (even2 - odd2);
    u[5] = g[kernel - 1];
}

/* G^T u */
RT_INLINE void filter_gradient_line(const rt_vec u[SIDE], rt_vec g[], const int kernel)
{
    const rt_vec a = (-1.0f / 6) * (u[1] + u[2]), b = (-1.0f / 6) * (u[1] - u[2]);
    const rt_vec c = (1.0f / 24) * (u[3] + u[4]), d = (1.0f / 24) * (u[3] - u[4]);

    g[0] = 0.25f * u[0] + a + c;
    g[1] = b + 2.0f * d;
    g[2] = a + 4.0f * c;
    if (kernel == 5) {
        g[3] = b + 8.0f * d;
        g[4] = a + 16.0f * c;
    }
    g[kernel - 1] += u[5];
}

RT_INLINE void filters_of(const struct rt_filters *f, const float *from, float *to, const int kernel)
{
    for (long v = 0; v < f->count * RT_PANEL; v += RT_LANES) {
        rt_vec half[KERNEL_MAX][SIDE]; /* [column][position] */

#pragma GCC unroll 5
        for (int j = 0; j < kernel; j++) {
            rt_vec g[KERNEL_MAX];

#pragma GCC unroll 5
            for (int i = 0; i < kernel; i++) {
                const int tap = i * kernel + j;

                g[i] = rt_load(from + (f->flip ? kernel * kernel - 1 - tap : tap) * f->tap_stride + v);
            }
            filter_line(g, half[j], kernel);
        }
#pragma GCC unroll 6
        for (int i = 0; i < SIDE; i++) {
            rt_vec g[KERNEL_MAX], u[SIDE];

#pragma GCC unroll 5
            for (int j = 0; j < kernel; j++)
                g[j] = half[j][i];
            filter_line(g, u, kernel);
#pragma GCC unroll 6
            for (int j = 0; j < SIDE; j++)
                rt_store(to + (i * SIDE + j) * f->position_stride + v, u[j]);
        }
    }
}

void RT_ISA_NAME(winograd_filters)(const struct rt_filters *filters, const float *from, float *transformed)
{
    if (filters->kernel == 3)
        filters_of(filters, from, transformed, 3);
    else
        filters_of(filters, from, transformed, 5);
}

RT_INLINE void filter_gradients_of(const struct rt_filters *f, const float *from, float *to, const int kernel)
{
    for (long v = 0; v < f->count * RT_PANEL; v += RT_LANES) {
        rt_vec half[SIDE][KERNEL_MAX]; /* [column][tap row] */

#pragma GCC unroll 6
        for (int j = 0; j < SIDE; j++) {
            rt_vec u[SIDE];

#pragma GCC unroll 6
            for (int i = 0; i < SIDE; i++)
                u[i] = rt_load(from + (i * SIDE + j) * f->position_stride + v);
            filter_gradient_line(u, half[j], kernel);
        }
#pragma GCC unroll 5
        for (int i = 0; i < kernel; i++) {
            rt_vec u[SIDE], g[KERNEL_MAX];

#pragma GCC unroll 6
            for (int j = 0; j < SIDE; j++)
                u[j] = half[j][i];
            filter_gradient_line(u, g, kernel);
#pragma GCC unroll 5
            for (int j = 0; j < kernel; j++)
                rt_store(to + (i * kernel + j) * f->tap_stride + v, g[j]);
        }
    }
}

void RT_ISA_NAME(winograd_filter_gradient)(const struct rt_filters *filters, const float *transformed,
                                           float *to)
{
    if (filters->kernel == 3)
        filter_gradients_of(filters, transformed, to, 3);
    else
        filter_gradients_of(filters, transformed, to, 5);
}
