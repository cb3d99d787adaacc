/* Gathers the network's input from the data set on the device, bit-identical to engine/host/gather.c; and
 * converts a probe's NCHW values to and from the device's layout.
 *
 * -D RT_OPTIMIZER (gather); CHANNELS, HEIGHT, WIDTH: of an image; LD: elements from pixel to pixel, >=
 * CHANNELS, zero-padded; ACTIVATIONS: 1 where planes are a flattened map's elements, absent where they are a
 * probe's floats */
#include "element.h"
#include "pass.h"
#ifdef RT_OPTIMIZER
#include "update.h"

#define VALUES (CHANNELS * HEIGHT * WIDTH)

/* A pixel of channel c of the image as it is presented, as it is stored. */
RT_DEVICE float presented(const struct rt_cuda_pass *pass, rt_u32 image, const struct rt_cuda_crop *crop, int c,
                          rt_u32 row, rt_u32 column)
{
    const rt_u32 rows = pass->noise ? HEIGHT : pass->side, columns = pass->noise ? WIDTH : pass->side;
    rt_u64 at = ((rt_u64)image * CHANNELS + c) * rows;

    if (columns != WIDTH) {
        row += crop->row;
        column = crop->column + (crop->flip ? WIDTH - 1 - column : column);
        if (crop->turned) {
            const int x = crop->x + (int)column * crop->cosine + (int)row * crop->sine;
            const int y = crop->y - (int)column * crop->sine + (int)row * crop->cosine;

            if (x < 0 || y < 0 || (rt_u32)x >> 16 >= columns || (rt_u32)y >> 16 >= rows)
                return 0;
            column = (rt_u32)x >> 16;
            row = (rt_u32)y >> 16;
        }
    }
    at = (at + row) * columns + column;
    return pass->noise ? ((const float *)pass->pixels)[at] : (float)((const rt_u8 *)pass->pixels)[at];
}

/* The shift and scale of per-image whitening, by all threads of the block: the sums in double, value i in part
 * i modulo 256, then part by part; those of bytes are exact. */
RT_DEVICE void whiten(const struct rt_cuda_pass *pass, rt_u32 image, const struct rt_cuda_crop *crop,
                      float *shift, float *scale)
{
    RT_SHARED double sums[2][256];
    RT_SHARED float found[2];
    const double unit = pass->noise ? 1 : 255, least = unit * unit / VALUES;
    double sum = 0, squares = 0;

    for (rt_u32 i = threadIdx.x; i < VALUES; i += 256) {
        const rt_u32 pixel = i % (HEIGHT * WIDTH);
        const double value =
            (double)presented(pass, image, crop, (int)(i / (HEIGHT * WIDTH)), pixel / WIDTH, pixel % WIDTH);

        sum += value;
        squares += value * value; /* exact, fused or not */
    }
    sums[0][threadIdx.x] = sum;
    sums[1][threadIdx.x] = squares;
    __syncthreads();
    if (threadIdx.x == 0) {
        double variance;

        sum = squares = 0;
        for (int i = 0; i < 256; i++) {
            sum += sums[0][i];
            squares += sums[1][i];
        }
        variance = (squares - sum * sum / VALUES) / VALUES;
        found[0] = (float)(sum / VALUES);
        found[1] = (float)(1 / sqrt(variance > least ? variance : least));
    }
    __syncthreads();
    *shift = found[0];
    *scale = found[1];
}

/* x[n][HEIGHT][WIDTH][LD], labels[n]; grid (ceil(HEIGHT * WIDTH / 256), images). Also writes the batch's number
 * and count, and the update's terms, to *pass. */
