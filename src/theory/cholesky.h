/* Cholesky's factorisation of a matrix in tiles, A = L L', in place, by a LAPACK on single tiles: indices stay
 * within 32 bits, and only the lower triangle is stored. */
#ifndef RT_THEORY_CHOLESKY_H
#define RT_THEORY_CHOLESKY_H

#include "theory/gram.h"
#include "theory/lapack.h"

/* Factors the symmetric matrix's tiles. RT_EDATA where a pivot is not above `least` (what rounding leaves of
 * zero): *pivot is its row. */
int rt_cholesky_factor(struct rt_gram *gram, const struct rt_lapack *lapack, double least, long *pivot,
                       rt_progress *progress, struct rt_error *err);

/* b[rows][RT_OUTPUTS] = (L L')^-1 b, with the first `outputs` columns used. */
void rt_cholesky_solve(const struct rt_gram *factor, const struct rt_lapack *lapack, float *b, int outputs);

#endif
