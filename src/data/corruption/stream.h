/* The random draws of a corruption that needs the same number for each image, divided among threads. */
#ifndef RT_DATA_STREAM_H
#define RT_DATA_STREAM_H

#include "data/corruption/corruption.h"

/* The generator's output is one stream, in which every image of the whole set has its place: `words` draws from
 * image number * words on. */
struct rt_stream {
    struct rt_mt mt;
    uint64_t at; /* draws so far */
};

/* For each member of the team, a stream positioned at the first kept image of its share (rt_team_slice of the
 * kept images, unit 1), in a new array. */
int rt_stream_split(const struct rt_corruption_job *job, uint64_t words, struct rt_stream **streams,
                    struct rt_error *err);

/* Advances to the draws of kept image i. */
void rt_stream_seek(struct rt_stream *stream, const struct rt_corruption_job *job, size_t i, uint64_t words);

#endif
