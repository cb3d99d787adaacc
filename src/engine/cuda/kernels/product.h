/* Shared by gemm.cu, conv_halo.cu and conv_taps.cu: a block's part of the product, the layout of a warp's
 * values, and the epilogue (bias and ReLU, accumulation and gate, update). */
#ifndef RT_CUDA_KERNELS_PRODUCT_H
#define RT_CUDA_KERNELS_PRODUCT_H

#include "device.h"
#include "update.h"

enum {
    THREADS = 32 * RT_WARPS_M * RT_WARPS_N,
    WM = RT_BM / RT_WARPS_M,
    WN = RT_BN / RT_WARPS_N,
    MT = WM / 16,
    NT = WN / 8,
    A_ALONG = RT_PASS != 2, /* A is contiguous in k: channels of x or dy */
    BF16 = RT_MATH == 2,
};

#if (RT_MATH == 2) != RT_BF16
#error "bfloat16 products multiply elements as they lie in memory"
#endif

#define TAPS (RT_K * RT_K)
#define IN_PIXELS (RT_IH * RT_IW)
#define OUT_PIXELS (RT_OH * RT_OW)
#define WEIGHTS (TAPS * RT_WC * RT_OC)

/* A block's part of the product. */
struct part {
    int row, column;  /* its first, in D */
    int rows;         /* of D that are in use */
    int depth;        /* K */
    int end;          /* of the split, in K */
    int first, count; /* stages */
    int split;
    /* of a strided input gradient's product: row and column modulo the stride, first tap and taps per row, size
     * of its map */
    int rest_h, rest_w, tap_h, tap_w, taps_w, high, wide;
};

/* The column (or row across k) of element g of tile `tile` among a warp's `tiles` tiles of 8: permuted within
 * groups of 32, so that a lane's elements of four tiles are neighbours, and within a last group of 16, of two.
 * In bfloat16 in order, as ldmatrix transposes them. */
RT_DEVICE int place_across(int tile, int g, int tiles)
{
    if (BF16)
        return tile * 8 + g;
    return tile < tiles / 4 * 4 ? tile / 4 * 32 + g * 4 + tile % 4 : tiles / 4 * 32 + g * 2 + tile % 4;
}

/* The inverse for operands along k: the shared-memory row of a warp's column n, as ldmatrix expects it. */
RT_DEVICE int row_along(int n, int tiles)
{
    const int rest = n - tiles / 4 * 32;

    if (BF16)
        return n;
    return rest < 0 ? (n / 32 * 4 + n % 4) * 8 + n % 32 / 4 : (tiles / 4 * 4 + rest % 2) * 8 + rest / 2;
}

/* Loads v[tile] = row[place_across(tile, g, tiles)] from a row across k, by float4 and float2. */
RT_DEVICE void read_across(float *v, const float *row, int g, int tiles)
{
    RT_UNROLL for (int i = 0; i < tiles / 4; i++)
    {
        const float4 four = *(const float4 *)(row + i * 32 + g * 4);

        v[4 * i] = four.x;
        v[4 * i + 1] = four.y;
        v[4 * i + 2] = four.z;
        v[4 * i + 3] = four.w;
    }
    if (tiles % 4) {
        const float2 two = *(const float2 *)(row + tiles / 4 * 32 + g * 2);

        v[tiles / 4 * 4] = two.x;
        v[tiles / 4 * 4 + 1] = two.y;
    }
}

struct ends {
    rt_element *y; /* y or dx */
    const float *bias;
    const rt_element *gate;
    float *g, *w, *v; /* of the weights: gradient, value, the optimiser's first state */
    const struct rt_cuda_update *update;
    float *workspace;
    rt_element *w16; /* of the weights: the copy in bfloat16 */
};

RT_DEVICE void load(float v[4], const float *from, int count, bool vector)
{
    if (vector) {
        const float4 four = *(const float4 *)from;

        v[0] = four.x;
        v[1] = four.y;
        v[2] = four.z;
        v[3] = four.w;
    } else {
        RT_UNROLL for (int i = 0; i < 4; i++) v[i] = i < count ? from[i] : 0;
    }
}

