/* Convolutions and linear layers as an implicit GEMM D[M x N] = A[M x K] * B[K x N]:
 *
 *   RT_PASS            M                    N      K                A                        B
 *   0 forward          pixels of y          out_c  taps * in_c      x around the pixel       w
 *   1 input gradient   pixels of x          in_c   taps * out_c     dy around the pixel      w, transposed
 *   2 weight gradient  taps * in_c          out_c  pixels of y      x around the pixel       dy
 *
 * A strided input gradient is split into stride^2 products, one per (row, column) modulo the stride, so that no
 * zeros are multiplied; blockIdx.z / RT_SPLITS is the product. Block tile RT_BM x RT_BN x RT_BK, RT_STAGES
 * pipeline stages in shared memory filled by asynchronous copies, warp tile WM x WN. Operands contiguous in k
 * are stored as rows of k
 * ("along k", pitch RT_BK + 4), others as rows of m or n ("across k", pitch + 8); both are free of bank
 * conflicts. Columns of a warp (and rows across k) are permuted so that a lane accesses four neighbours at
 * once: see place_across.
 *
 * RT_MATH 0: fused multiply-adds in float32. 1: TF32 on tensor cores, operands rounded to nearest. 2: bfloat16
 * (RT_BF16) on tensor cores, x, w, dy, y and dx being elements of element.h; RT_BK is a multiple of 16. Pitches
 * are then RT_BK + 8 and RT_BM or RT_BN + 8 elements: rows of 16 bytes times an odd number, which ldmatrix
 * reads without conflicts; columns are in order. */
#include "product.h"

enum {
    B_ALONG = RT_PASS == 1,
    MMA_K = BF16 ? 16 : 8, /* depth of a step of multiply */
    ALONG_PITCH = RT_BK + (BF16 ? 8 : 4),
    A_PITCH = A_ALONG ? ALONG_PITCH : RT_BM + 8,
    B_PITCH = B_ALONG ? ALONG_PITCH : RT_BN + 8,
    A_SIZE = A_ALONG ? RT_BM * A_PITCH : RT_BK * A_PITCH,
    B_SIZE = B_ALONG ? RT_BN * B_PITCH : RT_BK * B_PITCH,
    A_COPIES = (RT_BM * RT_BK / 4 + THREADS - 1) / THREADS,
    B_COPIES = (RT_BN * RT_BK / 4 + THREADS - 1) / THREADS,
};

RT_DEVICE struct part find_part(int images)
{
    struct part p;
    const int columns = RT_PASS == 1 ? RT_WC : RT_OC, tiles_n = RT_CEIL(columns, RT_BN);
    int stages, length;

    p.row = (int)blockIdx.x / tiles_n * RT_BM;
    p.column = (int)blockIdx.x % tiles_n * RT_BN;
    p.split = (int)blockIdx.z % RT_SPLITS;
    p.rest_h = p.rest_w = p.tap_h = p.tap_w = 0;
    p.taps_w = RT_K;
    p.high = p.wide = 0;
    if (RT_PASS == 0) {
        p.rows = images * OUT_PIXELS;
        p.depth = TAPS * RT_IC;
    } else if (RT_PASS == 1) {
        const int product = RT_S * RT_S - 1 - (int)blockIdx.z / RT_SPLITS; /* most taps first */
        int taps_h;

        p.rest_h = product / RT_S;
        p.rest_w = product % RT_S;
        p.tap_h = (p.rest_h + RT_P) % RT_S;
        p.tap_w = (p.rest_w + RT_P) % RT_S;
        taps_h = p.tap_h < RT_K ? (RT_K - p.tap_h + RT_S - 1) / RT_S : 0;
        p.taps_w = p.tap_w < RT_K ? (RT_K - p.tap_w + RT_S - 1) / RT_S : 0;
        p.high = (RT_IH - p.rest_h + RT_S - 1) / RT_S;
        p.wide = (RT_IW - p.rest_w + RT_S - 1) / RT_S;
        p.rows = images * p.high * p.wide;
        p.depth = taps_h * p.taps_w * RT_OC;
    } else {
        p.rows = TAPS * RT_IC;
        p.depth = images * OUT_PIXELS;
    }
    /* split lengths are those of a full batch */
    stages = RT_CEIL(RT_PASS == 2 ? RT_B * OUT_PIXELS : p.depth, RT_BK);
    length = RT_CEIL(stages, RT_SPLITS);
    p.first = p.split * length;
    p.count = RT_MIN(RT_CEIL(p.depth, RT_BK) - p.first, length);
    p.end = RT_MIN(p.depth, (p.first + length) * RT_BK);
    return p;
}

