/* Winograd's transforms of filters and of their gradients (winograd_lines.h), for 16 filters at a time. */
#include "engine/native/isa/winograd_filters.h"
#include "engine/native/isa/tables.h"
#include "engine/native/isa/winograd_lines.h"

/* Which number point p of the 8 has in a tile of `points`, or negative; 9 points are all there. */
RT_INLINE int number_of(int p, int points)
{
    if (points == 9)
        return p;
    if (p == 7) /* infinity, always the last */
        return points - 1;
    return p < points - 1 ? p : -1;
}

RT_INLINE long tap_at(const struct rt_filters *f, int i, int j)
{
    return (f->row_tap[i] * f->kernel + f->column_tap[j]) * f->tap_stride;
}

RT_INLINE void filters_of(const struct rt_filters *f, const float *from, float *to, const int taps)
{
    for (long v = 0; v < f->count * RT_PANEL; v += RT_LANES) {
        rt_vec half[RT_TAPS_MAX][RT_SIDE]; /* [column][point] */

#pragma GCC unroll 5
        for (int j = 0; j < taps; j++) {
            rt_vec g[RT_TAPS_MAX];

#pragma GCC unroll 5
            for (int i = 0; i < taps; i++)
                g[i] = f->row_tap[i] < 0 || f->column_tap[j] < 0 ? rt_splat(0)
                                                                 : rt_load(from + tap_at(f, i, j) + v);
            rt_filter_line(g, half[j], taps, f->row_points);
        }
#pragma GCC unroll 9
        for (int p = 0; p < RT_SIDE; p++) {
            const int row = number_of(p, f->row_points);
            rt_vec g[RT_TAPS_MAX], u[RT_SIDE];

            if (row < 0)
                continue;
#pragma GCC unroll 5
            for (int j = 0; j < taps; j++)
                g[j] = half[j][p];
            rt_filter_line(g, u, taps, f->column_points);
#pragma GCC unroll 9
            for (int q = 0; q < RT_SIDE; q++)
                if (number_of(q, f->column_points) >= 0)
                    rt_store(
                        to + (row * f->column_points + number_of(q, f->column_points)) * f->position_stride + v,
                        u[q]);
        }
    }
}

static void transform(const struct rt_filters *filters, const float *from, float *transformed)
{
    if (filters->taps == 2)
        filters_of(filters, from, transformed, 2);
    else if (filters->taps == 3)
        filters_of(filters, from, transformed, 3);
    else
        filters_of(filters, from, transformed, 5);
}

RT_INLINE void filter_gradients_of(const struct rt_filters *f, const float *from, float *to, const int taps)
{
    for (long v = 0; v < f->count * RT_PANEL; v += RT_LANES) {
        rt_vec half[RT_SIDE][RT_TAPS_MAX]; /* [point][tap row] */

#pragma GCC unroll 9
        for (int q = 0; q < RT_SIDE; q++) {
            const int column = number_of(q, f->column_points);
            rt_vec u[RT_SIDE];

#pragma GCC unroll 9
            for (int p = 0; p < RT_SIDE; p++) {
                const int row = number_of(p, f->row_points);

                u[p] = row < 0 || column < 0
                           ? rt_splat(0)
                           : rt_load(from + (row * f->column_points + column) * f->position_stride + v);
            }
            rt_filter_gradient_line(u, half[q], taps, f->row_points);
        }
#pragma GCC unroll 5
        for (int i = 0; i < taps; i++) {
            rt_vec u[RT_SIDE], g[RT_TAPS_MAX];

#pragma GCC unroll 9
            for (int q = 0; q < RT_SIDE; q++)
                u[q] = half[q][i];
            rt_filter_gradient_line(u, g, taps, f->column_points);
#pragma GCC unroll 5
            for (int j = 0; j < taps; j++)
                if (f->row_tap[i] >= 0 && f->column_tap[j] >= 0)
                    rt_store(to + tap_at(f, i, j) + v, g[j]);
        }
    }
}

static void gradient(const struct rt_filters *filters, const float *transformed, float *to)
{
    if (filters->taps == 2)
        filter_gradients_of(filters, transformed, to, 2);
    else if (filters->taps == 3)
        filter_gradients_of(filters, transformed, to, 3);
    else
        filter_gradients_of(filters, transformed, to, 5);
}

const struct rt_winograd_filters_kernels RT_ISA_NAME(winograd_filters_kernels) = {
    .transform = transform,
    .gradient = gradient,
};
