/* The formulas of all optimisers, for the number type of the including file; CUDA kernels
 * include it too. Before the include: typedef rt_real, a scalar (float, double); rt_number, what one update
 * works on (rt_real, or a vector of them); RT_OPTIMIZER_FUNCTION, how functions are declared ("static inline",
 * "static __device__"); RT_OPTIMIZER_SQRT of an rt_number.
 *
 * Each optimizers/NAME.h has
 *   rt_NAME_terms(terms, update, step)   the constants of the update after `step` others, in double
 *   rt_NAME_step(w, s, g, t)             moves weights *w and states s[] by gradients g (of the mean loss),
 * terms t */
#ifndef RT_ENGINE_OPTIMIZERS_FORMULAS_H
#define RT_ENGINE_OPTIMIZERS_FORMULAS_H

#ifndef __CUDACC__ /* which has them built in */
#include <math.h>
#endif

#include "engine/optimizers/adam.h"
#include "engine/optimizers/nesterov.h"
#include "engine/optimizers/sgd.h"
#include "engine/optimizers/update.h"

#endif