/* Copies four elements (aligned to them), or one, to shared memory; zeros where not valid. Asynchronous but for
 * one element of 2 bytes, which passes through a register: no thread reads a stage that is being filled. */
#if RT_BF16
RT_DEVICE void copy_four(rt_element *to, const rt_element *from, bool valid)
{
    rt_copy8(to, from, valid);
}

RT_DEVICE void copy_one(rt_element *to, const rt_element *from, bool valid)
{
    const rt_element zero = {0};

    *to = valid ? *from : zero;
}
#else
RT_DEVICE void copy_four(rt_element *to, const rt_element *from, bool valid)
{
    rt_copy16(to, from, valid);
}

RT_DEVICE void copy_one(rt_element *to, const rt_element *from, bool valid)
{
    rt_copy4(to, from, valid);
}
#endif

/* Copies four elements to shared memory, zeros from `count` on. */
RT_DEVICE void copy(rt_element *to, const rt_element *from, const rt_element *somewhere, int count, bool vector)
{
    if (vector)
        copy_four(to, count > 0 ? from : somewhere, count > 0);
    else
        RT_UNROLL for (int i = 0; i < 4; i++) copy_one(to + i, i < count ? from + i : somewhere, i < count);
}

/* Per row of A that a thread fills: offset of tap 0 in memory, its row and column, and a bit per tap inside the
 * map (kernels beyond 5 x 5 compare each time). */
struct rows {
    int at[A_COPIES], h[A_COPIES], w[A_COPIES];
    rt_u32 inside[A_COPIES];
};

#define NOWHERE (-(1 << 20))
#define FEW_TAPS (TAPS <= 25)
#define FROM_H (RT_PASS == 0 ? RT_IH : RT_OH)
#define FROM_W (RT_PASS == 0 ? RT_IW : RT_OW)
#define FROM_C (RT_PASS == 0 ? RT_IC : RT_OC)
#define FROM_LD (RT_PASS == 0 ? RT_ILD : RT_OLD)
/* dx uses the flipped kernel */
#define SIGN (RT_PASS == 0 ? 1 : -1)

RT_DEVICE rt_u32 taps_inside(int h, int w, int taps_w)
{
    rt_u32 bits = 0;

    for (int tap = 0; tap < TAPS; tap++) {
        const int kh = tap / taps_w, kw = tap - kh * taps_w;

        if ((rt_u32)(h + SIGN * kh) < (rt_u32)FROM_H && (rt_u32)(w + SIGN * kw) < (rt_u32)FROM_W)
            bits |= 1u << tap;
    }
    return bits;
}

/* Copies A along k. */
RT_DEVICE void find_rows(struct rows *rows, const struct part *p)
{
    RT_UNROLL for (int i = 0; i < A_COPIES; i++)
    {
        const int place = (int)threadIdx.x + i * THREADS, m = p->row + place / (RT_BK / 4);
        const bool valid = m < p->rows && place < RT_BM * RT_BK / 4;
        int image, rest;

        if (RT_PASS == 0) {
            image = m / OUT_PIXELS;
            rest = m - image * OUT_PIXELS;
            rows->h[i] = rest / RT_OW * RT_S - RT_P;
            rows->w[i] = rest % RT_OW * RT_S - RT_P;
        } else {
            const int size = RT_MAX(p->high * p->wide, 1), wide = RT_MAX(p->wide, 1);

            image = m / size;
            rest = m - image * size;
            rows->h[i] = rest / wide + (p->rest_h + RT_P - p->tap_h) / RT_S;
            rows->w[i] = rest % wide + (p->rest_w + RT_P - p->tap_w) / RT_S;
        }
        rows->at[i] = (image * FROM_H * FROM_W + rows->h[i] * FROM_W + rows->w[i]) * FROM_LD;
        if (!valid)
            rows->h[i] = NOWHERE;
        rows->inside[i] = FEW_TAPS ? taps_inside(rows->h[i], rows->w[i], RT_MAX(p->taps_w, 1)) : 0;
    }
}

