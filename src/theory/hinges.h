/* Sums of hinges, sum_j w_j max(z - b_j, 0), unit by unit: what a two-layer ReLU network computes from its
 * projection z. Eight partial sums, unit j in the (j mod 8)-th, are added up in a fixed order, so that every
 * instruction set gives the same bits. */
#ifndef RT_THEORY_HINGES_H
#define RT_THEORY_HINGES_H

#include <stddef.h>

#include "theory/double_double.h"

/* In double: w and b are [count]. */
double rt_hinges_sum(const double *w, const double *b, size_t count, double z);

/* With weights w + w_low, and products and sums in double-double: the error is that of twice the precision
 * (Dot2 of Ogita, Rump and Oishi 2005), where z - b_j is exact. */
struct rt_dd rt_hinges_sum_dd(const double *w, const double *w_low, const double *b, size_t count, double z);

#endif
