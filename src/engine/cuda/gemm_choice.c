#include "engine/cuda/gemm_choice.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

/* The tiles, and the constants of the cost model below, were fitted to measurements of the models' products on
 * an H100 (tests/engine/tune_gemm). A warp's tile, on the right, is a multiple of 16 x 16.
 * m, n, k, warps_m, warps_n, stages, blocks, splits, taps */
static const struct rt_cuda_tile tiles_tf32[] = {
    {128, 128, 16, 2, 2, 4, 2, 0, 0}, /* warps of 64 x 64 */
    {128, 96, 16, 2, 2, 4, 2, 0, 0},  /* 64 x 48 */
    {128, 112, 16, 4, 1, 4, 2, 0, 0}, /* 32 x 112 */
    {128, 80, 16, 4, 1, 4, 2, 0, 0},  /* 32 x 80 */
    {128, 64, 32, 2, 2, 3, 2, 0, 0},  /* 64 x 32 */
    {256, 48, 16, 4, 1, 4, 2, 0, 0},  /* 64 x 48 */
    {256, 32, 16, 4, 1, 4, 2, 0, 0},  /* 64 x 32 */
    {128, 48, 32, 4, 1, 3, 2, 0, 0},  /* 32 x 48 */
    {128, 32, 32, 4, 1, 4, 2, 0, 0},  /* 32 x 32 */
    {128, 16, 32, 4, 1, 4, 2, 0, 0},  /* 32 x 16 */
    {64, 96, 32, 2, 2, 3, 3, 0, 0},   /* 32 x 48 */
    {64, 64, 32, 2, 2, 4, 3, 0, 0},   /* 32 x 32 */
    {64, 48, 32, 4, 1, 4, 3, 0, 0},   /* 16 x 48 */
    {64, 32, 32, 2, 2, 4, 4, 0, 0},   /* 32 x 16 */
    {64, 16, 32, 4, 1, 4, 4, 0, 0},   /* 16 x 16 */
    {32, 32, 32, 2, 2, 4, 4, 0, 0},   /* 16 x 16 */
    /* conv_halo.cu */
    {256, 32, 32, 4, 1, 4, 2, 0, 1}, /* 64 x 32 */
    {256, 48, 16, 4, 1, 3, 2, 0, 3}, /* 64 x 48 */
    {256, 64, 16, 4, 1, 3, 2, 0, 3}, /* 64 x 64 */
    {128, 64, 32, 2, 2, 4, 2, 0, 1}, /* 64 x 32 */
    {64, 64, 32, 2, 2, 4, 2, 0, 1},  /* 32 x 32 */
    /* conv_taps.cu */
    {96, 32, 32, 3, 1, 4, 3, 0, 9}, /* 3 x 32 x 32 */
    {48, 48, 32, 3, 1, 4, 4, 0, 9}, /* 3 x 16 x 48 */
    {48, 32, 32, 3, 1, 4, 4, 0, 9}, /* 3 x 16 x 32 */
};

/* TF32's of gemm.cu with stages of twice the depth, which are as many bytes, and smaller ones also with the
 * same depth. Not yet measured. */
