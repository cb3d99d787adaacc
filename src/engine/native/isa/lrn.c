/* Local response normalisation across channels (Krizhevsky et al. 2012, section 3.3):
 * y[c] = x[c] d[c]^-beta, d[c] = k + alpha / size * sum of x[j]^2 over the window of `size` channels around c.
 */
#include <math.h>
#include <string.h>

#include "engine/native/isa/lrn.h"
#include "engine/native/isa/tables.h"

/* Channels at most, room for half a window on each side, and pixels at a time: what is stored in vectors and
 * read between them must have left the processor's store buffer, or each read waits for that. */
enum { CHUNK = 512, MARGIN = 32, ROWS = 8 };

typedef float rt_terms[ROWS][CHUNK + 2 * MARGIN]; /* zero outside of channels */

/* d^-beta; the published beta 0.75 needs two square roots only. */
RT_INLINE void negative_power(float *d, int count, float beta)
{
    if (beta == 0.75f) {
        for (int c = 0; c < count; c++) {
            const float root = sqrtf(d[c]);

            d[c] = 1.0f / (root * sqrtf(root));
        }
    } else {
        for (int c = 0; c < count; c++)
            d[c] = powf(d[c], -beta);
    }
}

/* to[c] = sum of term[j] over j in [c - before, c + after], for a term array with zero margins. */
RT_INLINE void window_sum(const float *term, float *to, int count, int before, int after)
{
    for (int c = 0; c < count; c += RT_LANES) {
        rt_vec sum = rt_load(term + c - before);

        for (int j = 1 - before; j <= after; j++)
            sum += rt_load(term + c + j);
        rt_store(to + c, sum);
    }
}

/* d of some pixels' channels; `squares` is scratch. */
RT_INLINE void denominators(const float *x, long x_ld, long rows, int channels, const struct rt_lrn *lrn,
                            rt_terms squares, float d[ROWS][CHUNK])
{
    for (long r = 0; r < rows; r++)
        for (int c = 0; c < channels; c++)
            squares[r][MARGIN + c] = x[r * x_ld + c] * x[r * x_ld + c];
    for (long r = 0; r < rows; r++) {
        window_sum(squares[r] + MARGIN, d[r], channels, lrn->size / 2, (lrn->size - 1) / 2);
        for (int c = 0; c < channels; c++)
            d[r][c] = lrn->k + lrn->alpha / (float)lrn->size * d[r][c];
    }
}

static void forward(const float *x, long x_ld, float *y, long y_ld, long rows, int channels,
                    const struct rt_lrn *lrn)
{
    rt_terms squares;
    float d[ROWS][CHUNK];

    memset(squares, 0, sizeof squares);
    for (long begin = 0; begin < rows; begin += ROWS, x += ROWS * x_ld, y += ROWS * y_ld) {
        const long some = rows - begin < ROWS ? rows - begin : ROWS;

        denominators(x, x_ld, some, channels, lrn, squares, d);
        for (long r = 0; r < some; r++) {
            negative_power(d[r], channels, lrn->beta);
            for (int c = 0; c < channels; c++)
                y[r * y_ld + c] = x[r * x_ld + c] * d[r][c];
        }
    }
}

/* dx[c] = dy[c] d[c]^-beta - 2 alpha beta / size x[c] sum over the windows that hold c of dy[j] x[j]
 * d[j]^(-beta-1) */
static void backward(const float *x, long x_ld, const float *dy, long dy_ld, float *dx, long dx_ld, long rows,
                     int channels, const struct rt_lrn *lrn, bool accumulate)
{
    rt_terms terms; /* at first the squares */
    float d[ROWS][CHUNK], power[ROWS][CHUNK], sum[CHUNK];
    const float factor = 2.0f * lrn->alpha * lrn->beta / (float)lrn->size;

    memset(terms, 0, sizeof terms);
    for (long begin = 0; begin < rows; begin += ROWS) {
        const long some = rows - begin < ROWS ? rows - begin : ROWS;

        denominators(x, x_ld, some, channels, lrn, terms, d);
        for (long r = 0; r < some; r++) {
            memcpy(power[r], d[r], (size_t)channels * sizeof **d);
            negative_power(power[r], channels, lrn->beta);
            for (int c = 0; c < channels; c++)
                terms[r][MARGIN + c] = dy[r * dy_ld + c] * x[r * x_ld + c] * power[r][c] / d[r][c];
        }
        for (long r = 0; r < some; r++, x += x_ld, dy += dy_ld, dx += dx_ld) {
            window_sum(terms[r] + MARGIN, sum, channels, (lrn->size - 1) / 2, lrn->size / 2);
            for (int c = 0; c < channels; c++) {
                const float value = dy[c] * power[r][c] - factor * x[c] * sum[c];

                dx[c] = accumulate ? dx[c] + value : value;
            }
        }
    }
}

const struct rt_lrn_kernels RT_ISA_NAME(lrn_kernels) = {
    .forward = forward,
    .backward = backward,
};
