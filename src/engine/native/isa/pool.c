/* Pooling of one image, vectors over channels. */
#include <string.h>

#include "engine/native/isa/pool.h"
#include "engine/native/isa/tables.h"

enum { WIDE = 4 }; /* vectors of channels side by side */

typedef uint8_t rt_bytes __attribute__((vector_size(RT_LANES)));

RT_INLINE rt_bytes load_bytes(const uint8_t *from)
{
    rt_bytes value;

    memcpy(&value, from, sizeof value);
    return value;
}

/* The first and last + 1 tap along one axis that lie inside. */
struct taps {
    int begin, end;
};

RT_INLINE struct taps inside(int start, int kernel, int size)
{
    return (struct taps){start < 0 ? -start : 0, start + kernel > size ? size - start : kernel};
}

/* One window of `vectors` (a constant where this is inlined) vectors of channels from c on; `top` and `left`
 * may lie outside. A maximum waits for the one before it, so several go side by side. */
RT_INLINE void max_of_window(const struct rt_window *w, const float *x, long x_ld, struct rt_view view, int top,
                             int left, long c, const int vectors, float *y, uint8_t *winner)
{
    const struct taps down = inside(top, w->kernel, w->height), along = inside(left, w->kernel, w->width);

    rt_vec best[WIDE];
    rt_ivec which[WIDE];

    for (int v = 0; v < vectors; v++) {
        best[v] = rt_splat(-__builtin_inff());
        which[v] = (rt_ivec){0};
    }
    for (int i = down.begin; i < down.end; i++)
        for (int j = along.begin; j < along.end; j++) {
            const float *from = x + ((long)(top + i) * w->width + left + j) * x_ld;

            for (int v = 0; v < vectors; v++) {
                const rt_vec value = rt_view_load(from, view, c + v * RT_LANES);
                /* NOLINTNEXTLINE(misc-redundant-expression): a NaN differs from itself */
                const rt_ivec better = (value > best[v]) | (value != value); /* NaN wins, as in PyTorch */

                best[v] = rt_select(better, value, best[v]);
                which[v] = (which[v] & ~better) | ((i * w->kernel + j) & better);
            }
        }
    for (int v = 0; v < vectors; v++) {
        rt_store(y + c + v * RT_LANES, best[v]);
        if (winner) {
            const rt_bytes narrow = __builtin_convertvector(which[v], rt_bytes);

            memcpy(winner + c + v * RT_LANES, &narrow, sizeof narrow);
        }
    }
}

/* Prefetches a share of the rows that the windows below this one read first, often in no cache: a square of
 * pixels. Those of neighbours fill the rows, unless there are gaps between windows. */
RT_INLINE void ask_below(const struct rt_window *w, const float *x, long x_ld, int top, int left)
{
    const int side = w->stride < w->kernel ? w->stride : w->kernel;

    for (int i = 0; i < side; i++)
        for (int j = 0; j < side; j++) {
            const float *from = x + ((long)(top + w->kernel + i) * w->width + left + j) * x_ld;

            for (long c = 0; c < w->channels; c += RT_PANEL)
                __builtin_prefetch(from + c);
        }
}

static void max_pool(const struct rt_window *w, const float *x, long x_ld, struct rt_view view, float *y,
                     long y_ld, uint8_t *winner, long winner_ld)
{
    for (int oy = 0; oy < w->rows; oy++)
        for (int ox = 0; ox < w->columns; ox++, y += y_ld, winner += winner_ld) {
            const int top = oy * w->stride - w->padding, left = ox * w->stride - w->padding;
            long c = 0;

            ask_below(w, x, x_ld, top, left);
            for (; c + WIDE * RT_LANES <= w->channels; c += WIDE * RT_LANES)
                max_of_window(w, x, x_ld, view, top, left, c, WIDE, y, winner);
            for (; c < w->channels; c += RT_LANES)
                max_of_window(w, x, x_ld, view, top, left, c, 1, y, winner);
        }
}

static void max_pool_backward(const struct rt_window *w, const float *dy, long dy_ld, const uint8_t *winner,
                              long winner_ld, float *dx, long dx_ld, bool accumulate)
{
    if (!accumulate)
        for (long p = 0; p < (long)w->height * w->width; p++)
            memset(dx + p * dx_ld, 0, (size_t)w->channels * sizeof *dx);
    for (int oy = 0; oy < w->rows; oy++)
        for (int ox = 0; ox < w->columns; ox++, dy += dy_ld, winner += winner_ld) {
            const int top = oy * w->stride - w->padding, left = ox * w->stride - w->padding;
            const struct taps down = inside(top, w->kernel, w->height),
                              along = inside(left, w->kernel, w->width);

            for (long c = 0; c < w->channels; c += RT_LANES) {
                const rt_vec g = rt_load(dy + c);
                const rt_ivec which = __builtin_convertvector(load_bytes(winner + c), rt_ivec);

                for (int i = down.begin; i < down.end; i++)
                    for (int j = along.begin; j < along.end; j++) {
                        float *to = dx + ((long)(top + i) * w->width + left + j) * dx_ld + c;

                        rt_store(to, rt_load(to) + (rt_vec)((rt_ivec)g & (which == i * w->kernel + j)));
                    }
            }
        }
}

RT_INLINE struct taps adaptive(int i, int in, int out)
{
    return (struct taps){i * in / out, ((i + 1) * in + out - 1) / out};
}

static void avg_pool(const struct rt_window *w, const float *x, long x_ld, struct rt_view view, float *y,
                     long y_ld)
{
    for (int oy = 0; oy < w->rows; oy++)
        for (int ox = 0; ox < w->columns; ox++, y += y_ld) {
            const struct taps down = adaptive(oy, w->height, w->rows),
                              along = adaptive(ox, w->width, w->columns);
            const float inverse = 1.0f / (float)((down.end - down.begin) * (along.end - along.begin));

            for (long c = 0; c < w->channels; c += RT_LANES) {
                rt_vec sum = rt_splat(0);

                for (int i = down.begin; i < down.end; i++)
                    for (int j = along.begin; j < along.end; j++)
                        sum += rt_view_load(x + ((long)i * w->width + j) * x_ld, view, c);
                rt_store(y + c, sum * inverse);
            }
        }
}

static void avg_pool_backward(const struct rt_window *w, const float *dy, long dy_ld, float *dx, long dx_ld,
                              bool accumulate)
{
    if (!accumulate)
        for (long p = 0; p < (long)w->height * w->width; p++)
            memset(dx + p * dx_ld, 0, (size_t)w->channels * sizeof *dx);
    for (int oy = 0; oy < w->rows; oy++)
        for (int ox = 0; ox < w->columns; ox++, dy += dy_ld) {
            const struct taps down = adaptive(oy, w->height, w->rows),
                              along = adaptive(ox, w->width, w->columns);
            const float inverse = 1.0f / (float)((down.end - down.begin) * (along.end - along.begin));

            for (int i = down.begin; i < down.end; i++)
                for (int j = along.begin; j < along.end; j++) {
                    float *to = dx + ((long)i * w->width + j) * dx_ld;

                    for (long c = 0; c < w->channels; c += RT_LANES)
                        rt_store(to + c, rt_load(to + c) + rt_load(dy + c) * inverse);
                }
        }
}

const struct rt_pool_kernels RT_ISA_NAME(pool_kernels) = {
    .max = max_pool,
    .max_backward = max_pool_backward,
    .average = avg_pool,
    .average_backward = avg_pool_backward,
};