RT_DEVICE void store(float *to, const float v[4], int count, bool vector)
{
    if (vector)
        *(float4 *)to = make_float4(v[0], v[1], v[2], v[3]);
    else
        RT_UNROLL for (int i = 0; i < 4; i++) if (i < count) to[i] = v[i];
}

RT_DEVICE void load_elements(float v[4], const rt_element *from, int count, bool vector)
{
    if (vector)
        rt_load4(v, from);
    else
        RT_UNROLL for (int i = 0; i < 4; i++) v[i] = i < count ? rt_value(from[i]) : 0;
}

RT_DEVICE void store_elements(rt_element *to, const float v[4], int count, bool vector)
{
    if (vector)
        rt_store4(to, v);
    else
        RT_UNROLL for (int i = 0; i < 4; i++) if (i < count) to[i] = rt_element_of(v[i]);
}

/* Epilogue of y: channels n .. n + 3 of a row. */
RT_DEVICE void finish_forward(float v[4], int row, int n, int count, const struct ends *to)
{
    RT_UNROLL for (int i = 0; i < 4; i++)
    {
        if (RT_BIAS && i < count)
            v[i] += to->bias[n + i];
        if (RT_RELU && v[i] < 0)
            v[i] = 0;
    }
    store_elements(to->y + row * RT_OLD + n, v, count, RT_VOUT);
}

/* Epilogue of dx: channels n .. n + 3 of a row. */
RT_DEVICE void finish_input(float v[4], int row, int n, int count, const struct ends *to)
{
    const bool vector = RT_VIN && RT_WC % 4 == 0;
    const int at = row * RT_ILD + n;
    float more[4];

    if (RT_ACCUMULATE) {
        load_elements(more, to->y + at, count, vector);
        RT_UNROLL for (int i = 0; i < 4; i++) v[i] += more[i];
    }
    if (RT_GATE) {
        load_elements(more, to->gate + at, count, vector);
        RT_UNROLL for (int i = 0; i < 4; i++) v[i] = more[i] > 0 ? v[i] : 0;
    }
    store_elements(to->y + at, v, count, vector);
}

/* Epilogue of four weights: stores the gradient, or updates. */
RT_DEVICE void finish_weight(const float g[4], int at, int count, const struct ends *to)
{
    float w[4], states[RT_OPTIMIZER_STATES_MAX][4];

    if (!RT_UPDATE) {
        store(to->g + at, g, count, RT_VW);
        return;
    }
    load(w, to->w + at, count, RT_VW);
    RT_UNROLL for (int k = 0; k < RT_OPTIMIZER_STATES; k++)
        load(states[k], to->v + k * to->update->state_stride + at, count, RT_VW);
    RT_UNROLL for (int i = 0; i < 4; i++)
    {
        float s[RT_OPTIMIZER_STATES_MAX];

        RT_UNROLL for (int k = 0; k < RT_OPTIMIZER_STATES; k++) s[k] = states[k][i];
        rt_update_weight(&w[i], s, g[i], to->update);
        RT_UNROLL for (int k = 0; k < RT_OPTIMIZER_STATES; k++) states[k][i] = s[k];
    }
    store(to->w + at, w, count, RT_VW);
    if (BF16)
        store_elements(to->w16 + at, w, count, RT_VW);
    RT_UNROLL for (int k = 0; k < RT_OPTIMIZER_STATES; k++)
        store(to->v + k * to->update->state_stride + at, states[k], count, RT_VW);
}

/* The pixel of x at row m of an input gradient's product. */
RT_DEVICE int input_pixel(const struct part *p, int m)
{
    int image, rest;

    if (RT_S == 1)
        return m;
    image = m / (p->high * p->wide);
    rest = m - image * p->high * p->wide;
    return image * IN_PIXELS + (rest / p->wide * RT_S + p->rest_h) * RT_IW + rest % p->wide * RT_S + p->rest_w;
}

