/* Batch norm's sums over rows and its gradient (Ioffe and Szegedy 2015, section 3). */
#include "engine/native/isa/functions.h"

void RT_ISA_NAME(moments)(const float *x, long ld, long rows, long channels, float *mean, float *m2)
{
    const rt_vec inverse = rt_splat(1.0f / (float)rows);

    for (long c = 0; c < channels; c += RT_LANES) {
        rt_vec sum = rt_splat(0), squares = rt_splat(0), centre;

        for (long r = 0; r < rows; r++)
            sum += rt_load(x + r * ld + c);
        centre = sum * inverse;
        for (long r = 0; r < rows; r++) {
            const rt_vec d = rt_load(x + r * ld + c) - centre;

            squares += d * d;
        }
        rt_store(mean + c, centre);
        rt_store(m2 + c, squares);
    }
}

/* dy where the activation was passed on, else 0. */
RT_INLINE rt_vec passed(const float *x, const float *dy, struct rt_view view, long c)
{
    const rt_vec g = rt_load(dy + c);

    if (!view.relu)
        return g;
    return rt_gate_vec(g, rt_load(x + c) * rt_load(view.scale + c) + rt_load(view.shift + c));
}

void RT_ISA_NAME(norm_sums)(const float *x, long x_ld, const float *dy, long dy_ld, long rows, long channels,
                            struct rt_view view, const float *mean, float *sum_g, float *sum_gx)
{
    for (long c = 0; c < channels; c += RT_LANES) {
        const rt_vec centre = rt_load(mean + c);
        rt_vec total = rt_splat(0), weighted = rt_splat(0);

        for (long r = 0; r < rows; r++) {
            const rt_vec g = passed(x + r * x_ld, dy + r * dy_ld, view, c);

            total += g;
            weighted += g * (rt_load(x + r * x_ld + c) - centre);
        }
        rt_store(sum_g + c, total);
        rt_store(sum_gx + c, weighted);
    }
}

void RT_ISA_NAME(norm_backward)(const float *x, long x_ld, const float *dy, long dy_ld, float *dx, long dx_ld,
                                long rows, long channels, struct rt_view view, const float *mean,
                                const float *a, const float *b, bool accumulate)
{
    for (long r = 0; r < rows; r++, x += x_ld, dy += dy_ld, dx += dx_ld)
        for (long c = 0; c < channels; c += RT_LANES) {
            const rt_vec g = passed(x, dy, view, c);
            const rt_vec d = rt_load(x + c) - rt_load(mean + c);
            const rt_vec value = rt_load(view.scale + c) * (g - rt_load(a + c) - rt_load(b + c) * d);

            rt_store(dx + c, accumulate ? rt_load(dx + c) + value : value);
        }
}