/* A position in A's depth: a tap and channel. */
struct depth {
    int kh, kw, delta; /* delta: offset from a row's tap 0, in elements */
    rt_u32 bit;
};

RT_DEVICE struct depth find_depth(const struct part *p, int k)
{
    const int tap = k / FROM_C, c = k - tap * FROM_C, taps_w = RT_S == 1 ? RT_K : RT_MAX(p->taps_w, 1);
    struct depth d;

    d.kh = k < p->end ? tap / taps_w : NOWHERE;
    d.kw = tap % taps_w;
    d.delta = SIGN * (tap / taps_w * FROM_W + d.kw) * FROM_LD + c;
    d.bit = k < p->end ? 1u << RT_MIN(tap, 31) : 0;
    return d;
}

RT_DEVICE bool is_inside(const struct rows *rows, int i, const struct depth *d)
{
    if (FEW_TAPS)
        return (rows->inside[i] & d->bit) != 0;
    return (rt_u32)(rows->h[i] + SIGN * d->kh) < (rt_u32)FROM_H &&
           (rt_u32)(rows->w[i] + SIGN * d->kw) < (rt_u32)FROM_W;
}

/* The loads below copy part `part` of PARTS, interleaved with the products of a stage. */
enum { PARTS = RT_BK / MMA_K };

RT_DEVICE void load_a_along(rt_element *stage, const struct rows *rows, const struct part *p,
                            const rt_element *from, int first, int part)
{
    const int k = first + (int)threadIdx.x % (RT_BK / 4) * 4;
    const struct depth d = find_depth(p, k);

    RT_UNROLL for (int i = 0; i < A_COPIES; i++)
    {
        const int place = (int)threadIdx.x + i * THREADS;
        rt_element *const to = stage + place / (RT_BK / 4) * A_PITCH + place % (RT_BK / 4) * 4;

        if (i % PARTS != part || (RT_BM * RT_BK / 4 % THREADS && place >= RT_BM * RT_BK / 4))
            continue;
        if (RT_PASS == 0 ? RT_VIN : RT_VOUT) {
            const bool valid = is_inside(rows, i, &d);

            copy_four(to, from + (valid ? rows->at[i] + d.delta : 0), valid);
        } else {
            RT_UNROLL for (int j = 0; j < 4; j++)
            {
                const struct depth one = find_depth(p, k + j);
                const bool valid = is_inside(rows, i, &one);

                copy_one(to + j, from + (valid ? rows->at[i] + one.delta : 0), valid);
            }
        }
    }
}

/* An output pixel: offset of its tap 0 in x, and a bit per kernel row (0..15) and column (16..31) inside the
 * map; gemm.c refuses kernels beyond 16 x 16. */
struct pixel {
    int at;
    rt_u32 inside;
};

RT_DEVICE struct pixel find_pixel(const struct part *p, int k)
{
    const int image = k / OUT_PIXELS, rest = k - image * OUT_PIXELS;
    const int h = rest / RT_OW * RT_S - RT_P, w = rest % RT_OW * RT_S - RT_P;
    struct pixel pixel;

    pixel.at = (image * IN_PIXELS + h * RT_IW + w) * RT_ILD;
    pixel.inside = 0;
    for (int i = 0; i < RT_K && k < p->end; i++) {
        pixel.inside |= (rt_u32)((rt_u32)(h + i) < (rt_u32)RT_IH) << i;
        pixel.inside |= (rt_u32)((rt_u32)(w + i) < (rt_u32)RT_IW) << (16 + i);
    }
    return pixel;
}

