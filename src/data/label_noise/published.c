#include "base/memory.h"
#include "base/mt19937.h"
#include "data/label_noise/label_noise.h"

/* numpy: mask = rand(count) <= probability; labels[mask] = choice(10, mask.sum()). All of the mask is drawn
 * before the first label. */
static int published_apply(const struct rt_label_job *job, struct rt_error *err)
{
    const size_t count = job->train_total + job->test_total;
    struct rt_mt mt;
    uint8_t *mask;

    RT_TRY(rt_alloc(&mask, count, 1, "the labels' mask", err));
    rt_mt_seed(&mt, (uint32_t)job->experiment->seed.value);
    for (size_t i = 0; i < count; i++)
        mask[i] = rt_mt_rand(&mt) <= job->experiment->label_corruption_prob;
    for (size_t i = 0; i < count; i++)
        if (mask[i])
            job->labels[i] = (uint8_t)rt_mt_choice(&mt, RT_CLASSES);
    rt_free(&mask);
    return RT_OK;
}

const struct rt_label_noise rt_label_noise_published = {.name = "published", .apply = published_apply};
