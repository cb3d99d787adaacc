#include "base/memory.h"
#include "base/mt19937.h"
#include "data/corruption/corruption.h"

/* numpy: mask = rand(count) <= probability; labels[mask] = choice(10, mask.sum()). All of the mask is drawn
 * before the first label. */
int rt_corrupt_labels(uint8_t *labels, size_t count, double probability, uint32_t seed, struct rt_error *err)
{
    struct rt_mt mt;
    uint8_t *mask;

    if (probability <= 0)
        return RT_OK;
    RT_TRY(rt_alloc(&mask, count, 1, "the labels' mask", err));
    rt_mt_seed(&mt, seed);
    for (size_t i = 0; i < count; i++)
        mask[i] = rt_mt_rand(&mt) <= probability;
    for (size_t i = 0; i < count; i++)
        if (mask[i])
            labels[i] = (uint8_t)rt_mt_choice(&mt, RT_CLASSES);
    rt_free(&mask);
    return RT_OK;
}
