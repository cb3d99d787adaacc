#include "figures/smooth.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"

/* basis[k][j]: discrete orthonormal polynomials of degree k on the window's points j, by Gram-Schmidt (twice,
 * which keeps them orthogonal to rounding). The least-squares fit at point `at` is then
 * sum_j y[j] * sum_k basis[k][at] * basis[k][j]. */
static void make_basis(int window, int order, double *basis)
{
    for (int k = 0; k <= order; k++) {
        double *row = basis + k * window;
        for (int j = 0; j < window; j++)
            row[j] = pow((2.0 * j - (window - 1)) / window, k);
        for (int pass = 0; pass < 2; pass++) {
            for (int m = 0; m < k; m++) {
                double dot = 0;
                for (int j = 0; j < window; j++)
                    dot += row[j] * basis[m * window + j];
                for (int j = 0; j < window; j++)
                    row[j] -= dot * basis[m * window + j];
            }
        }
        double norm = 0;
        for (int j = 0; j < window; j++)
            norm += row[j] * row[j];
        for (int j = 0; j < window; j++)
            row[j] /= sqrt(norm);
    }
}

static void make_weights(const double *basis, int window, int order, int at, double *weights)
{
    for (int j = 0; j < window; j++) {
        weights[j] = 0;
        for (int k = 0; k <= order; k++)
            weights[j] += basis[k * window + at] * basis[k * window + j];
    }
}

static double weigh(const double *weights, const double *y, int window)
{
    double sum = 0;

    for (int j = 0; j < window; j++)
        sum += weights[j] * y[j];
    return sum;
}

/* The window that point i is fitted to starts here: centred where it can be, at an end where it cannot. */
static size_t window_start(size_t i, size_t count, size_t window)
{
    const size_t half = window / 2;

    if (i < half)
        return 0;
    return i + half < count ? i - half : count - window;
}

int rt_savgol(const double *y, size_t count, int window, int order, double *smooth, struct rt_error *err)
{
    if (window < 1 || window > RT_SMOOTH_WINDOW_MAX || window % 2 == 0 || order < 0 || order >= window ||
        order > RT_SMOOTH_ORDER_MAX || count < (size_t)window)
        return rt_fail(err, RT_EUSAGE,
                       "smoothing %zu points with window %d and order %d: the window must be odd, "
                       "over the order and at most the number of points",
                       count, window, order);
    double *basis = NULL;
    RT_TRY(rt_alloc(&basis, (size_t)(order + 2) * (size_t)window, sizeof *basis, "smoothing window", err));
    double *weights = basis + (order + 1) * window;
    make_basis(window, order, basis);
    int made_for = -1;
    for (size_t i = 0; i < count; i++) {
        const size_t start = window_start(i, count, (size_t)window);
        if ((int)(i - start) != made_for) {
            made_for = (int)(i - start);
            make_weights(basis, window, order, made_for, weights);
        }
        smooth[i] = weigh(weights, y + start, window);
    }
    rt_free(&basis);
    return RT_OK;
}

int rt_smooth(const double *y, size_t count, int window, double *smooth, struct rt_error *err)
{
    if ((size_t)window > count)
        window = (int)count - (count % 2 == 0);
    if (window < RT_SMOOTH_ORDER + 2) {
        if (count)
            memcpy(smooth, y, count * sizeof *smooth);
        return RT_OK;
    }
    RT_TRY(rt_savgol(y, count, window, RT_SMOOTH_ORDER, smooth, err));
    for (size_t i = 0; i < count; i++) {
        const double *from = y + window_start(i, count, (size_t)window);
        double low = from[0], high = from[0];
        for (int j = 1; j < window; j++) {
            low = fmin(low, from[j]);
            high = fmax(high, from[j]);
        }
        smooth[i] = fmin(fmax(smooth[i], low), high);
    }
    return RT_OK;
}
