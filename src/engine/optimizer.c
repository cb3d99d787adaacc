#include "engine/optimizer.h"

#include <math.h>

typedef double rt_real, rt_number;
#define RT_OPTIMIZER_FUNCTION static inline
#define RT_OPTIMIZER_SQRT(x) sqrt(x)
#include "engine/optimizers/formulas.h"

#define OPTIMIZER(symbol, state0, state1, help)                                                                \
    [RT_OPTIMIZER_##symbol] = {.index = RT_OPTIMIZER_##symbol,                                                 \
                               .name = #symbol,                                                                \
                               .state_count = (sizeof(state0) > 1) + (sizeof(state1) > 1),                     \
                               .states = {state0, state1},                                                     \
                               .terms = rt_##symbol##_terms},
const struct rt_optimizer rt_optimizers[] = {RT_OPTIMIZERS(OPTIMIZER)};
