/* Convolutions of stride 1, kernel 3 and more, in TF32: y (RT_PASS 0) and dx (1) as in gemm.cu, but a block
 * keeps all pixels that its rows need (their halo) in shared memory, RT_BK channels at a time, and iterates
 * over the taps there: global memory is read about once instead of once per tap.
 *
 * RT_BM consecutive pixels of D need a contiguous range of at most RT_HALO pixels of the source, x or dy
 * (computed by rt_cuda_halo). Taps outside the map read a row of zeros. A pipeline stage is the weights of
 * RT_TAPS taps for RT_BK channels; there are RT_STAGES. The halo is double-buffered: the next channels' is
 * copied during this one's products. Needs RT_STAGES - 1 <= TAPS / RT_TAPS. */
#include "product.h"

enum {
    B_ALONG = RT_PASS == 1,
    A_PITCH = RT_BK + 4,
    B_PITCH = B_ALONG ? RT_BK + 4 : RT_BN + 8,
    B_TAP = B_ALONG ? RT_BN * B_PITCH : RT_BK * B_PITCH, /* floats of a tap's weights in a stage */
    B_COPIES = (RT_BN * RT_BK / 4 + THREADS - 1) / THREADS,
};

#define HALO_SIZE (RT_HALO * A_PITCH)
/* FROM: the source's map, channels and leading dimension; TO: D's map. */
#define FROM_H (RT_PASS == 0 ? RT_IH : RT_OH)
#define FROM_W (RT_PASS == 0 ? RT_IW : RT_OW)
#define FROM_C (RT_PASS == 0 ? RT_IC : RT_OC)
#define FROM_LD (RT_PASS == 0 ? RT_ILD : RT_OLD)
#define TO_H (RT_PASS == 0 ? RT_OH : RT_IH)
#define TO_W (RT_PASS == 0 ? RT_OW : RT_IW)
/* Row and column offset from a pixel of D to the source's at tap 0; dx uses the flipped kernel. */
#define SHIFT (RT_PASS == 0 ? -RT_P : RT_P - RT_K + 1)
#define STEPS (TAPS / RT_TAPS) /* stages per chunk of RT_BK channels */
#define CHUNKS RT_CEIL(FROM_C, RT_BK)

/* The source pixel at tap 0 of pixel m of D; may lie outside the map. */
RT_DEVICE int pixel_of(int m)
{
    const int image = m / (TO_H * TO_W), rest = m - image * TO_H * TO_W;

    return image * FROM_H * FROM_W + (rest / TO_W + SHIFT) * FROM_W + rest % TO_W + SHIFT;
}

/* A chunk's halo is copied during the first LOADS steps of the previous chunk, early enough to have arrived. */
#define LOADS (STEPS - RT_STAGES + 2)
#define HALO_COPIES RT_CEIL(RT_HALO *RT_BK / 4, THREADS)

/* Copies part `part` of `parts` of the halo: source pixels from `first` on, channels c .. c + RT_BK - 1. */
RT_DEVICE void load_halo(float *to, const float *from, int first, int pixels, int c, int part, int parts)
{
    RT_UNROLL for (int i = 0; i < RT_CEIL(HALO_COPIES, parts); i++)
    {
        const int place = (int)threadIdx.x + (part + i * parts) * THREADS;
        const int row = place / (RT_BK / 4), channel = place % (RT_BK / 4) * 4, pixel = first + row;
        const bool valid = pixel >= 0 && pixel < pixels && c + channel < FROM_C;

        if (place < RT_HALO * RT_BK / 4)
            rt_copy16(to + row * A_PITCH + channel, from + (valid ? pixel * FROM_LD + c + channel : 0), valid);
    }
}

/* Copies part `part` of RT_TAPS * RT_BK / 8 of a stage: the weights of RT_TAPS taps from `tap` on, for channels
 * c .. c + RT_BK - 1; zeros where c < 0. */