/* Epilogue of columns n .. n + 3 of row m, or with RT_SPLITS the store to the workspace. */
RT_DEVICE void finish(const struct part *p, int m, int n, float v[4], const struct ends *to)
{
    const int columns = RT_PASS == 1 ? RT_WC : RT_OC, count = RT_MIN(columns - n, 4);

    if (m >= p->rows || count <= 0)
        return;
    if (RT_PASS == 2) {
        const int tap = m / RT_IC, c = m - tap * RT_IC, at = (tap * RT_WC + c) * RT_OC + n;

        if (c >= RT_WC)
            return;
        if (RT_SPLITS > 1)
            store(to->workspace + p->split * (WEIGHTS + RT_BIAS * RT_OC) + at, v, count, RT_VW);
        else
            finish_weight(v, at, count, to);
        return;
    }
    if (RT_PASS == 1)
        m = input_pixel(p, m);
    if (RT_SPLITS > 1) {
        const int pixels = RT_B * (RT_PASS == 1 ? IN_PIXELS : OUT_PIXELS);

        store(to->workspace + (p->split * pixels + m) * columns + n, v, count, columns % 4 == 0);
    } else if (RT_PASS == 1) {
        finish_input(v, m, n, count, to);
    } else {
        finish_forward(v, m, n, count, to);
    }
}

/* As finish_row, in bfloat16: neighbouring lanes exchange values, so that each has four neighbours, of tile j
 * where t is even and of j + 1 where it is odd. */
RT_DEVICE void finish_row_in_order(const struct part *p, int m, int n, float acc[NT][4], int h, int t,
                                   const struct ends *to)
{
    const bool odd = t % 2;

    RT_UNROLL for (int j = 0; j < NT; j += 2)
    {
        float v[4];

        RT_UNROLL for (int e = 0; e < 2; e++)
        {
            const float mine = odd ? acc[j + 1][h + e] : acc[j][h + e];
            const float other = __shfl_xor_sync(0xffffffffu, odd ? acc[j][h + e] : acc[j + 1][h + e], 1);

            v[e] = odd ? other : mine;
            v[2 + e] = odd ? mine : other;
        }
        finish(p, m, n + (j + odd) * 8 + t / 2 * 4, v, to);
    }
}

/* Epilogue of a lane's values in one row: d[h] and d[h + 1] of each tile of acc; n: the warp's first column. */
RT_DEVICE void finish_row(const struct part *p, int m, int n, float acc[NT][4], int h, int t,
                          const struct ends *to)
{
    if (BF16) {
        finish_row_in_order(p, m, n, acc, h, t, to);
        return;
    }
    RT_UNROLL for (int j = 0; j < NT / 4 * 4; j += 4) RT_UNROLL for (int e = 0; e < 2; e++)
    {
        float v[4];

        RT_UNROLL for (int l = 0; l < 4; l++) v[l] = acc[j + l][h + e];
        finish(p, m, n + j * 8 + (2 * t + e) * 4, v, to);
    }
    if (NT % 4) {
        float v[4];

        RT_UNROLL for (int l = 0; l < 4; l++) v[l] = acc[NT / 4 * 4 + l % 2][h + l / 2];
        finish(p, m, n + NT / 4 * 32 + 4 * t, v, to);
    }
}

RT_DEVICE void finish_all(const struct part *p, float acc[MT][NT][4], int warp_m, int warp_n, int lane,
                          const struct ends *to)
{
    const int g = lane / 4;

    RT_UNROLL for (int i = 0; i < 2 * MT; i++)
    {
        const int m = p->row + warp_m * WM + (A_ALONG ? i * 8 + g : place_across(i, g, 2 * MT));

        finish_row(p, m, p->column + warp_n * WN, acc[i / 2], i % 2 * 2, lane % 4, to);
    }
}

#endif
