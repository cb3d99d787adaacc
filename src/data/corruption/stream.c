#include "data/corruption/stream.h"

#include "base/memory.h"

void rt_stream_seek(struct rt_stream *stream, const struct rt_corruption_job *job, size_t i, uint64_t words)
{
    const size_t kept = job->dataset->train_count;
    const uint64_t place = (i < kept ? i : i - kept + job->train_total) * words;

    rt_mt_skip(&stream->mt, place - stream->at);
    stream->at = place;
}

int rt_stream_split(const struct rt_corruption_job *job, uint64_t words, struct rt_stream **out,
                    struct rt_error *err)
{
    const int members = rt_team_size(job->team);
    const long count = (long)(job->dataset->train_count + job->dataset->test_count);
    struct rt_stream *streams, stream = {.at = 0};

    RT_TRY(rt_alloc(&streams, (size_t)members, sizeof *streams, "the corruption's draws", err));
    rt_mt_seed(&stream.mt, job->seed);
    for (int i = 0; i < members; i++) {
        rt_stream_seek(&stream, job, (size_t)rt_team_slice(job->team, i, count, 1).begin, words);
        streams[i] = stream;
    }
    *out = streams;
    return RT_OK;
}