RT_DEVICE void load_weights(float *to, const float *w, int column, int tap, int c, int part)
{
    RT_UNROLL for (int copy = 0; copy < RT_TAPS * B_COPIES; copy++)
    {
        const int t = copy / B_COPIES, place = (int)threadIdx.x + copy % B_COPIES * THREADS;

        if (copy % (RT_TAPS * RT_BK / 8) != part || (RT_BN * RT_BK / 4 % THREADS && place >= RT_BN * RT_BK / 4))
            continue;
        if (B_ALONG) {
            const int n = place / (RT_BK / 4), k = place % (RT_BK / 4) * 4;
            const bool valid = column + n < RT_WC && (rt_u32)(c + k) < (rt_u32)RT_OC && c >= 0;
            const int at = ((TAPS - 1 - tap - t) * RT_WC + column + n) * RT_OC + c + k;

            rt_copy16(to + t * B_TAP + (n / WN * WN + row_along(n % WN, NT)) * B_PITCH + k,
                      w + (valid ? at : 0), valid);
        } else {
            const int k = place / (RT_BN / 4), n = place % (RT_BN / 4) * 4;
            const bool valid = column + n < RT_OC && c + k < RT_IC && c >= 0;
            const int at = ((tap + t) * RT_IC + c + k) * RT_OC + column + n;

            rt_copy16(to + t * B_TAP + k * B_PITCH + n, w + (valid ? at : 0), valid);
        }
    }
}

/* Rounds four floats that this thread copied to TF32, before other threads read them. */
RT_DEVICE void round_at(float *at)
{
    float4 v = *(const float4 *)at;

    v.x = rt_float_of(rt_round_tf32(v.x));
    v.y = rt_float_of(rt_round_tf32(v.y));
    v.z = rt_float_of(rt_round_tf32(v.z));
    v.w = rt_float_of(rt_round_tf32(v.w));
    *(float4 *)at = v;
}

RT_DEVICE void round_halo(float *halo)
{
    for (int place = (int)threadIdx.x; place < RT_HALO * RT_BK / 4; place += THREADS)
        round_at(halo + place / (RT_BK / 4) * A_PITCH + place % (RT_BK / 4) * 4);
}

/* acc += one tap's product over channels k .. k + 7. a: this lane's rows of A; b: the warp's first column of B.
 */
RT_DEVICE void multiply(float acc[MT][NT][4], const float *const a[MT], const float *b, int lane, int k)
{
    rt_u32 ra[MT][4], rb[NT][2];

    RT_UNROLL for (int i = 0; i < MT; i++)
    {
        float f[4];

        rt_fragment_gather(f, a[i] + k);
        RT_UNROLL for (int j = 0; j < 4; j++) ra[i][j] = rt_bits_of(f[j]);
    }
    if (B_ALONG) {
        RT_UNROLL for (int j = 0; j < NT; j += 2)
        {
            float f[2][2];

            rt_fragment_columns(f, b + j * 8 * B_PITCH + k, B_PITCH, lane);
            RT_UNROLL for (int i = 0; i < 4; i++) rb[j + i / 2][i % 2] = rt_round_tf32(f[i / 2][i % 2]);
        }
    } else {
        RT_UNROLL for (int half = 0; half < 2; half++)
        {
            float f[NT];

            read_across(f, b + (k + half * 4 + lane % 4) * B_PITCH, lane / 4, NT);
            RT_UNROLL for (int j = 0; j < NT; j++) rb[j][half] = rt_round_tf32(f[j]);
        }
    }
    RT_MMA_TF32(acc, ra, rb, MT, NT);
}

/* A bit per tap of pixel m of D: inside the source's map. */
RT_DEVICE rt_u32 taps_inside(int m, int rows)
{
    const int rest = m % (TO_H * TO_W), h = rest / TO_W + SHIFT, w = rest % TO_W + SHIFT;
    rt_u32 bits = 0;

    for (int tap = 0; tap < TAPS; tap++)
        if (m < rows && (rt_u32)(h + tap / RT_K) < (rt_u32)FROM_H && (rt_u32)(w + tap % RT_K) < (rt_u32)FROM_W)
            bits |= 1u << tap;
    return bits;
}

/* A position in a block's sequence of stages: chunk of channels, step within it, slot of the stage buffer. */
struct place {
    int chunk, step, slot;
};

RT_DEVICE void advance(struct place *p)
{
    p->slot = p->slot + 1 == RT_STAGES ? 0 : p->slot + 1;
    if (++p->step == STEPS) {
        p->step = 0;
        p->chunk++;
    }
}

