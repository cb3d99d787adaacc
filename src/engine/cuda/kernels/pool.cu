/* Pooling of maps [n][HEIGHT][WIDTH] to [n][OUT_HEIGHT][OUT_WIDTH].
 *
 * -D CHANNELS, HEIGHT, WIDTH, OUT_HEIGHT, OUT_WIDTH; X_LD, Y_LD, DX_LD, DY_LD: elements from pixel to pixel;
 * ACCUMULATE: dx += . max_pool: KERNEL, STRIDE, PADDING; WIDE: an argmax within the window needs two bytes;
 * GATE: dy counts as 0 where y <= 0. avg_pool: SIZE, window i is floor(i * in / SIZE) .. ceil((i + 1) * in /
 * SIZE).
 *
 * One thread per VECTOR channels of an output pixel; grid: ceil(batch_max * pixels * CHANNELS / VECTOR / 256).
 */
#include "pass.h"
#include "vector.h"

/* A thread's output pixel and first channel. */
#define AT_PIXEL                                                                                               \
    const rt_u32 i = blockIdx.x * 256 + threadIdx.x;                                                           \
    const rt_u32 c = i % (CHANNELS / VECTOR) * VECTOR, at = i / (CHANNELS / VECTOR);

/* Stores v, or with ACCUMULATE adds it. */
RT_DEVICE void write_gradient(rt_element *dx, const float *sum)
{
    float to[VECTOR];

    if (ACCUMULATE)
        rt_load(to, dx);
    for (int k = 0; k < VECTOR; k++)
        to[k] = ACCUMULATE ? to[k] + sum[k] : sum[k];
    rt_store(dx, to);
}

#ifdef KERNEL
#if WIDE
typedef unsigned short rt_place;
#else
typedef rt_u8 rt_place;
#endif

/* The argmaxes of VECTOR windows, as one access. */
#if VECTOR == 4
#if WIDE
typedef rt_u64 rt_places;
#else
typedef rt_u32 rt_places;
#endif
#else
typedef rt_place rt_places;
#endif

RT_DEVICE void load_places(rt_place *to, const rt_place *from)
{
    const rt_places all = *(const rt_places *)from;

    for (int k = 0; k < VECTOR; k++)
        to[k] = (rt_place)(all >> (8 * sizeof(rt_place) * k));
}

RT_DEVICE void store_places(rt_place *to, const int *from)
{
    rt_places all = 0;

    for (int k = 0; k < VECTOR; k++)
        all |= (rt_places)((rt_places)from[k] << (8 * sizeof(rt_place) * k));
    *(rt_places *)to = all;
}

/* y: the largest in the window, the first of equals, a NaN before any number (the last NaN, as PyTorch);
 * places: its index in the window, [n][OUT_HEIGHT][OUT_WIDTH][CHANNELS], or null. */
RT_KERNEL(256)
max_pool(const struct rt_cuda_pass *pass, const rt_element *__restrict__ x, rt_element *__restrict__ y,
         rt_place *__restrict__ places)
{
    AT_PIXEL
    const rt_u32 n = at / (OUT_HEIGHT * OUT_WIDTH);
    const int row = (int)(at / OUT_WIDTH % OUT_HEIGHT) * STRIDE - PADDING;
    const int column = (int)(at % OUT_WIDTH) * STRIDE - PADDING;
    float best[VECTOR];
    int place[VECTOR];

    if (n >= (rt_u32)pass->count)
        return;
    for (int k = 0; k < VECTOR; k++) {
        best[k] = 0;
        place[k] = -1;
    }
    for (int u = 0; u < KERNEL; u++)
        for (int v = 0; v < KERNEL; v++) {
            float value[VECTOR];

            if (row + u < 0 || row + u >= HEIGHT || column + v < 0 || column + v >= WIDTH)
                continue;
            rt_load(value, x + (rt_u64)((n * HEIGHT + row + u) * WIDTH + column + v) * X_LD + c);
            for (int k = 0; k < VECTOR; k++)
                if (place[k] < 0 || value[k] > best[k] || value[k] != value[k]) {
                    best[k] = value[k];
                    place[k] = u * KERNEL + v;
                }
        }
    rt_store(y + (rt_u64)at * Y_LD + c, best);
    if (places)
        store_places(places + (rt_u64)at * CHANNELS + c, place);
}