static const struct rt_cuda_tile tiles_bf16[] = {
    {128, 128, 32, 2, 2, 4, 2, 0, 0}, /* warps of 64 x 64 */
    {128, 128, 16, 2, 2, 4, 2, 0, 0}, /* 64 x 64 */
    {128, 96, 32, 2, 2, 4, 2, 0, 0},  /* 64 x 48 */
    {128, 112, 32, 4, 1, 4, 2, 0, 0}, /* 32 x 112 */
    {128, 80, 32, 4, 1, 4, 2, 0, 0},  /* 32 x 80 */
    {128, 64, 32, 2, 2, 4, 2, 0, 0},  /* 64 x 32 */
    {128, 64, 64, 2, 2, 3, 2, 0, 0},  /* 64 x 32 */
    {256, 48, 32, 4, 1, 4, 2, 0, 0},  /* 64 x 48 */
    {256, 32, 32, 4, 1, 4, 2, 0, 0},  /* 64 x 32 */
    {128, 48, 32, 4, 1, 4, 2, 0, 0},  /* 32 x 48 */
    {128, 48, 64, 4, 1, 3, 2, 0, 0},  /* 32 x 48 */
    {128, 32, 64, 4, 1, 4, 2, 0, 0},  /* 32 x 32 */
    {128, 16, 64, 4, 1, 4, 2, 0, 0},  /* 32 x 16 */
    {64, 96, 64, 2, 2, 3, 3, 0, 0},   /* 32 x 48 */
    {64, 64, 32, 2, 2, 4, 3, 0, 0},   /* 32 x 32 */
    {64, 64, 64, 2, 2, 4, 3, 0, 0},   /* 32 x 32 */
    {64, 48, 64, 4, 1, 4, 3, 0, 0},   /* 16 x 48 */
    {64, 32, 32, 2, 2, 4, 4, 0, 0},   /* 32 x 16 */
    {64, 32, 64, 2, 2, 4, 4, 0, 0},   /* 32 x 16 */
    {64, 16, 64, 4, 1, 4, 4, 0, 0},   /* 16 x 16 */
    {32, 32, 32, 2, 2, 4, 4, 0, 0},   /* 16 x 16 */
    {32, 32, 64, 2, 2, 4, 4, 0, 0},   /* 16 x 16 */
};

static const struct rt_cuda_tile tiles_fp32[] = {
    {128, 128, 16, 2, 4, 4, 1, 0, 0}, /* per thread: 8 x 8 */
    {128, 64, 16, 2, 2, 4, 2, 0, 0},  /* 8 x 8 */
    {64, 64, 16, 1, 2, 4, 4, 0, 0},   /* 8 x 8, 64 threads */
    {64, 64, 32, 2, 2, 3, 3, 0, 0},   /* 4 x 8 */
    {128, 48, 16, 4, 1, 4, 2, 0, 0},  /* 4 x 12 */
    {128, 32, 16, 4, 1, 4, 3, 0, 0},  /* 4 x 8 */
    {128, 16, 32, 4, 1, 4, 3, 0, 0},  /* 4 x 4 */
    {64, 32, 16, 2, 1, 4, 4, 0, 0},   /* 4 x 8, 64 threads */
    {64, 16, 32, 4, 1, 4, 4, 0, 0},   /* 2 x 4 */
    {32, 32, 32, 2, 2, 4, 4, 0, 0},   /* 2 x 4 */
};

const struct rt_cuda_tile *rt_cuda_tiles(enum rt_cuda_math math, int *count)
{
    static const struct {
        const struct rt_cuda_tile *tiles;
        int count;
    } by_math[] = {
        [RT_CUDA_FP32] = {tiles_fp32, COUNT(tiles_fp32)},
        [RT_CUDA_TF32] = {tiles_tf32, COUNT(tiles_tf32)},
        [RT_CUDA_BF16] = {tiles_bf16, COUNT(tiles_bf16)},
    };

    *count = by_math[math].count;
    return by_math[math].tiles;
}

/* Bytes of an operand's element, in memory and in shared memory. */
static size_t element_bytes(const struct rt_cuda_product *p)
{
    return p->math == RT_CUDA_BF16 ? 2 : sizeof(float);
}

static long ceil_div(long a, long b)
{
    return (a + b - 1) / b;
}

static bool in_fours(int channels, int ld, int offset)
{
    return channels % 4 == 0 && ld % 4 == 0 && offset % 4 == 0;
}

