/* The inner loops of the native engine, one table of functions per instruction set.
 *
 * The files in isa/ are written once in portable vector types and compiled once per instruction set; the best
 * one that the processor supports is chosen at start (RETHINK_ISA=baseline|avx2|avx512 overrides it).
 * Activations are rows of channels ("pixels"): pixel r's channels begin at base + r * ld. Channel counts are
 * exact; ld and weights are padded to whole panels of 16 channels, whose padding holds zeros. */
#ifndef RT_ENGINE_NATIVE_ISA_H
#define RT_ENGINE_NATIVE_ISA_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "engine/native/pixels.h"
#include "engine/native/product.h"
#include "engine/native/tiles.h"
#include "engine/optimizer.h"

/* Parameters to update: weights, and each of the optimiser's states state_stride floats behind the one before.
 */
struct rt_parameters {
    enum rt_optimizer_index optimizer;
    const float *terms; /* [RT_OPTIMIZER_TERMS_MAX] of this step */
    float *w, *states;
    long count, state_stride; /* count: a multiple of 16 */
};

struct rt_isa {
    const char *name;
    bool (*supported)(void);

    void (*product)(const struct rt_product *product);

    /* to[j][i] = from[i][j] for rows x columns floats, both multiples of 16. */
    void (*transpose)(const float *from, long from_ld, float *to, long to_ld, long rows, long columns);

    void (*gather)(const struct rt_gather *gather);
    /* The transpose of gather: adds rows of kernel x kernel x channels gradients back into the pixels of `to`
     * (gather->from unused); no other thread may touch these pixels. */
    void (*scatter)(const struct rt_gather *gather, const float *rows, float *to);

    /* x[r][c] += bias[c] (bias may be null), then ReLU if asked; channels a multiple of 16. */
    void (*bias_relu)(float *x, long ld, long rows, long channels, const float *bias, bool relu);
    /* dy[r][c] = 0 where y[r][c] <= 0. */
    void (*gate)(float *dy, long dy_ld, const float *y, long y_ld, long rows, long channels);
    /* sum[c] (+)= sum over rows of x[r][c]. */
    void (*column_sum)(const float *x, long ld, long rows, long channels, float *sum, bool accumulate);
    /* to = view(from) (+ to if accumulate), row by row. */
    void (*copy)(const float *from, long from_ld, struct rt_view view, float *to, long to_ld, long rows,
                 long channels, bool accumulate);
    /* to = a + b. */
    void (*add)(const float *a, long a_ld, const float *b, long b_ld, float *to, long to_ld, long rows,
                long channels);

    /* mean[c] and m2[c] = sum of (x - mean)^2 over the rows. */
    void (*moments)(const float *x, long ld, long rows, long channels, float *mean, float *m2);
    /* With g = dy where scale x + shift > 0 (or everywhere without relu): sum_g[c], sum_gx[c] = sum of g * (x -
     * mean). */
    void (*norm_sums)(const float *x, long x_ld, const float *dy, long dy_ld, long rows, long channels,
                      struct rt_view view, const float *mean, float *sum_g, float *sum_gx);
    /* dx (+)= scale[c] * (g - mean_g[c] - slope[c] * (x - mean[c])), g as above. dx may be dy. */
    void (*norm_backward)(const float *x, long x_ld, const float *dy, long dy_ld, float *dx, long dx_ld,
                          long rows, long channels, struct rt_view view, const struct rt_norm_terms *terms,
                          bool accumulate);

    /* One image: y and the winning tap of each window in `winner` [rows x columns][channels]. */
    void (*max_pool)(const struct rt_window *window, const float *x, long x_ld, struct rt_view view, float *y,
                     long y_ld, uint8_t *winner, long winner_ld);
    /* One image: dx (+)= dy at the winners. */
    void (*max_pool_backward)(const struct rt_window *window, const float *dy, long dy_ld,
                              const uint8_t *winner, long winner_ld, float *dx, long dx_ld, bool accumulate);
    /* One image: adaptive averages, window of output i: floor(i in / out) .. ceil((i + 1) in / out). */
    void (*avg_pool)(const struct rt_window *window, const float *x, long x_ld, struct rt_view view, float *y,
                     long y_ld);
    void (*avg_pool_backward)(const struct rt_window *window, const float *dy, long dy_ld, float *dx,
                              long dx_ld, bool accumulate);

    /* Local response normalisation of rows of pixels. */
    void (*lrn)(const float *x, long x_ld, float *y, long y_ld, long rows, int channels,
                const struct rt_lrn *lrn);
    void (*lrn_backward)(const float *x, long x_ld, const float *dy, long dy_ld, float *dx, long dx_ld,
                         long rows, int channels, const struct rt_lrn *lrn, bool accumulate);

    /* The optimiser's step (engine/optimizers/) by g, the sum of `parts` arrays, part_stride floats apart. */
    void (*update)(const struct rt_parameters *parameters, const float *g, int parts, long part_stride);
    /* to = the sum of `parts` arrays, in order. */
    void (*sum_parts)(float *to, const float *from, long count, int parts, long part_stride);

    /* B^T d B of tiles of inputs, zero outside the map. */
    void (*winograd_input)(const struct rt_tiles *tiles, const float *from, struct rt_view view);
    /* A^T m A into tiles of outputs, clipped to the map. */
    void (*winograd_output)(const struct rt_tiles *tiles, float *to, bool accumulate);
    /* A e A^T of tiles of output gradients, zero outside the map: the filter gradient's other factor. */
    void (*winograd_gradient)(const struct rt_tiles *tiles, const float *from);
    /* G g G^T, and its transpose G^T u G. */
    void (*winograd_filters)(const struct rt_filters *filters, const float *from, float *transformed);
    void (*winograd_filter_gradient)(const struct rt_filters *filters, const float *transformed, float *to);

    /* Multiplies and adds on registers for `rounds` rounds and returns how many operations that was
     * (bench/peak.h). *seed is 0, unknown to the compiler, and stays 0. */
    double (*fma_peak)(long rounds, volatile float *seed);
};

#define RT_ISA_LIST(X) /* best first */                                                                        \
    X(avx512)                                                                                                  \
    X(avx2)                                                                                                    \
    X(baseline)

/* The best instruction set that this processor supports and this build has, or the one that RETHINK_ISA names
 * (RT_ECONFIG if it cannot run here). */
int rt_isa_choose(const struct rt_isa **isa, struct rt_error *err);

#endif
