/* Loops over rows of channels: bias, ReLU and its gradient, copies through a view, additions, transposes. */
#include "engine/native/isa/rows.h"
#include "engine/native/isa/tables.h"

static void bias_relu(float *x, long ld, long rows, long channels, const float *bias, bool relu)
{
    for (long r = 0; r < rows; r++, x += ld)
        for (long c = 0; c < channels; c += RT_LANES) {
            rt_vec value = rt_load(x + c);

            if (bias)
                value += rt_load(bias + c);
            rt_store(x + c, relu ? rt_relu_vec(value) : value);
        }
}

static void gate(float *dy, long dy_ld, const float *y, long y_ld, long rows, long channels)
{
    for (long r = 0; r < rows; r++, dy += dy_ld, y += y_ld)
        for (long c = 0; c < channels; c += RT_LANES)
            rt_store(dy + c, rt_gate_vec(rt_load(dy + c), rt_load(y + c)));
}

static void copy(const float *from, long from_ld, struct rt_view view, float *to, long to_ld, long rows,
                 long channels, bool accumulate)
{
    for (long r = 0; r < rows; r++, from += from_ld, to += to_ld)
        for (long c = 0; c < channels; c += RT_LANES) {
            const rt_vec value = rt_view_load(from, view, c);

            rt_store(to + c, accumulate ? rt_load(to + c) + value : value);
        }
}

static void add(const float *a, long a_ld, const float *b, long b_ld, float *to, long to_ld, long rows,
                long channels)
{
    for (long r = 0; r < rows; r++, a += a_ld, b += b_ld, to += to_ld)
        for (long c = 0; c < channels; c += RT_LANES)
            rt_store(to + c, rt_load(a + c) + rt_load(b + c));
}

#if defined(__AVX512F__)
#define ZIP_LOW 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define ZIP_HIGH 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#elif defined(__AVX2__)
#define ZIP_LOW 0, 8, 1, 9, 2, 10, 3, 11
#define ZIP_HIGH 4, 12, 5, 13, 6, 14, 7, 15
#else
#define ZIP_LOW 0, 4, 1, 5
#define ZIP_HIGH 2, 6, 3, 7
#endif

/* RT_LANES x RT_LANES floats: interleaving the first half of the rows with the second, once for each bit of
 * their number, exchanges rows and columns. */
RT_INLINE void transpose_square(const float *from, long from_ld, float *to, long to_ld)
{
    rt_vec rows[RT_LANES], zipped[RT_LANES];

#pragma GCC unroll 16
    for (int i = 0; i < RT_LANES; i++)
        rows[i] = rt_load(from + i * from_ld);
#pragma GCC unroll 4
    for (int bit = 1; bit < RT_LANES; bit *= 2) {
#pragma GCC unroll 8
        for (int i = 0; i < RT_LANES / 2; i++) {
            zipped[2 * i] = __builtin_shufflevector(rows[i], rows[i + RT_LANES / 2], ZIP_LOW);
            zipped[2 * i + 1] = __builtin_shufflevector(rows[i], rows[i + RT_LANES / 2], ZIP_HIGH);
        }
#pragma GCC unroll 16
        for (int i = 0; i < RT_LANES; i++)
            rows[i] = zipped[i];
    }
#pragma GCC unroll 16
    for (int i = 0; i < RT_LANES; i++)
        rt_store(to + i * to_ld, rows[i]);
}

static void transpose(const float *from, long from_ld, float *to, long to_ld, long rows, long columns)
{
    for (long i = 0; i < rows; i += RT_LANES)
        for (long j = 0; j < columns; j += RT_LANES)
            transpose_square(from + i * from_ld + j, from_ld, to + j * to_ld + i, to_ld);
}

const struct rt_rows_kernels RT_ISA_NAME(rows_kernels) = {
    .bias_relu = bias_relu,
    .gate = gate,
    .copy = copy,
    .add = add,
    .transpose = transpose,
};
