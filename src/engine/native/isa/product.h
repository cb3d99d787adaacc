/* The one micro-kernel: C (+)= A B for a few rows of A and a few panels of B, and the loops around it.
 *
 * Strides make the same kernel serve y = x W, dx = dy W^T and dW = x^T dy, with B either packed in panels or
 * the rows of an activation with channels innermost. The sum over k runs in order, so the result depends
 * neither on the threads nor on how rows and columns were divided. */
#ifndef RT_ENGINE_NATIVE_ISA_PRODUCT_H
#define RT_ENGINE_NATIVE_ISA_PRODUCT_H

#include <stdbool.h>

/* C[m][n] = (accumulate ? C[m][n] : 0) + sum over k < depth of A[m][k] B[k][n], m < rows, n < 16 * panels.
 *   A[m][k]          = a[m * a_row + k * a_col]
 *   B[k][16 p + j]   = b[p * b_panel + k * b_row + j]
 *   C[m][16 p + j]   = c[m * c_row + p * c_panel + j]
 *
 * On the way, what is needed next is prefetched, `depth` lines of each panel: by the first tile of some panels
 * the panels behind them, and behind the last those at next_b, with the same strides; by the second and third
 * tile what lies at prefetch[0] and prefetch[1], as many panels, prefetch_panel floats apart, b_row floats from
 * line to line. Each may be NULL. Results do not depend on it, and what is prefetched need not exist. */
struct rt_product {
    const float *a, *b, *next_b;
    float *c;
    const float *prefetch[2];
    long a_row, a_col, b_row, b_panel, c_row, c_panel, prefetch_panel;
    long rows, panels, depth;
    bool accumulate;
};

struct rt_product_kernels {
    void (*multiply)(const struct rt_product *product);
};

#endif
