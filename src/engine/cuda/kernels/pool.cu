/* Pooling of maps [n][HEIGHT][WIDTH] to [n][OUT_HEIGHT][OUT_WIDTH].
 *
 * -D CHANNELS, HEIGHT, WIDTH, OUT_HEIGHT, OUT_WIDTH; X_LD, Y_LD, DX_LD, DY_LD: floats from pixel to pixel;
 * ACCUMULATE: dx is added to. max_pool: KERNEL, STRIDE, PADDING; WIDE: a place in its window needs two bytes;
 * GATE: the gradient is 0 where y is 0 or below. avg_pool: SIZE, window i is floor(i * in / SIZE) ..
 * ceil((i + 1) * in / SIZE).
 *
 * One thread each value; grid: ceil(batch_max * pixels * CHANNELS / 256) of the side that is written. */
#include "host.h"
#include "pass.h"

#ifdef KERNEL
#if WIDE
typedef unsigned short rt_place;
#else
typedef rt_u8 rt_place;
#endif

/* y: the largest in the window, the first of equals, a NaN before any number (the last NaN, as PyTorch);
 * places: which one that was, [n][OUT_HEIGHT][OUT_WIDTH][CHANNELS], or null. */
RT_KERNEL(256)
max_pool(const struct rt_cuda_pass *pass, const float *__restrict__ x, float *__restrict__ y,
         rt_place *__restrict__ places)
{
    const rt_u32 i = blockIdx.x * 256 + threadIdx.x;
    const rt_u32 c = i % CHANNELS, to = i / CHANNELS, n = to / (OUT_HEIGHT * OUT_WIDTH);
    const int row = (int)(to / OUT_WIDTH % OUT_HEIGHT) * STRIDE - PADDING;
    const int column = (int)(to % OUT_WIDTH) * STRIDE - PADDING;
    float best = 0;
    int place = -1;

    if (n >= (rt_u32)pass->count)
        return;
    RT_UNROLL
    for (int u = 0; u < KERNEL; u++)
        RT_UNROLL
    for (int v = 0; v < KERNEL; v++)
        if (row + u >= 0 && row + u < HEIGHT && column + v >= 0 && column + v < WIDTH) {
            const float value = x[(rt_u64)((n * HEIGHT + row + u) * WIDTH + column + v) * X_LD + c];

            if (place < 0 || value > best || value != value) {
                best = value;
                place = u * KERNEL + v;
            }
        }
    y[(rt_u64)to * Y_LD + c] = best;
    if (places)
        places[i] = (rt_place)place;
}

/* Each x collects from the windows that chose it, in their order; with GATE nothing where that is 0 or below.
 */
RT_KERNEL(256)
max_pool_gradient(const struct rt_cuda_pass *pass, const float *__restrict__ dy,
                  const rt_place *__restrict__ places, float *__restrict__ dx, const float *__restrict__ y)
{
    const rt_u32 i = blockIdx.x * 256 + threadIdx.x;
    const rt_u32 c = i % CHANNELS, from = i / CHANNELS, n = from / (HEIGHT * WIDTH);
    const int row = (int)(from / WIDTH % HEIGHT) + PADDING, column = (int)(from % WIDTH) + PADDING;
    const int first_row = row < KERNEL ? 0 : (row - KERNEL) / STRIDE + 1;
    const int first_column = column < KERNEL ? 0 : (column - KERNEL) / STRIDE + 1;
    const int last_row = RT_MIN(row / STRIDE, OUT_HEIGHT - 1),
              last_column = RT_MIN(column / STRIDE, OUT_WIDTH - 1);
    float sum = 0;

    if (n >= (rt_u32)pass->count)
        return;
    for (int u = first_row; u <= last_row; u++)
        for (int v = first_column; v <= last_column; v++) {
            const rt_u32 at = (n * OUT_HEIGHT + u) * OUT_WIDTH + v;

            if ((int)places[at * CHANNELS + c] == (row - u * STRIDE) * KERNEL + column - v * STRIDE &&
                !(GATE && y[(rt_u64)at * Y_LD + c] <= 0))
                sum += dy[(rt_u64)at * DY_LD + c];
        }
    dx[(rt_u64)from * DX_LD + c] = ACCUMULATE ? dx[(rt_u64)from * DX_LD + c] + sum : sum;
}
#endif

#ifdef SIZE
RT_KERNEL(256)
avg_pool(const struct rt_cuda_pass *pass, const float *__restrict__ x, float *__restrict__ y)
{
    const rt_u32 i = blockIdx.x * 256 + threadIdx.x;
    const rt_u32 c = i % CHANNELS, to = i / CHANNELS, n = to / (SIZE * SIZE);
    const int u = (int)(to / SIZE % SIZE), v = (int)(to % SIZE);
    const int top = u * HEIGHT / SIZE, bottom = ((u + 1) * HEIGHT + SIZE - 1) / SIZE;
    const int left = v * WIDTH / SIZE, right = ((v + 1) * WIDTH + SIZE - 1) / SIZE;
    double sum = 0;

    if (n >= (rt_u32)pass->count)
        return;
    for (int row = top; row < bottom; row++)
        for (int column = left; column < right; column++)
            sum += (double)x[(rt_u64)((n * HEIGHT + row) * WIDTH + column) * X_LD + c];
    y[(rt_u64)to * Y_LD + c] = (float)(sum / ((bottom - top) * (right - left)));
}

RT_KERNEL(256)
avg_pool_gradient(const struct rt_cuda_pass *pass, const float *__restrict__ dy, float *__restrict__ dx)
{
    const rt_u32 i = blockIdx.x * 256 + threadIdx.x;
    const rt_u32 c = i % CHANNELS, from = i / CHANNELS, n = from / (HEIGHT * WIDTH);
    const int row = (int)(from / WIDTH % HEIGHT), column = (int)(from % WIDTH);
    float sum = 0;

    if (n >= (rt_u32)pass->count)
        return;
    for (int u = 0; u < SIZE; u++) {
        const int top = u * HEIGHT / SIZE, bottom = ((u + 1) * HEIGHT + SIZE - 1) / SIZE;

        if (row < top || row >= bottom)
            continue;
        for (int v = 0; v < SIZE; v++) {
            const int left = v * WIDTH / SIZE, right = ((v + 1) * WIDTH + SIZE - 1) / SIZE;

            if (column >= left && column < right)
                sum += __fdiv_rn(dy[(rt_u64)((n * SIZE + u) * SIZE + v) * DY_LD + c],
                                 (float)((bottom - top) * (right - left)));
        }
    }
    dx[(rt_u64)from * DX_LD + c] = ACCUMULATE ? dx[(rt_u64)from * DX_LD + c] + sum : sum;
}
#endif