bool rt_cuda_tile_fits(const struct rt_cuda_product *p, const struct rt_cuda_tile *tile)
{
    const struct rt_cuda_conv *c = p->conv;

    if (!tile->taps && p->math == RT_CUDA_BF16)
        return tile->k % 16 == 0 && /* with copies of 32 rows, warps of 64 x 64 spill registers */
               (p->pass != RT_CUDA_WEIGHT_GRADIENT || tile->k == 16 ||
                tile->m / tile->warps_m * (tile->n / tile->warps_n) < 64 * 64);
    if (!tile->taps && p->math == RT_CUDA_FP32) /* of 1 x 1 kernels, narrow ones of 128 rows spill registers */
        return p->pass != RT_CUDA_WEIGHT_GRADIENT || c->kernel > 1 || tile->m < 128 || tile->n >= 64;
    if (!tile->taps)
        return true;
    if (tile->taps == 9)
        return p->math == RT_CUDA_TF32 && p->pass == RT_CUDA_WEIGHT_GRADIENT && c->stride == 1 &&
               c->kernel == 3 && c->padding == 1 && c->in_w <= 31 && !c->padded_input && !c->bias &&
               in_fours(c->in_c, c->in_ld, c->in_offset) && in_fours(c->out_c, c->out_ld, c->out_offset);
    return p->math == RT_CUDA_TF32 && p->pass != RT_CUDA_WEIGHT_GRADIENT && c->stride == 1 && c->kernel >= 3 &&
           c->kernel <= 5 && c->kernel * c->kernel % tile->taps == 0 &&
           tile->stages - 1 <= c->kernel * c->kernel / tile->taps && !c->padded_input && c->out_c % 4 == 0 &&
           (p->pass == RT_CUDA_FORWARD ? in_fours(c->in_c, c->in_ld, c->in_offset)
                                       : in_fours(c->out_c, c->out_ld, c->out_offset));
}

long rt_cuda_tile_blocks(const struct rt_cuda_product *p, const struct rt_cuda_tile *tile)
{
    if (tile->taps == 9)
        return ceil_div(p->conv->in_c, tile->m / 3) * ceil_div(p->columns, tile->n);
    return ceil_div(p->rows, tile->m) * ceil_div(p->columns, tile->n);
}

long rt_cuda_tile_stages(const struct rt_cuda_product *p, const struct rt_cuda_tile *tile)
{
    const long taps = (long)p->conv->kernel * p->conv->kernel;

    return ceil_div(tile->taps && tile->taps < 9 ? p->depth / taps : p->depth, tile->k);
}

/* The input pixel under tap 0 of row m of D, as in conv_halo.cu. */
static long halo_pixel(const struct rt_cuda_product *p, long m)
{
    const struct rt_cuda_conv *c = p->conv;
    const bool forward = p->pass == RT_CUDA_FORWARD;
    const long to_w = forward ? c->out_w : c->in_w, to = to_w * (forward ? c->out_h : c->in_h);
    const long from_w = forward ? c->in_w : c->out_w, from = from_w * (forward ? c->in_h : c->out_h);

    return m / to * from + m % to / to_w * from_w + m % to % to_w;
}

int rt_cuda_halo(const struct rt_cuda_product *p, int rows)
{
    const int from_w = p->pass == RT_CUDA_FORWARD ? p->conv->in_w : p->conv->out_w;
    long most = 0;

    for (long first = 0; first < p->rows; first += rows) {
        const long last = first + rows <= p->rows ? first + rows - 1 : p->rows - 1;
        const long pixels = halo_pixel(p, last) - halo_pixel(p, first) + 1;

        if (pixels > most)
            most = pixels;
    }
    return (int)most + (p->conv->kernel - 1) * (from_w + 1);
}

size_t rt_cuda_tile_shared_bytes(const struct rt_cuda_product *p, const struct rt_cuda_tile *tile)
{
    const size_t element = element_bytes(p), along = (size_t)tile->k + (element == 2 ? 8 : 4);
    const size_t b =
        p->pass == RT_CUDA_INPUT_GRADIENT ? (size_t)tile->n * along : (size_t)tile->k * ((size_t)tile->n + 8);
    const size_t a =
        p->pass == RT_CUDA_WEIGHT_GRADIENT ? (size_t)tile->k * ((size_t)tile->m + 8) : (size_t)tile->m * along;

    if (tile->taps == 9)
        return ((size_t)tile->m / 3 + 8) * (RT_CUDA_RING + 1) * sizeof(float) +
               (size_t)tile->stages * b * sizeof(float) + 2 * (size_t)tile->k * 4;
    if (tile->taps)
        return (along * (2 * (size_t)rt_cuda_halo(p, tile->m) + 1) +
                (size_t)tile->stages * (size_t)tile->taps * b) *
               sizeof(float);
    return (size_t)tile->stages *
           ((a + b) * element + (p->pass == RT_CUDA_WEIGHT_GRADIENT ? (size_t)tile->k * 8 : 0));
}

