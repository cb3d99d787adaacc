/* Optimisers: how parameters are updated from their gradients. The list is config/optimizers.h; each formula is
 * written once, in optimizers/NAME.h, and compiled into every engine (optimizers/formulas.h). */
#ifndef RT_ENGINE_OPTIMIZER_H
#define RT_ENGINE_OPTIMIZER_H

#include <stdint.h>

#include "config/optimizers.h"
#include "engine/optimizers/update.h"

struct rt_optimizer {
    enum rt_optimizer_index index;
    const char *name;
    int state_count;
    const char *states[RT_OPTIMIZER_STATES_MAX]; /* "momentum" */
    /* The formula's constants in the update after `step` others, to be rounded to the engine's reals. */
    void (*terms)(double terms[RT_OPTIMIZER_TERMS_MAX], const struct rt_update *update, double step);
};

extern const struct rt_optimizer rt_optimizers[]; /* by enum rt_optimizer_index */

#endif
