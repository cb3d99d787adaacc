#include <string.h>

#include "base/memory.h"
#include "data/corruption/stream.h"

enum { WORDS = RT_PLANE - 1 }; /* that one permutation draws */

struct scramble {
    const struct rt_corruption_job *job;
    const struct rt_stream *streams; /* [team size] */
};

static void scramble_image(uint8_t *image, int channels, const uint32_t *permutation)
{
    uint8_t old[RT_CHANNELS * RT_PLANE];

    memcpy(old, image, (size_t)(channels * RT_PLANE));
    for (int c = 0; c < channels; c++)
        for (int j = 0; j < RT_PLANE; j++)
            image[c * RT_PLANE + j] = old[c * RT_PLANE + (int)permutation[j]];
}

static void scramble_share(void *context, int member)
{
    const struct scramble *scramble = context;
    const struct rt_corruption_job *job = scramble->job;
    const long count = (long)(job->dataset->train_count + job->dataset->test_count);
    const struct rt_slice share = rt_team_slice(job->team, member, count, 1);
    struct rt_stream stream = scramble->streams[member];
    const int channels = job->dataset->channels;
    uint32_t permutation[RT_PLANE];

    for (long i = share.begin; i < share.end; i++) {
        rt_stream_seek(&stream, job, (size_t)i, WORDS);
        rt_mt_randperm(&stream.mt, permutation, RT_PLANE);
        stream.at += WORDS;
        scramble_image(job->dataset->pixels + (size_t)(i * channels * RT_PLANE), channels, permutation);
    }
}

/* An independent permutation for each image, drawn in the images' order. */
static int rand_pix_apply(const struct rt_corruption_job *job, struct rt_error *err)
{
    struct rt_stream *streams;

    RT_TRY(rt_stream_split(job, WORDS, &streams, err));
    rt_team_run(job->team, scramble_share, &(struct scramble){job, streams});
    rt_free(&streams);
    return RT_OK;
}

const struct rt_corruption rt_corruption_rand_pix = {.name = "rand_pix", .apply = rand_pix_apply};
