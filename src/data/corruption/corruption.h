/* Corruptions of pixels, drawn from the seed exactly as the published code draws them: over all
 * images of both splits as one set, before any are left out (docs/formats.md, "Random numbers"). */
#ifndef RT_DATA_CORRUPTION_H
#define RT_DATA_CORRUPTION_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/mt19937.h"
#include "base/thread.h"
#include "config/corruptions.h"
#include "data/dataset.h"

/* Images that train_size and test_size leave out still draw, so that the others do not change. */
struct rt_corruption_job {
    struct rt_dataset
        *dataset; /* the kept images: pixels [count][channels][28][28] filled, or noise allocated */
    size_t train_total, test_total; /* of the whole set */
    uint32_t seed;
    struct rt_team *team; /* may be null */
};

struct rt_corruption {
    const char *name;
    bool makes_noise; /* replaces the images: needs no pixels, fills dataset->noise */
    int (*apply)(const struct rt_corruption_job *job, struct rt_error *err); /* null: nothing to do */
};

#define RT_CORRUPTION_DECLARE(name, title, file, help) extern const struct rt_corruption rt_corruption_##name;
RT_CORRUPTIONS(RT_CORRUPTION_DECLARE)
#undef RT_CORRUPTION_DECLARE

/* The corruption of that name, or null. */
const struct rt_corruption *rt_corruption_find(const char *name);

#endif
