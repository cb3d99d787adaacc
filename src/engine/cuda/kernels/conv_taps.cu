/* Weight gradients of 3 x 3 convolutions of stride 1 and padding 1 on maps at most 31 pixels wide, in TF32: as
 * RT_PASS 2 of gemm.cu, but a block computes all nine taps of RT_BM / 3 input and RT_BN output channels, so
 * that x and dy are read once instead of nine times. No bias gradient.
 *
 * The depth is pixels, RT_BK (32) per stage. x is in a ring buffer of RT_RING (a power of 2) pixels that starts
 * 32 before the split's first; stage i needs its 32-pixel blocks i .. i + 2, and its own pixels of dy. A warp
 * computes the three taps of one kernel row. Taps outside the map read a row of zeros. */
#include "product.h"

enum {
    CHANNELS = RT_BM / 3,
    A_PITCH = CHANNELS + 8,
    B_PITCH = RT_BN + 8,
    B_SIZE = RT_BK * B_PITCH,
    A_COPIES = (CHANNELS * RT_BK / 4 + THREADS - 1) / THREADS,
    B_COPIES = (RT_BN * RT_BK / 4 + THREADS - 1) / THREADS,
    LEAD = 32, /* pixels in the ring before the split's first */
    AHEAD = 3, /* ring blocks that a stage needs */
};

struct work {
    int first, end; /* the split's pixels: [first, end) */
    int pixels;     /* in the batch */
    int channel, column;
};

/* Copies 32-pixel block `block` of x into the ring. */
RT_DEVICE void load_x(float *ring, const float *x, const struct work *w, int block)
{
    RT_UNROLL for (int i = 0; i < A_COPIES; i++)
    {
        const int place = (int)threadIdx.x + i * THREADS, row = block * RT_BK + place / (CHANNELS / 4);
        const int c = place % (CHANNELS / 4) * 4, pixel = w->first - LEAD + row;
        const bool valid = pixel >= 0 && pixel < w->pixels && w->channel + c < RT_IC;

        if (CHANNELS * RT_BK / 4 % THREADS == 0 || place < CHANNELS * RT_BK / 4)
            rt_copy16(ring + (row & (RT_RING - 1)) * A_PITCH + c,
                      x + (valid ? pixel * RT_ILD + w->channel + c : 0), valid);
    }
}

RT_DEVICE void load_dy(float *to, const float *dy, const struct work *w, int stage)
{
    RT_UNROLL for (int i = 0; i < B_COPIES; i++)
    {
        const int place = (int)threadIdx.x + i * THREADS, row = place / (RT_BN / 4),
                  n = place % (RT_BN / 4) * 4;
        const int pixel = w->first + stage * RT_BK + row;
        const bool valid = pixel < w->end && w->column + n < RT_OC;

        if (RT_BN * RT_BK / 4 % THREADS == 0 || place < RT_BN * RT_BK / 4)
            rt_copy16(to + row * B_PITCH + n, dy + (valid ? pixel * RT_OLD + w->column + n : 0), valid);
    }
}

/* Taps of a pixel that are inside the map: rows in bits 0..2, columns in bits 16..18. */
RT_DEVICE rt_u32 taps_inside(int pixel)
{
    const int rest = pixel % IN_PIXELS, h = rest / RT_IW, w = rest % RT_IW;

    return (rt_u32)(h > 0) | 2u | (rt_u32)(h < RT_IH - 1) << 2 | (rt_u32)(w > 0) << 16 | 2u << 16 |
           (rt_u32)(w < RT_IW - 1) << 18;
}

/* acc += the products of pixels k .. k + 7 of stage `stage`, for the warp's three taps. */
RT_DEVICE void multiply(float acc[3][MT][NT][4], const float *ring, const float *zeros, const float *dy,
                        const rt_u32 *inside, int stage, int k, int warp, int lane)
{
    const int g = lane / 4, t = lane % 4, at = stage * RT_BK + LEAD + k + t + (warp - 1) * RT_IW - 1;
    const rt_u32 in[2] = {inside[k + t] >> warp & 1 ? inside[k + t] >> 16 : 0,
                          inside[k + t + 4] >> warp & 1 ? inside[k + t + 4] >> 16 : 0};
    rt_u32 rb[NT][2];

    RT_UNROLL for (int half = 0; half < 2; half++)
    {
        float f[NT];

        read_across(f, dy + (k + half * 4 + t) * B_PITCH, g, NT);
        RT_UNROLL for (int j = 0; j < NT; j++) rb[j][half] = rt_round_tf32(f[j]);
    }
    RT_UNROLL for (int tap = 0; tap < 3; tap++)
    {
        rt_u32 ra[MT][4];

        RT_UNROLL for (int half = 0; half < 2; half++)
        {
            const float *const row = ring + ((at + half * 4 + tap) & (RT_RING - 1)) * A_PITCH;
            float f[2 * MT];

            read_across(f, in[half] >> tap & 1 ? row : zeros, g, 2 * MT);
            RT_UNROLL for (int j = 0; j < 2 * MT; j++) ra[j / 2][half * 2 + j % 2] = rt_round_tf32(f[j]);
        }
        RT_MMA_TF32(acc[tap], ra, rb, MT, NT);
    }
}

