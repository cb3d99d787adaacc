/* Time by op: the time of a plan's stages, summed over stages of the same kind; where an engine times its
 * kernels, by kernel and layer. */
#ifndef RT_TRAIN_PROFILE_H
#define RT_TRAIN_PROFILE_H

#include "base/text.h"
#include "engine/engine.h"

enum { RT_PROFILE_ROWS_MAX = 240 };

struct rt_profile_row {
    /* "conv 3x3", "conv 1x1 /2" (stride), "linear", or "others" once there are too many; by kernel
     * "conv_forward, conv 3x3 96@14x14": the map behind the layer */
    char name[64];
    int stages;
    double forward_s, backward_s;
    double forward_flops, backward_flops; /* direct equivalents, as train/flops.h counts */
};

/* The zeroed struct is an empty one. */
struct rt_profile {
    int count;
    bool by_kernel;
    struct rt_profile_row rows[RT_PROFILE_ROWS_MAX];
};

/* Adds what the plan's stages have taken since it was made, times `sign`: -1 before and +1 after gives what was
 * in between. Nothing for engines and plans that keep no times. */
void rt_profile_add(struct rt_profile *profile, const struct rt_plan *plan, int sign);

/* Adds another profile of the same plan. */
void rt_profile_merge(struct rt_profile *profile, const struct rt_profile *other);

double rt_profile_seconds(const struct rt_profile *profile);

/* A table of the rows, longest first, in milliseconds of each of `steps` steps; by kernel in microseconds. */
void rt_profile_format(const struct rt_profile *profile, double steps, struct rt_text *text);

#endif