/* A row of A across k: a tap and channel of x. */
struct tap {
    int delta; /* offset from tap 0, in elements */
    rt_u32 bits;
};

RT_DEVICE struct tap find_tap(const struct part *p, int m)
{
    const int tap = m / RT_IC, c = m - tap * RT_IC, kh = tap / RT_K, kw = tap - kh * RT_K;
    struct tap t;

    t.delta = (kh * RT_IW + kw) * RT_ILD + c;
    t.bits = m < p->rows ? 1u << kh | 1u << (16 + kw) : 0;
    return t;
}

/* pixels: the stage's [RT_BK], in shared memory */
RT_DEVICE void load_a_across(rt_element *stage, const struct pixel *pixels, const struct part *p,
                             const rt_element *from, int part)
{
    RT_UNROLL for (int i = 0; i < A_COPIES; i++)
    {
        const int place = (int)threadIdx.x + i * THREADS, row = place / (RT_BM / 4),
                  m = place % (RT_BM / 4) * 4;
        rt_element *const to = stage + row * A_PITCH + m;
        struct pixel pixel;

        if (i % PARTS != part || (RT_BM * RT_BK / 4 % THREADS && place >= RT_BM * RT_BK / 4))
            continue;
        pixel = pixels[row];
        RT_UNROLL for (int j = 0; j < (RT_VIN ? 1 : 4); j++)
        {
            const struct tap tap = find_tap(p, p->row + m + j);
            const bool valid = tap.bits && (pixel.inside & tap.bits) == tap.bits;
            const rt_element *const at = from + (valid ? pixel.at + tap.delta : 0);

            if (RT_VIN)
                copy_four(to, at, valid);
            else
                copy_one(to + j, at, valid);
        }
    }
}

/* Copies rows of w (forward; zeros for padding channels) or of dy (weight gradient). */
RT_DEVICE void load_b_across(rt_element *stage, const struct part *p, const rt_element *from, int first,
                             int part)
{
    RT_UNROLL for (int i = 0; i < B_COPIES; i++)
    {
        const int place = (int)threadIdx.x + i * THREADS, row = place / (RT_BN / 4),
                  n = place % (RT_BN / 4) * 4;
        const int k = first + row;
        int at = k;
        bool valid = k < p->end;

        if ((PARTS - 1 - i % PARTS) != part || (RT_BN * RT_BK / 4 % THREADS && place >= RT_BN * RT_BK / 4))
            continue;
        if (RT_PASS == 0 && RT_WC != RT_IC) {
            at = k / RT_IC * RT_WC + k % RT_IC;
            valid = valid && k % RT_IC < RT_WC;
        }
        copy(stage + row * B_PITCH + n, from + at * (RT_PASS == 0 ? RT_OC : RT_OLD) + p->column + n, from,
             valid ? RT_OC - p->column - n : 0, RT_PASS == 0 ? RT_VW : RT_VOUT);
    }
}

/* Offset of row k, column 0 of transposed w; -1: none. */
RT_DEVICE int offset_weight(const struct part *p, int k)
{
    const int tap = k / RT_OC, c = k - tap * RT_OC, taps_w = RT_S == 1 ? RT_K : RT_MAX(p->taps_w, 1);
    const int kh = p->tap_h + tap / taps_w * RT_S, kw = p->tap_w + tap % taps_w * RT_S;

    return k < p->end ? (kh * RT_K + kw) * RT_WC * RT_OC + c : -1;
}

RT_DEVICE void load_b_along(rt_element *stage, const struct part *p, const rt_element *from, int first,
                            int part)
{
    const int k = first + (int)threadIdx.x % (RT_BK / 4) * 4, offset = offset_weight(p, k);

    RT_UNROLL for (int i = 0; i < B_COPIES; i++)
    {
        const int place = (int)threadIdx.x + i * THREADS, n = place / (RT_BK / 4);
        const int row = (p->column + n) * RT_OC;
        rt_element *const to =
            stage + (n / WN * WN + row_along(n % WN, NT)) * B_PITCH + (int)threadIdx.x % (RT_BK / 4) * 4;

        if ((PARTS - 1 - i % PARTS) != part || (RT_BN * RT_BK / 4 % THREADS && place >= RT_BN * RT_BK / 4))
            continue;
        RT_UNROLL for (int j = 0; j < (RT_VW ? 1 : 4); j++)
        {
            const int at = j ? offset_weight(p, k + j) : offset;
            const bool valid = at >= 0 && p->column + n < RT_WC;

            if (RT_VW)
                copy_four(to, from + (valid ? at + row : 0), valid);
            else
                copy_one(to + j, from + (valid ? at + row : 0), valid);
        }
    }
}

