/* Gathers the network's input from the data set on the device, bit-identical to engine/host/gather.c; and
 * converts a probe's NCHW values to and from the device's layout.
 *
 * -D RT_OPTIMIZER (gather); CHANNELS, HEIGHT, WIDTH: of an image; LD: floats from pixel to pixel, >= CHANNELS,
 * zero-padded
 */
#include "host.h"
#include "pass.h"
#ifdef RT_OPTIMIZER
#include "update.h"

/* x[n][HEIGHT][WIDTH][LD], labels[n]; grid (ceil(HEIGHT * WIDTH / 256), images). Also writes the batch's number
 * and count, and the update's terms, to *pass. */
RT_KERNEL(256)
gather(struct rt_cuda_pass *pass, float *__restrict__ x, rt_u8 *__restrict__ labels)
{
    const rt_u32 n = blockIdx.y, pixel = blockIdx.x * 256 + threadIdx.x;
    const rt_u32 batch = pass->next, begin = batch * pass->batch_size;
    const rt_u32 left = begin < pass->total ? pass->total - begin : 0;
    const rt_u32 count = RT_MIN(left, pass->batch_size);
    const rt_u32 rows = pass->noise ? HEIGHT : pass->side, columns = pass->noise ? WIDTH : pass->side;
    rt_u32 image, row, column;

    if (n == 0 && pixel == 0) {
        pass->batch = batch;
        pass->count = (int)count;
        rt_find_terms(pass, batch);
    }
    if (n >= count || pixel >= HEIGHT * WIDTH)
        return;
    image = pass->order ? ((const rt_u32 *)pass->order)[begin + n] : pass->first_image + begin + n;
    row = pixel / WIDTH;
    column = pixel % WIDTH;
    if (columns != WIDTH) {
        struct rt_cuda_crop crop = {(rt_u8)((rows - HEIGHT) / 2), (rt_u8)((columns - WIDTH) / 2), 0};

        if (pass->crops)
            crop = ((const struct rt_cuda_crop *)pass->crops)[begin + n];
        row += crop.row;
        column = crop.column + (crop.flip ? WIDTH - 1 - column : column);
    }
    for (int c = 0; c < LD; c++) {
        const rt_u64 at = (((rt_u64)image * CHANNELS + c) * rows + row) * columns + column;
        float value = 0;

        if (c < CHANNELS) {
            value = pass->noise ? ((const float *)pass->pixels)[at] : (float)((const rt_u8 *)pass->pixels)[at];
            if (c < 3) /* further channels are not normalised */
                value = __fmul_rn(__fsub_rn(value, pass->shift[c]), pass->scale[c]);
        }
        x[((rt_u64)n * (HEIGHT * WIDTH) + pixel) * LD + c] = value;
    }
    if (pixel == 0)
        labels[n] = ((const rt_u8 *)pass->labels)[image];
}
#endif

/* NCHW planes[n][CHANNELS][HEIGHT][WIDTH], images `stride` floats apart, to and from NHWC
 * x[n][HEIGHT][WIDTH][LD]; grid (ceil(HEIGHT * WIDTH * LD / 256), images). */
RT_KERNEL(256)
from_planes(const struct rt_cuda_pass *pass, const float *__restrict__ planes, rt_u64 stride,
            float *__restrict__ x, int accumulate)
{
    const rt_u32 i = blockIdx.x * 256 + threadIdx.x, n = blockIdx.y;
    const rt_u32 pixel = i / LD, c = i % LD;
    const rt_u64 to = ((rt_u64)n * (HEIGHT * WIDTH) + pixel) * LD + c;
    float value = 0;

    if ((int)n >= pass->count || pixel >= HEIGHT * WIDTH || (accumulate && c >= CHANNELS))
        return;
    if (c < CHANNELS)
        value = planes[n * stride + c * (HEIGHT * WIDTH) + pixel];
    x[to] = accumulate ? x[to] + value : value;
}

RT_KERNEL(256)
to_planes(const struct rt_cuda_pass *pass, const float *__restrict__ x, float *__restrict__ planes,
          rt_u64 stride)
{
    const rt_u32 i = blockIdx.x * 256 + threadIdx.x, n = blockIdx.y;
    const rt_u32 pixel = i / CHANNELS, c = i % CHANNELS;

    if ((int)n < pass->count && pixel < HEIGHT * WIDTH)
        planes[n * stride + c * (HEIGHT * WIDTH) + pixel] = x[((rt_u64)n * (HEIGHT * WIDTH) + pixel) * LD + c];
}
