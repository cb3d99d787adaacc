/* Local response normalisation across channels (Krizhevsky et al. 2012, section 3.3):
 * y[c] = x[c] d[c]^-beta, d[c] = k + alpha / size * sum of x[j]^2 over the window of `size` channels around c.
 */
#include <math.h>
#include <string.h>

#include "engine/native/isa/functions.h"

enum { CHUNK = 512, MARGIN = 32 }; /* channels at a time, and room for half a window on each side */

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
    for (int c = 0; c < count; c++)
        to[c] = term[c - before];
    for (int j = 1 - before; j <= after; j++)
        for (int c = 0; c < count; c++)
            to[c] += term[c + j];
}

/* d of one pixel's channels. */
RT_INLINE void denominators(const float *x, float *d, int channels, const struct rt_lrn *lrn)
{
    float squares[CHUNK + 2 * MARGIN];
    const int before = lrn->size / 2, after = (lrn->size - 1) / 2;

    memset(squares, 0, sizeof squares);
    for (int c = 0; c < channels; c++)
        squares[MARGIN + c] = x[c] * x[c];
    window_sum(squares + MARGIN, d, channels, before, after);
    for (int c = 0; c < channels; c++)
        d[c] = lrn->k + lrn->alpha / (float)lrn->size * d[c];
}

void RT_ISA_NAME(lrn)(const float *x, long x_ld, float *y, long y_ld, long rows, int channels,
                      const struct rt_lrn *lrn)
{
    float d[CHUNK];

    for (long r = 0; r < rows; r++, x += x_ld, y += y_ld) {
        denominators(x, d, channels, lrn);
        negative_power(d, channels, lrn->beta);
        for (int c = 0; c < channels; c++)
            y[c] = x[c] * d[c];
    }
}

/* dx[c] = dy[c] d[c]^-beta - 2 alpha beta / size x[c] sum over the windows that hold c of dy[j] x[j]
 * d[j]^(-beta-1) */
void RT_ISA_NAME(lrn_backward)(const float *x, long x_ld, const float *dy, long dy_ld, float *dx, long dx_ld,
                               long rows, int channels, const struct rt_lrn *lrn, bool accumulate)
{
    float d[CHUNK], power[CHUNK], term[CHUNK + 2 * MARGIN], sum[CHUNK];
    const int before = lrn->size / 2, after = (lrn->size - 1) / 2;
    const float factor = 2.0f * lrn->alpha * lrn->beta / (float)lrn->size;

    memset(term, 0, sizeof term);
    for (long r = 0; r < rows; r++, x += x_ld, dy += dy_ld, dx += dx_ld) {
        denominators(x, d, channels, lrn);
        memcpy(power, d, (size_t)channels * sizeof *d);
        negative_power(power, channels, lrn->beta);
        for (int c = 0; c < channels; c++)
            term[MARGIN + c] = dy[c] * x[c] * power[c] / d[c];
        window_sum(term + MARGIN, sum, channels, after, before);
        for (int c = 0; c < channels; c++) {
            const float value = dy[c] * power[c] - factor * x[c] * sum[c];

            dx[c] = accumulate ? dx[c] + value : value;
        }
    }
}