/* acc += the products at depths part * MMA_K .. + MMA_K - 1 of the stage; a, b: the warp's first row and
 * column. */
#if RT_MATH == 1
RT_DEVICE void multiply(float acc[MT][NT][4], const float *a, const float *b, int lane, int part)
{
    const int k = part * 8;
    rt_u32 ra[MT][4], rb[NT][2];

    if (A_ALONG) {
        RT_UNROLL for (int i = 0; i < MT; i++)
        {
            float f[4];

            rt_fragment_rows(f, a + i * 16 * A_PITCH + k, A_PITCH, lane);
            RT_UNROLL for (int j = 0; j < 4; j++) ra[i][j] = rt_round_tf32(f[j]);
        }
    } else {
        RT_UNROLL for (int half = 0; half < 2; half++)
        {
            float f[2 * MT];

            read_across(f, a + (k + half * 4 + lane % 4) * A_PITCH, lane / 4, 2 * MT);
            RT_UNROLL for (int j = 0; j < 2 * MT; j++) ra[j / 2][half * 2 + j % 2] = rt_round_tf32(f[j]);
        }
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
#elif RT_MATH == 2
RT_DEVICE void multiply(float acc[MT][NT][4], const rt_element *a, const rt_element *b, int lane, int part)
{
    /* ldmatrix: row l % 8 of matrix l / 8 */
    const int k = part * MMA_K, row = lane % 8, second = lane / 8 % 2 * 8, last = lane / 16 * 8;
    rt_u32 ra[MT][4], rb[NT][2];

    RT_UNROLL for (int i = 0; i < MT; i++)
    {
        if (A_ALONG)
            rt_matrices(ra[i], a + (i * 16 + second + row) * A_PITCH + k + last);
        else
            rt_matrices_transposed(ra[i], a + (k + last + row) * A_PITCH + i * 16 + second);
    }
    RT_UNROLL for (int j = 0; j < NT; j += 2)
    {
        rt_u32 r[4];

        if (B_ALONG)
            rt_matrices(r, b + (j * 8 + last + row) * B_PITCH + k + second);
        else
            rt_matrices_transposed(r, b + (k + second + row) * B_PITCH + j * 8 + last);
        RT_UNROLL for (int i = 0; i < 4; i++) rb[j + i / 2][i % 2] = r[i];
    }
    RT_MMA_BF16(acc, ra, rb, MT, NT);
}
#else
/* Accumulators as on tensor cores: rows g and g + 8, columns 2t and 2t + 1 of each tile. */
RT_DEVICE void multiply(float acc[MT][NT][4], const float *a, const float *b, int lane, int part)
{
    const int g = lane / 4, t = lane % 4;

    RT_UNROLL for (int k = part * 8; k < part * 8 + 8; k += 4)
    {
        float va[4][2 * MT], vb[4][2][NT];

        if (A_ALONG) {
            RT_UNROLL for (int i = 0; i < 2 * MT; i++)
            {
                const float4 four = *(const float4 *)(a + (i * 8 + g) * A_PITCH + k);

                va[0][i] = four.x;
                va[1][i] = four.y;
                va[2][i] = four.z;
                va[3][i] = four.w;
            }
        } else {
            RT_UNROLL for (int i = 0; i < 4; i++) read_across(va[i], a + (k + i) * A_PITCH, g, 2 * MT);
        }
        if (B_ALONG) {
            RT_UNROLL for (int j = 0; j < 2 * NT; j++)
            {
                const float4 four = *(const float4 *)(b + (j / 2 * 8 + 2 * t + j % 2) * B_PITCH + k);

                vb[0][j % 2][j / 2] = four.x;
                vb[1][j % 2][j / 2] = four.y;
                vb[2][j % 2][j / 2] = four.z;
                vb[3][j % 2][j / 2] = four.w;
            }
        } else {
            RT_UNROLL for (int i = 0; i < 8; i++)
                read_across(vb[i / 2][i % 2], b + (k + i / 2) * B_PITCH, 2 * t + i % 2, NT);
        }
        RT_UNROLL for (int l = 0; l < 4; l++) RT_UNROLL for (int i = 0; i < 2 * MT; i++)
            RT_UNROLL for (int j = 0; j < 2 * NT; j++) acc[i / 2][j / 2][i % 2 * 2 + j % 2] +=
            va[l][i] * vb[l][j % 2][j / 2];
    }
}
#endif

/* The bias gradient, dy's column sums, is computed from the stages by the blocks of the first rows. */
enum { BIAS_PARTS = THREADS / RT_BN > 0 ? THREADS / RT_BN : 1 };

RT_DEVICE float add_bias(float sum, const rt_element *b)
{
    const int column = (int)threadIdx.x % RT_BN, part = (int)threadIdx.x / RT_BN;

    if (part < BIAS_PARTS)
        for (int k = part; k < RT_BK; k += BIAS_PARTS)
            sum += rt_value(b[k * B_PITCH + column]);
    return sum;
}

RT_DEVICE void finish_bias(const struct part *p, float sum, float *sums, float *bias_g, float *bias_w,
                           float *bias_v, const struct ends *to)
{
    const int n = p->column + (int)threadIdx.x;

    __syncthreads();
    if ((int)threadIdx.x < BIAS_PARTS * RT_BN)
        sums[threadIdx.x] = sum;
    __syncthreads();
    if ((int)threadIdx.x >= RT_BN || n >= RT_OC)
        return;
    for (int i = 1; i < BIAS_PARTS; i++)
        sum += sums[i * RT_BN + (int)threadIdx.x];
    if (RT_SPLITS > 1)
        to->workspace[p->split * (WEIGHTS + RT_OC) + WEIGHTS + n] = sum;
    else if (RT_UPDATE)
        rt_update_at(bias_w + n, bias_v + n, sum, to->update);
    else
        bias_g[n] = sum;
}

/* a: x or dy; b: w or dy. */
RT_DEVICE void product(const rt_element *a, const rt_element *b, const int *count, const struct ends *to,
                       float *bias_g, float *bias_w, float *bias_v)
{
    RT_SHARED_DYNAMIC(rt_element, stages);
    struct pixel *const pixels =
        (struct pixel *)(stages + RT_STAGES * (A_SIZE + B_SIZE)); /* [RT_STAGES][RT_BK] */
    const struct part p = find_part(*count);
    const int lane = (int)threadIdx.x % 32, warp = (int)threadIdx.x / 32;
    const int warp_m = warp / RT_WARPS_N, warp_n = warp % RT_WARPS_N;
    struct rows rows;
    float acc[MT][NT][4], bias_sum = 0;
    int read = 0, write = RT_STAGES - 1; /* stages of shared memory */

    if (RT_PASS != 2 && p.row >= p.rows)
        return;
    RT_UNROLL for (int i = 0; i < MT; i++) RT_UNROLL for (int j = 0; j < NT; j++)
        RT_UNROLL for (int l = 0; l < 4; l++) acc[i][j][l] = 0;
    if (A_ALONG)
        find_rows(&rows, &p);

/* Part of a stage's copies; then, once, the pixel descriptions of the stage after it. */
#define LOAD(slot, step, part)                                                                                 \
    do {                                                                                                       \
        rt_element *const to_ = stages + (slot) * (A_SIZE + B_SIZE);                                           \
        const int first_ = (p.first + (step)) * RT_BK;                                                         \
        if (A_ALONG)                                                                                           \
            load_a_along(to_, &rows, &p, a, first_, part);                                                     \
        else                                                                                                   \
            load_a_across(to_, pixels + (slot)*RT_BK, &p, a, part);                                            \
        if (B_ALONG)                                                                                           \
            load_b_along(to_ + A_SIZE, &p, b, first_, part);                                                   \
        else                                                                                                   \
            load_b_across(to_ + A_SIZE, &p, b, first_, part);                                                  \
    } while (0)

    if (!A_ALONG) {
        for (int i = (int)threadIdx.x; i < RT_STAGES * RT_BK; i += THREADS)
            pixels[i] = find_pixel(&p, p.first * RT_BK + i);
        __syncthreads();
    }
    RT_UNROLL for (int i = 0; i < RT_STAGES - 1; i++)
    {
        RT_UNROLL for (int part = 0; part < PARTS; part++) LOAD(i, i, part);
        rt_copy_commit();
    }
    for (int i = 0; i < p.count; i++) {
        const rt_element *stage = stages + read * (A_SIZE + B_SIZE);

        rt_copy_wait(RT_STAGES - 2);
        __syncthreads();
        /* pixels of stage i + RT_STAGES, which the next round copies */
        if (!A_ALONG && warp == i % (THREADS / 32))
            for (int j = lane; j < RT_BK; j += 32)
                pixels[read * RT_BK + j] = find_pixel(&p, (p.first + i + RT_STAGES) * RT_BK + j);
        RT_UNROLL for (int part = 0; part < PARTS; part++)
        {
            multiply(acc, stage + warp_m * WM * (A_ALONG ? A_PITCH : 1),
                     stage + A_SIZE + warp_n * WN * (B_ALONG ? B_PITCH : 1), lane, part);
            LOAD(write, i + RT_STAGES - 1, part); /* beyond the end: zero fill, no read */
        }
        rt_copy_commit();
        if (RT_PASS == 2 && RT_BIAS && p.row == 0)
            bias_sum = add_bias(bias_sum, stage + A_SIZE);
        read = read + 1 == RT_STAGES ? 0 : read + 1;
        write = write + 1 == RT_STAGES ? 0 : write + 1;
    }
#undef LOAD
    rt_copy_wait(0);
    finish_all(&p, acc, warp_m, warp_n, lane, to);
    if (RT_PASS == 2 && RT_BIAS && p.row == 0)
        finish_bias(&p, bias_sum, (float *)stages, bias_g, bias_w, bias_v, to);
}

#if RT_PASS == 0
RT_KERNEL_AT_LEAST(THREADS, RT_BLOCKS)
conv_forward(const rt_element *__restrict__ x, const rt_element *__restrict__ w, const float *__restrict__ bias,
             rt_element *__restrict__ y, const int *__restrict__ count, float *__restrict__ workspace)
{
    const struct ends to = {y, bias, 0, 0, 0, 0, 0, workspace, 0};

    product(x, w, count, &to, 0, 0, 0);
}
#elif RT_PASS == 1
RT_KERNEL_AT_LEAST(THREADS, RT_BLOCKS)
conv_input_gradient(const rt_element *__restrict__ dy, const rt_element *__restrict__ w,
                    const rt_element *__restrict__ gate, rt_element *__restrict__ dx,
                    const int *__restrict__ count, float *__restrict__ workspace)
{
    const struct ends to = {dx, 0, gate, 0, 0, 0, 0, workspace, 0};

    product(dy, w, count, &to, 0, 0, 0);
}
#else
RT_KERNEL_AT_LEAST(THREADS, RT_BLOCKS)
conv_weight_gradient(const rt_element *__restrict__ x, const rt_element *__restrict__ dy, float *__restrict__ g,
                     float *__restrict__ bias_g, float *__restrict__ w, float *__restrict__ bias_w,
                     float *__restrict__ v, float *__restrict__ bias_v, const int *__restrict__ count,
                     const struct rt_cuda_update *__restrict__ update, float *__restrict__ workspace,
                     rt_element *__restrict__ w16)
{
    const struct ends to = {0, 0, 0, g, w, v, update, workspace, w16};

    product(x, dy, count, &to, bias_g, bias_w, bias_v);
}
#endif