RT_KERNEL(256)
gather(struct rt_cuda_pass *pass, rt_element *__restrict__ x, rt_u8 *__restrict__ labels)
{
    const rt_u32 n = blockIdx.y, pixel = blockIdx.x * 256 + threadIdx.x;
    const rt_u32 batch = pass->next, begin = batch * pass->batch_size;
    const rt_u32 left = begin < pass->total ? pass->total - begin : 0;
    const rt_u32 count = RT_MIN(left, pass->batch_size);
    const rt_u32 centre = (pass->side - HEIGHT) / 2;
    struct rt_cuda_crop crop = {(rt_u8)centre, (rt_u8)centre, 0, 0, 0, 0, 0, 0};
    float shift = 0, scale = 0;
    rt_u32 image;

    if (n == 0 && pixel == 0) {
        pass->batch = batch;
        pass->count = (int)count;
        rt_find_terms(pass, batch);
    }
    if (n >= count)
        return;
    image = pass->order ? ((const rt_u32 *)pass->order)[begin + n] : pass->first_image + begin + n;
    if (pass->crops)
        crop = ((const struct rt_cuda_crop *)pass->crops)[begin + n];
    if (pass->whiten) /* the whole block alike */
        whiten(pass, image, &crop, &shift, &scale);
    if (pixel >= HEIGHT * WIDTH)
        return;
    for (int c = 0; c < LD; c++) {
        float value = 0;

        if (c < CHANNELS) {
            value = presented(pass, image, &crop, c, pixel / WIDTH, pixel % WIDTH);
            if (pass->whiten)
                value = __fmul_rn(__fsub_rn(value, shift), scale);
            else if (c < 3) /* further channels are not normalised */
                value = __fmul_rn(__fsub_rn(value, pass->shift[c]), pass->scale[c]);
        }
        x[((rt_u64)n * (HEIGHT * WIDTH) + pixel) * LD + c] = rt_element_of(value);
    }
    if (pixel == 0)
        labels[n] = ((const rt_u8 *)pass->labels)[image];
}
#endif

#if ACTIVATIONS
typedef rt_element rt_plane;
#define PLANE_VALUE(at) rt_value(at)
#define PLANE_OF(x) rt_element_of(x)
#else
typedef float rt_plane;
#define PLANE_VALUE(at) (at)
#define PLANE_OF(x) (x)
#endif

/* NCHW planes[n][CHANNELS][HEIGHT][WIDTH], images `stride` values apart, to and from NHWC
 * x[n][HEIGHT][WIDTH][LD]; grid (ceil(HEIGHT * WIDTH * LD / 256), images). */
RT_KERNEL(256)
from_planes(const struct rt_cuda_pass *pass, const rt_plane *__restrict__ planes, rt_u64 stride,
            rt_element *__restrict__ x, int accumulate)
{
    const rt_u32 i = blockIdx.x * 256 + threadIdx.x, n = blockIdx.y;
    const rt_u32 pixel = i / LD, c = i % LD;
    const rt_u64 to = ((rt_u64)n * (HEIGHT * WIDTH) + pixel) * LD + c;
    float value = 0;

    if ((int)n >= pass->count || pixel >= HEIGHT * WIDTH || (accumulate && c >= CHANNELS))
        return;
    if (c < CHANNELS)
        value = PLANE_VALUE(planes[n * stride + c * (HEIGHT * WIDTH) + pixel]);
    x[to] = rt_element_of(accumulate ? rt_value(x[to]) + value : value);
}

RT_KERNEL(256)
to_planes(const struct rt_cuda_pass *pass, const rt_element *__restrict__ x, rt_plane *__restrict__ planes,
          rt_u64 stride)
{
    const rt_u32 i = blockIdx.x * 256 + threadIdx.x, n = blockIdx.y;
    const rt_u32 pixel = i / CHANNELS, c = i % CHANNELS;

    if ((int)n < pass->count && pixel < HEIGHT * WIDTH)
        planes[n * stride + c * (HEIGHT * WIDTH) + pixel] =
            PLANE_OF(rt_value(x[((rt_u64)n * (HEIGHT * WIDTH) + pixel) * LD + c]));
}
