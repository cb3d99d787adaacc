/* Sums over rows, and batch norm's gradient (Ioffe and Szegedy 2015, section 3). */
#include "engine/native/isa/norm.h"
#include "engine/native/isa/tables.h"

enum {
    WIDE = 4,   /* vectors of channels summed side by side, so that rows are read along */
    AHEAD = 32, /* how many rows ahead rows are prefetched */
};

/* Calls what(c, wide) for all channels, with a constant width of 1 to WIDE vectors. */
#define BY_WIDTH(channels, what)                                                                               \
    for (long c = 0; c < (channels);) {                                                                        \
        const long left = ((channels)-c) / RT_LANES;                                                           \
                                                                                                               \
        if (left >= WIDE) {                                                                                    \
            what(c, WIDE);                                                                                     \
            c += WIDE * RT_LANES;                                                                              \
        } else if (left == 3) {                                                                                \
            what(c, 3);                                                                                        \
            c += 3 * RT_LANES;                                                                                 \
        } else if (left == 2) {                                                                                \
            what(c, 2);                                                                                        \
            c += 2 * RT_LANES;                                                                                 \
        } else {                                                                                               \
            what(c, 1);                                                                                        \
            c += RT_LANES;                                                                                     \
        }                                                                                                      \
    }

RT_INLINE void column_sum_of(const float *x, long ld, long rows, float *sum, bool accumulate, const int wide)
{
    rt_vec total[WIDE];

    for (int v = 0; v < wide; v++)
        total[v] = accumulate ? rt_load(sum + v * RT_LANES) : rt_splat(0);
    for (long r = 0; r < rows; r++)
        for (int v = 0; v < wide; v++)
            total[v] += rt_load(x + r * ld + v * RT_LANES);
    for (int v = 0; v < wide; v++)
        rt_store(sum + v * RT_LANES, total[v]);
}

static void column_sum(const float *x, long ld, long rows, long channels, float *sum, bool accumulate){
#define COLUMN_SUM(c, wide) column_sum_of(x + (c), ld, rows, sum + (c), accumulate, wide)
    BY_WIDTH(channels, COLUMN_SUM)}

RT_INLINE void moments_of(const float *x, long ld, long rows, float *mean, float *m2, const int wide)
{
    const rt_vec inverse = rt_splat(1.0f / (float)rows);

    rt_vec sum[WIDE], squares[WIDE], centre[WIDE];

    for (int v = 0; v < wide; v++)
        sum[v] = squares[v] = rt_splat(0);
    for (long r = 0; r < rows; r++)
        for (int v = 0; v < wide; v++)
            sum[v] += rt_load(x + r * ld + v * RT_LANES);
    for (int v = 0; v < wide; v++)
        centre[v] = sum[v] * inverse;
    for (long r = 0; r < rows; r++)
        for (int v = 0; v < wide; v++) {
            const rt_vec d = rt_load(x + r * ld + v * RT_LANES) - centre[v];

            squares[v] += d * d;
        }
    for (int v = 0; v < wide; v++) {
        rt_store(mean + v * RT_LANES, centre[v]);
        rt_store(m2 + v * RT_LANES, squares[v]);
    }
}

static void moments(const float *x, long ld, long rows, long channels, float *mean, float *m2){
#define MOMENTS(c, wide) moments_of(x + (c), ld, rows, mean + (c), m2 + (c), wide)
    BY_WIDTH(channels, MOMENTS)}

/* dy where the activation was passed on, else 0. */
RT_INLINE rt_vec passed(const float *x, const float *dy, struct rt_view view, long c)
{
    const rt_vec g = rt_load(dy + c);

    if (!view.relu)
        return g;
    return rt_gate_vec(g, rt_load(x + c) * rt_load(view.scale + c) + rt_load(view.shift + c));
}

RT_INLINE void norm_sums_of(const float *x, long x_ld, const float *dy, long dy_ld, long rows,
                            struct rt_view view, const float *mean, float *sum_g, float *sum_gx, const int wide)
{
    rt_vec total[WIDE], weighted[WIDE], centre[WIDE];

    for (int v = 0; v < wide; v++) {
        total[v] = weighted[v] = rt_splat(0);
        centre[v] = rt_load(mean + v * RT_LANES);
    }
    for (long r = 0; r < rows; r++, x += x_ld, dy += dy_ld)
        for (int v = 0; v < wide; v++) {
            const rt_vec g = passed(x, dy, view, v * RT_LANES);

            __builtin_prefetch(x + AHEAD * x_ld + v * RT_LANES);
            __builtin_prefetch(dy + AHEAD * dy_ld + v * RT_LANES);
            total[v] += g;
            weighted[v] += g * (rt_load(x + v * RT_LANES) - centre[v]);
        }
    for (int v = 0; v < wide; v++) {
        rt_store(sum_g + v * RT_LANES, total[v]);
        rt_store(sum_gx + v * RT_LANES, weighted[v]);
    }
}

static void norm_sums(const float *x, long x_ld, const float *dy, long dy_ld, long rows, long channels,
                      struct rt_view view, const float *mean, float *sum_g, float *sum_gx)
{
#define SUMS(c, wide)                                                                                          \
    norm_sums_of(x + (c), x_ld, dy + (c), dy_ld, rows,                                                         \
                 (struct rt_view){view.scale + (c), view.shift + (c), view.relu}, mean + (c), sum_g + (c),     \
                 sum_gx + (c), wide)
    BY_WIDTH(channels, SUMS)
}

static void norm_backward(const float *x, long x_ld, const float *dy, long dy_ld, float *dx, long dx_ld,
                          long rows, long channels, struct rt_view view, const struct rt_norm_terms *terms,
                          bool accumulate)
{
    for (long r = 0; r < rows; r++, x += x_ld, dy += dy_ld, dx += dx_ld)
        for (long c = 0; c < channels; c += RT_LANES) {
            const rt_vec g = passed(x, dy, view, c);
            const rt_vec d = rt_load(x + c) - rt_load(terms->mean + c);
            const rt_vec value =
                rt_load(view.scale + c) * (g - rt_load(terms->mean_g + c) - rt_load(terms->slope + c) * d);

            __builtin_prefetch(x + AHEAD * x_ld + c);
            __builtin_prefetch(dy + AHEAD * dy_ld + c);
            rt_store(dx + c, accumulate ? rt_load(dx + c) + value : value);
        }
}

const struct rt_norm_kernels RT_ISA_NAME(norm_kernels) = {
    .column_sum = column_sum,
    .moments = moments,
    .sums = norm_sums,
    .backward = norm_backward,
};
