#include "theory/eigen.h"

#include <math.h>

enum { SWEEPS_MAX = 60 };

/* Rotates rows, then columns, p and q of a, and columns p and q of v, so that a[p][q] becomes zero. */
static void rotate(double *a, double *v, int n, int p, int q)
{
    const double theta = (a[q * n + q] - a[p * n + p]) / (2 * a[p * n + q]);
    const double t = copysign(1, theta) / (fabs(theta) + sqrt(theta * theta + 1));
    const double c = 1 / sqrt(t * t + 1), s = t * c;

    for (int k = 0; k < n; k++) {
        const double x = a[p * n + k], y = a[q * n + k];

        a[p * n + k] = c * x - s * y;
        a[q * n + k] = s * x + c * y;
    }
    for (int k = 0; k < n; k++) {
        const double x = a[k * n + p], y = a[k * n + q], vx = v[k * n + p], vy = v[k * n + q];

        a[k * n + p] = c * x - s * y;
        a[k * n + q] = s * x + c * y;
        v[k * n + p] = c * vx - s * vy;
        v[k * n + q] = s * vx + c * vy;
    }
}

void rt_eigen_symmetric(double *a, double *v, int n)
{
    double whole = 0;

    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            v[i * n + j] = i == j;
            whole += a[i * n + j] * a[i * n + j];
        }
    for (int sweep = 0; sweep < SWEEPS_MAX; sweep++) {
        double off = 0;

        for (int p = 0; p < n; p++)
            for (int q = p + 1; q < n; q++)
                off += 2 * a[p * n + q] * a[p * n + q];
        if (!(off > 1e-28 * whole))
            return;
        for (int p = 0; p < n; p++)
            for (int q = p + 1; q < n; q++)
                if (a[p * n + q] != 0)
                    rotate(a, v, n, p, q);
    }
}