/* dx sums dy over the windows whose argmax it is, in their order; with GATE, only where y > 0. */
RT_KERNEL(256)
max_pool_gradient(const struct rt_cuda_pass *pass, const rt_element *__restrict__ dy,
                  const rt_place *__restrict__ places, rt_element *__restrict__ dx,
                  const rt_element *__restrict__ y)
{
    AT_PIXEL
    const rt_u32 n = at / (HEIGHT * WIDTH);
    const int row = (int)(at / WIDTH % HEIGHT) + PADDING, column = (int)(at % WIDTH) + PADDING;
    const int first_row = row < KERNEL ? 0 : (row - KERNEL) / STRIDE + 1;
    const int first_column = column < KERNEL ? 0 : (column - KERNEL) / STRIDE + 1;
    const int last_row = RT_MIN(row / STRIDE, OUT_HEIGHT - 1);
    const int last_column = RT_MIN(column / STRIDE, OUT_WIDTH - 1);
    float sum[VECTOR];

    if (n >= (rt_u32)pass->count)
        return;
    for (int k = 0; k < VECTOR; k++)
        sum[k] = 0;
    for (int u = first_row; u <= last_row; u++)
        for (int v = first_column; v <= last_column; v++) {
            const rt_u32 window = (n * OUT_HEIGHT + u) * OUT_WIDTH + v;
            const int here = (row - u * STRIDE) * KERNEL + column - v * STRIDE;
            rt_place place[VECTOR];
            float gradient[VECTOR], value[VECTOR];

            load_places(place, places + (rt_u64)window * CHANNELS + c);
            rt_load(gradient, dy + (rt_u64)window * DY_LD + c);
            if (GATE)
                rt_load(value, y + (rt_u64)window * Y_LD + c);
            for (int k = 0; k < VECTOR; k++)
                if ((int)place[k] == here && !(GATE && value[k] <= 0))
                    sum[k] += gradient[k];
        }
    write_gradient(dx + (rt_u64)at * DX_LD + c, sum);
}
#endif

#ifdef SIZE
RT_KERNEL(256)
avg_pool(const struct rt_cuda_pass *pass, const rt_element *__restrict__ x, rt_element *__restrict__ y)
{
    AT_PIXEL
    const rt_u32 n = at / (SIZE * SIZE);
    const int u = (int)(at / SIZE % SIZE), v = (int)(at % SIZE);
    const int top = u * HEIGHT / SIZE, bottom = ((u + 1) * HEIGHT + SIZE - 1) / SIZE;
    const int left = v * WIDTH / SIZE, right = ((v + 1) * WIDTH + SIZE - 1) / SIZE;
    double sum[VECTOR];
    float mean[VECTOR];

    if (n >= (rt_u32)pass->count)
        return;
    for (int k = 0; k < VECTOR; k++)
        sum[k] = 0;
    for (int row = top; row < bottom; row++)
        for (int column = left; column < right; column++) {
            float value[VECTOR];

            rt_load(value, x + (rt_u64)((n * HEIGHT + row) * WIDTH + column) * X_LD + c);
            for (int k = 0; k < VECTOR; k++)
                sum[k] += (double)value[k];
        }
    for (int k = 0; k < VECTOR; k++)
        mean[k] = (float)(sum[k] / ((bottom - top) * (right - left)));
    rt_store(y + (rt_u64)at * Y_LD + c, mean);
}

RT_KERNEL(256)
avg_pool_gradient(const struct rt_cuda_pass *pass, const rt_element *__restrict__ dy,
                  rt_element *__restrict__ dx)
{
    AT_PIXEL
    const rt_u32 n = at / (HEIGHT * WIDTH);
    const int row = (int)(at / WIDTH % HEIGHT), column = (int)(at % WIDTH);
    float sum[VECTOR];

    if (n >= (rt_u32)pass->count)
        return;
    for (int k = 0; k < VECTOR; k++)
        sum[k] = 0;
    for (int u = 0; u < SIZE; u++) {
        const int top = u * HEIGHT / SIZE, bottom = ((u + 1) * HEIGHT + SIZE - 1) / SIZE;

        if (row < top || row >= bottom)
            continue;
        for (int v = 0; v < SIZE; v++) {
            const int left = v * WIDTH / SIZE, right = ((v + 1) * WIDTH + SIZE - 1) / SIZE;
            float gradient[VECTOR];

            if (column < left || column >= right)
                continue;
            rt_load(gradient, dy + (rt_u64)((n * SIZE + u) * SIZE + v) * DY_LD + c);
            for (int k = 0; k < VECTOR; k++)
                sum[k] += __fdiv_rn(gradient[k], (float)((bottom - top) * (right - left)));
        }
    }
    write_gradient(dx + (rt_u64)at * DX_LD + c, sum);
}
#endif
