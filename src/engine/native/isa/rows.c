/* Loops over rows of channels: bias, ReLU and its gradient, copies through a view, sums, transposes. */
#include "engine/native/isa/functions.h"

void RT_ISA_NAME(bias_relu)(float *x, long ld, long rows, long channels, const float *bias, bool relu)
{
    for (long r = 0; r < rows; r++, x += ld)
        for (long c = 0; c < channels; c += RT_LANES) {
            rt_vec value = rt_load(x + c);

            if (bias)
                value += rt_load(bias + c);
            rt_store(x + c, relu ? rt_relu_vec(value) : value);
        }
}

void RT_ISA_NAME(gate)(float *dy, long dy_ld, const float *y, long y_ld, long rows, long channels)
{
    for (long r = 0; r < rows; r++, dy += dy_ld, y += y_ld)
        for (long c = 0; c < channels; c += RT_LANES)
            rt_store(dy + c, rt_gate_vec(rt_load(dy + c), rt_load(y + c)));
}

void RT_ISA_NAME(column_sum)(const float *x, long ld, long rows, long channels, float *sum, bool accumulate)
{
    for (long c = 0; c < channels; c += RT_LANES) {
        rt_vec total = accumulate ? rt_load(sum + c) : rt_splat(0);

        for (long r = 0; r < rows; r++)
            total += rt_load(x + r * ld + c);
        rt_store(sum + c, total);
    }
}

void RT_ISA_NAME(copy)(const float *from, long from_ld, struct rt_view view, float *to, long to_ld, long rows,
                       long channels, bool accumulate)
{
    for (long r = 0; r < rows; r++, from += from_ld, to += to_ld)
        for (long c = 0; c < channels; c += RT_LANES) {
            const rt_vec value = rt_view_load(from, view, c);

            rt_store(to + c, accumulate ? rt_load(to + c) + value : value);
        }
}

void RT_ISA_NAME(add)(const float *a, long a_ld, const float *b, long b_ld, float *to, long to_ld, long rows,
                      long channels)
{
    for (long r = 0; r < rows; r++, a += a_ld, b += b_ld, to += to_ld)
        for (long c = 0; c < channels; c += RT_LANES)
            rt_store(to + c, rt_load(a + c) + rt_load(b + c));
}

void RT_ISA_NAME(transpose)(const float *from, long from_ld, float *to, long to_ld, long rows, long columns)
{
    enum { BLOCK = 16 };

    for (long i = 0; i < rows; i += BLOCK)
        for (long j = 0; j < columns; j += BLOCK) {
            const long height = rows - i < BLOCK ? rows - i : BLOCK,
                       width = columns - j < BLOCK ? columns - j : BLOCK;

            for (long y = 0; y < height; y++)
                for (long x = 0; x < width; x++)
                    to[(j + x) * to_ld + i + y] = from[(i + y) * from_ld + j + x];
        }
}