RT_DEVICE void finish_taps(const struct work *w, float acc[3][MT][NT][4], int split, int warp, int lane,
                           const struct ends *to)
{
    struct part p = {0};

    p.rows = TAPS * RT_IC;
    p.split = split;
    RT_UNROLL for (int tap = 0; tap < 3; tap++) RT_UNROLL for (int i = 0; i < 2 * MT; i++)
    {
        const int c = w->channel + place_across(i, lane / 4, 2 * MT);

        if (c < RT_IC)
            finish_row(&p, (warp * 3 + tap) * RT_IC + c, w->column, acc[tap][i / 2], i % 2 * 2, lane % 4, to);
    }
}

RT_KERNEL_AT_LEAST(THREADS, RT_BLOCKS)
conv_weight_gradient(const float *__restrict__ x, const float *__restrict__ dy, float *__restrict__ g,
                     float *__restrict__ bias_g, float *__restrict__ w, float *__restrict__ bias_w,
                     float *__restrict__ v, float *__restrict__ bias_v, const int *__restrict__ count,
                     const struct rt_cuda_update *__restrict__ update, float *__restrict__ workspace,
                     float *__restrict__ w16)
{
    RT_SHARED_DYNAMIC(float, shared);
    float *const zeros = shared, *const ring = zeros + A_PITCH, *const stages = ring + RT_RING * A_PITCH;
    rt_u32 *const inside = (rt_u32 *)(stages + RT_STAGES * B_SIZE); /* [2][RT_BK] */
    const struct ends to = {0, 0, 0, g, w, v, update, workspace, w16};
    const int lane = (int)threadIdx.x % 32, warp = (int)threadIdx.x / 32, split = (int)blockIdx.z;
    const int tiles_n = RT_CEIL(RT_OC, RT_BN),
              length = RT_CEIL(RT_CEIL(RT_B * IN_PIXELS, RT_BK), RT_SPLITS) * RT_BK;
    struct work work;
    float acc[3][MT][NT][4];
    int count_stages;

    work.pixels = *count * IN_PIXELS;
    work.first = split * length;
    work.end = RT_MIN(work.first + length, work.pixels);
    work.channel = (int)blockIdx.x / tiles_n * CHANNELS;
    work.column = (int)blockIdx.x % tiles_n * RT_BN;
    count_stages = work.end > work.first ? RT_CEIL(work.end - work.first, RT_BK) : 0;
    RT_UNROLL for (int tap = 0; tap < 3; tap++) RT_UNROLL for (int i = 0; i < MT; i++)
        RT_UNROLL for (int j = 0; j < NT; j++) RT_UNROLL for (int l = 0; l < 4; l++) acc[tap][i][j][l] = 0;
    if ((int)threadIdx.x < A_PITCH)
        zeros[threadIdx.x] = 0;
    if ((int)threadIdx.x < RT_BK)
        inside[threadIdx.x] = taps_inside(work.first + (int)threadIdx.x);
    if (count_stages)
        for (int block = 0; block < AHEAD - 1; block++)
            load_x(ring, x, &work, block);
    RT_UNROLL for (int i = 0; i < RT_STAGES - 1; i++)
    {
        if (i < count_stages) {
            load_x(ring, x, &work, i + AHEAD - 1);
            load_dy(stages + i * B_SIZE, dy, &work, i);
        }
        rt_copy_commit();
    }
    for (int i = 0; i < count_stages; i++) {
        const int next = i + RT_STAGES - 1;

        rt_copy_wait(RT_STAGES - 2);
        __syncthreads();
        if (next < count_stages) {
            load_x(ring, x, &work, next + AHEAD - 1);
            load_dy(stages + next % RT_STAGES * B_SIZE, dy, &work, next);
        }
        rt_copy_commit();
        if (warp == i % 3)
            inside[(i + 1) % 2 * RT_BK + lane] = taps_inside(work.first + (i + 1) * RT_BK + lane);
        RT_UNROLL for (int k = 0; k < RT_BK; k += 8) multiply(acc, ring, zeros, stages + i % RT_STAGES * B_SIZE,
                                                              inside + i % 2 * RT_BK, i, k, warp, lane);
    }
    finish_taps(&work, acc, split, warp, lane, &to);
    (void)bias_g, (void)bias_w, (void)bias_v;
}
