#include "runs/statistics.h"

#include <math.h>

/* The 97.5 % quantile of Student's t with `degrees` degrees of freedom: a table to 10, then the expansion of
 * Abramowitz and Stegun 26.7.5, good to 1e-4 there. */
static double student_quantile(int degrees)
{
    static const double table[] = {0,      12.7062, 4.3027, 3.1824, 2.7764, 2.5706,
                                   2.4469, 2.3646,  2.3060, 2.2622, 2.2281};

    if (degrees < (int)(sizeof table / sizeof table[0]))
        return table[degrees];
    const double x = 1.959963985, n = degrees;
    const double x3 = x * x * x, x5 = x3 * x * x, x7 = x5 * x * x;
    return x + (x3 + x) / (4 * n) + (5 * x5 + 16 * x3 + 3 * x) / (96 * n * n) +
           (3 * x7 + 19 * x5 + 17 * x3 - 15 * x) / (384 * n * n * n);
}

struct rt_summary rt_summarize(const double *values, int n)
{
    struct rt_summary summary = {0, NAN, NAN};
    double squares = 0;

    for (int i = 0; i < n; i++)
        summary.mean += values[i];
    summary.mean /= n;
    if (n < 2)
        return summary;
    for (int i = 0; i < n; i++)
        squares += (values[i] - summary.mean) * (values[i] - summary.mean);
    summary.deviation = sqrt(squares / (n - 1));
    summary.half_width = student_quantile(n - 1) * sqrt(squares / (n - 1) / n);
    return summary;
}

void rt_mean_band(const double *values, int n, double *mean, double *half_width)
{
    const struct rt_summary summary = rt_summarize(values, n);

    *mean = summary.mean;
    *half_width = n > 1 ? summary.half_width : 0;
}
