#include <string.h>

#include "base/mt19937.h"
#include "data/corruption/corruption.h"

struct shuffle {
    const struct rt_corruption_job *job;
    uint32_t permutation[RT_PLANE];
};

static void shuffle_share(void *context, int member)
{
    const struct shuffle *shuffle = context;
    const struct rt_dataset *dataset = shuffle->job->dataset;
    const long planes = (long)(dataset->train_count + dataset->test_count) * dataset->channels;
    const struct rt_slice share = rt_team_slice(shuffle->job->team, member, planes, 1);
    uint8_t old[RT_PLANE];

    for (long i = share.begin; i < share.end; i++) {
        uint8_t *plane = dataset->pixels + (size_t)i * RT_PLANE;

        memcpy(old, plane, sizeof old);
        for (int j = 0; j < RT_PLANE; j++)
            plane[j] = old[shuffle->permutation[j]];
    }
}

/* new[j] = old[permutation[j]], j = row * 28 + column, the same for every channel and image. */
static int shuff_pix_apply(const struct rt_corruption_job *job, struct rt_error *err)
{
    struct shuffle shuffle = {.job = job};
    struct rt_mt mt;

    (void)err;
    rt_mt_seed(&mt, job->seed);
    rt_mt_randperm(&mt, shuffle.permutation, RT_PLANE);
    rt_team_run(job->team, shuffle_share, &shuffle);
    return RT_OK;
}

const struct rt_corruption rt_corruption_shuff_pix = {.name = "shuff_pix", .apply = shuff_pix_apply};