/* Multiply-adds per cycle and multiprocessor. A fragment loaded from shared memory (and rounded) is reused
 * along the opposite side of the warp's tile, so throughput grows with the harmonic mean of the sides: on an
 * H100 5.6 per unit, up to about 330; gradients in gemm.cu reach 0.75 of that. Float32 approaches its peak of
 * 128. BF16, not yet measured: a fragment has twice the depth and is not rounded, so twice TF32. */
static double rate(const struct rt_cuda_product *p, const struct rt_cuda_tile *tile)
{
    const double m = tile->taps == 9 ? tile->m : (double)tile->m / tile->warps_m,
                 n = (double)tile->n / tile->warps_n;
    const double side = 2 * m * n / (m + n), reached = 5.6 * side < 330 ? 5.6 * side : 330;

    if (p->math == RT_CUDA_FP32)
        return 128 * side / (side + 10);
    return reached * (p->math == RT_CUDA_BF16 ? 2 : 1) *
           (tile->taps                   ? 1
            : p->pass == RT_CUDA_FORWARD ? 0.95
                                         : 0.75);
}

double rt_cuda_tile_cost(const struct rt_cuda_product *p, const struct rt_cuda_tile *tile, int multiprocessors)
{
    const int splits = tile->splits;
    const double moved = 1500;                /* bytes per cycle from L2 */
    const double start = 1500, launch = 3500; /* cycles to start a block; a second kernel */
    const bool all_taps = tile->taps == 9;    /* conv_taps.cu: 9 taps of m / 3 channels, 3 * m rows */
    const double taps = tile->taps && !all_taps ? (double)p->conv->kernel * p->conv->kernel : 1; /* per halo */
    const double stages = taps * (double)ceil_div(rt_cuda_tile_stages(p, tile), splits);
    const long blocks = rt_cuda_tile_blocks(p, tile) * p->products * splits;
    const long each = ceil_div(blocks, multiprocessors); /* blocks of the busiest multiprocessor */
    const double work = stages * tile->k * (all_taps ? 3 : 1) * tile->m * tile->n / rate(p, tile);
    /* Resident warps per multiprocessor, and how many hide latency: fewer took up to 1.2 times as long, in
     * float32 a single block up to twice. */
    const long warps = (each < tile->blocks ? each : tile->blocks) * tile->warps_m * tile->warps_n;
    const long enough = all_taps ? 12 : 8;
    const double idle = p->math == RT_CUDA_FP32 && each == 1 ? 1
                        : warps < enough                     ? 0.04 * (double)(enough - warps)
                                                             : 0;
    double cycles = (double)each * work * (1 + idle) + start * (double)ceil_div(each, tile->blocks);
    const int third = tile->m / 3;
    const double rows = all_taps ? third : tile->taps ? rt_cuda_halo(p, tile->m) / taps : tile->m;
    const double copied =
        (double)blocks * stages * tile->k * (rows + tile->n) * (double)element_bytes(p) / (2.0 * moved);

    if (copied > cycles)
        cycles = copied;
    if (splits > 1)
        cycles += launch + 2.0 * splits * p->outputs * 4 / moved;
    return cycles;
}

struct rt_cuda_tile rt_cuda_tile_choose(const struct rt_cuda_product *product, int multiprocessors,
                                        size_t shared_max)
{
    int count;
    const struct rt_cuda_tile *tiles = rt_cuda_tiles(product->math, &count);
    struct rt_cuda_tile best = {0};
    double least = 0;

    for (int i = 0; i < count; i++) {
        const long stages = rt_cuda_tile_stages(product, &tiles[i]);

        if (!rt_cuda_tile_fits(product, &tiles[i]) ||
            rt_cuda_tile_shared_bytes(product, &tiles[i]) > shared_max)
            continue;
        for (int splits = 1; splits <= 128 && splits <= stages; splits++) {
            struct rt_cuda_tile tile = tiles[i];
            double cycles;

            tile.splits = splits;
            cycles = rt_cuda_tile_cost(product, &tile, multiprocessors);
            if (!best.m || cycles < least) {
                best = tile;
                least = cycles;
            }
        }
    }
    return best;
}