RT_DEVICE void product(const float *from, const float *w, const int *count, const struct ends *to)
{
    RT_SHARED_DYNAMIC(float, shared);
    float *const zeros = shared, *const halos = zeros + A_PITCH, *const stages = halos + 2 * HALO_SIZE;
    const int lane = (int)threadIdx.x % 32, warp = (int)threadIdx.x / 32;
    const int warp_m = warp / RT_WARPS_N, warp_n = warp % RT_WARPS_N;
    const int columns = RT_PASS == 1 ? RT_WC : RT_OC, tiles_n = RT_CEIL(columns, RT_BN);
    const int length = RT_CEIL(CHUNKS, RT_SPLITS), images = *count;
    struct part p = {0};
    struct place load = {0, 0, 0}, at = {0, 0, 0};
    int first, end, local[MT];
    rt_u32 inside[MT];
    float acc[MT][NT][4];

    p.row = (int)blockIdx.x / tiles_n * RT_BM;
    p.column = (int)blockIdx.x % tiles_n * RT_BN;
    p.split = (int)blockIdx.z;
    p.rows = images * TO_H * TO_W;
    if (p.row >= p.rows)
        return;
    first = pixel_of(p.row);
    load.chunk = at.chunk = p.split * length;
    end = RT_MIN(load.chunk + length, CHUNKS);
    if ((int)threadIdx.x < A_PITCH)
        zeros[threadIdx.x] = 0;
    RT_UNROLL for (int i = 0; i < MT; i++)
    {
        const int m = p.row + warp_m * WM + i * 16 + lane % 16;

        inside[i] = taps_inside(m, p.rows);
        local[i] = (pixel_of(m) - first) * A_PITCH + lane / 16 * 4;
        RT_UNROLL for (int j = 0; j < NT; j++) RT_UNROLL for (int l = 0; l < 4; l++) acc[i][j][l] = 0;
    }
    if (at.chunk < end)
        load_halo(halos + at.chunk % 2 * HALO_SIZE, from, first, images * FROM_H * FROM_W, at.chunk * RT_BK, 0,
                  1);
    RT_UNROLL for (int i = 0; i < RT_STAGES - 1; i++)
    {
        RT_UNROLL for (int part = 0; part < RT_TAPS * RT_BK / 8; part++)
            load_weights(stages + load.slot * RT_TAPS * B_TAP, w, p.column, load.step * RT_TAPS,
                         load.chunk < end ? load.chunk * RT_BK : -RT_BK, part);
        advance(&load);
        rt_copy_commit();
    }
    while (at.chunk < end) {
        float *const halo = halos + at.chunk % 2 * HALO_SIZE, *const stage = stages + at.slot * RT_TAPS * B_TAP;
        float *const next = stages + load.slot * RT_TAPS * B_TAP;
        const int channel = load.chunk < end ? load.chunk * RT_BK : -RT_BK;

        rt_copy_wait(RT_STAGES - 2);
        if (at.step == 0)
            round_halo(halo);
        __syncthreads();
        if (at.step < LOADS && at.chunk + 1 < end)
            load_halo(halos + (at.chunk + 1) % 2 * HALO_SIZE, from, first, images * FROM_H * FROM_W,
                      (at.chunk + 1) * RT_BK, at.step, LOADS);
        RT_UNROLL for (int t = 0; t < RT_TAPS; t++)
        {
            const int tap = at.step * RT_TAPS + t, shift = (tap / RT_K * FROM_W + tap % RT_K) * A_PITCH;
            const float *a[MT];

            RT_UNROLL for (int i = 0; i < MT; i++) a[i] =
                inside[i] >> tap & 1 ? halo + local[i] + shift : zeros + lane / 16 * 4;
            RT_UNROLL for (int k = 0; k < RT_BK; k += 8)
            {
                multiply(acc, a, stage + t * B_TAP + warp_n * WN * (B_ALONG ? B_PITCH : 1), lane, k);
                load_weights(next, w, p.column, load.step * RT_TAPS, channel, (t * RT_BK + k) / 8);
            }
        }
        advance(&load);
        rt_copy_commit();
        advance(&at);
    }
    rt_copy_wait(0);
    finish_all(&p, acc, warp_m, warp_n, lane, to);
}

#if RT_PASS == 0
RT_KERNEL_AT_LEAST(THREADS, RT_BLOCKS)
conv_forward(const float *__restrict__ x, const float *__restrict__ w, const float *__restrict__ bias,
             float *__restrict__ y, const int *__restrict__ count, float *__restrict__ workspace)
{
    const struct ends to = {y, bias, 0, 0, 0, 0, 0, workspace, 0};

    product(x, w, count, &to);
}
#else
RT_KERNEL_AT_LEAST(THREADS, RT_BLOCKS)
conv_input_gradient(const float *__restrict__ dy, const float *__restrict__ w, const float *__restrict__ gate,
                    float *__restrict__ dx, const int *__restrict__ count, float *__restrict__ workspace)
{
    const struct ends to = {dx, 0, gate, 0, 0, 0, 0, workspace, 0};

    product(dy, w, count, &to);
}
#endif
