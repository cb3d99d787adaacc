/* Gathering: a batch's images, from the data set's bytes or floats to the network's input. */
#include <stddef.h>
#include <string.h>

#include "base/clones.h"
#include "engine/host/host.h"

enum { LINE = 64 };

/* y[i] = (x[i] - shift) * scale, from bytes and from floats. */
static RT_CLONED void scale_bytes_body(const uint8_t *restrict x, float *restrict y, float shift, float scale)
{
    for (int i = 0; i < RT_PLANE; i++)
        y[i] = ((float)x[i] - shift) * scale;
}

RT_CLONES(scale_bytes, (const uint8_t *restrict x, float *restrict y, float shift, float scale),
          (x, y, shift, scale))

static void scale_floats(const float *restrict x, float *restrict y, float shift, float scale)
{
    for (int i = 0; i < RT_PLANE; i++)
        y[i] = (x[i] - shift) * scale;
}

/* The images of a batch lie anywhere in memory: ask for the next one while this one is converted. */
static void prefetch(const void *image, size_t size)
{
    for (size_t i = 0; i < size; i += LINE)
        __builtin_prefetch((const char *)image + i);
}

/* The window of one stored 32x32 plane, mirrored or not, to 28x28. */
static void cut_plane(const uint8_t *stored, struct rt_crop crop, uint8_t *plane)
{
    for (int row = 0; row < RT_CROP; row++) {
        const uint8_t *from = stored + (row + crop.row) * RT_STORED + crop.column;

        for (int column = 0; column < RT_CROP; column++)
            plane[row * RT_CROP + column] = from[crop.flip ? RT_CROP - 1 - column : column];
    }
}

struct gathering {
    const struct rt_dataset *dataset;
    const uint32_t *indices; /* null: first and on */
    size_t first;
    const struct rt_crop *crops; /* or null */
    float *images;
    uint8_t *labels;
    float shift[RT_CHANNELS], scale[RT_CHANNELS];
    struct rt_team *team;
    int count;
};

static size_t index_of(const struct gathering *g, long i)
{
    return g->indices ? g->indices[i] : g->first + (size_t)i;
}

/* Floats, normalised or as they are. */
static void gather_floats(const struct gathering *g, size_t index, float *out)
{
    const struct rt_dataset *dataset = g->dataset;
    const size_t plane = (size_t)dataset->height * (size_t)dataset->width;
    const float *from = dataset->noise + index * (size_t)dataset->channels * plane;

    if (!dataset->normalize)
        memcpy(out, from, (size_t)dataset->channels * plane * sizeof *out);
    for (size_t c = 0; c < (size_t)dataset->channels && dataset->normalize; c++)
        scale_floats(from + c * plane, out + c * plane, g->shift[c], g->scale[c]);
}

static void gather_bytes(const struct gathering *g, size_t index, long i, float *out)
{
    const struct rt_dataset *dataset = g->dataset;
    const struct rt_crop centre = {(RT_STORED - RT_CROP) / 2, (RT_STORED - RT_CROP) / 2, 0};
    const size_t channels = (size_t)dataset->channels, stored = (size_t)(dataset->side * dataset->side);
    const size_t at = index * channels * stored;
    uint8_t cut[RT_PLANE];

    for (size_t c = 0; c < channels; c++, out += RT_PLANE) {
        if (dataset->side == RT_STORED) {
            cut_plane(dataset->pixels + at + c * stored, g->crops ? g->crops[i] : centre, cut);
            scale_bytes(cut, out, g->shift[c], g->scale[c]);
        } else {
            scale_bytes(dataset->pixels + at + c * stored, out, g->shift[c], g->scale[c]);
        }
    }
}

static void gather_part(void *context, int member)
{
    const struct gathering *g = context;
    const struct rt_dataset *dataset = g->dataset;
    const size_t image = (size_t)(dataset->channels * dataset->side * dataset->side);
    const size_t floats = (size_t)dataset->channels * (size_t)dataset->height * (size_t)dataset->width;
    const struct rt_slice part = rt_team_slice(g->team, member, g->count, 1);

    for (long i = part.begin; i < part.end; i++) {
        const size_t index = index_of(g, i);

        if (i + 1 < part.end && !dataset->noise)
            prefetch(dataset->pixels + index_of(g, i + 1) * image, image);
        g->labels[i] = dataset->labels[index];
        if (dataset->noise)
            gather_floats(g, index, g->images + (size_t)i * floats);
        else
            gather_bytes(g, index, i, g->images + (size_t)i * floats);
    }
}

void rt_host_gather(const struct rt_dataset *dataset, const uint32_t *indices, size_t first, int count,
                    const struct rt_crop *crops, float *images, uint8_t *labels, struct rt_team *team)
{
    const float unit = dataset->noise ? 1.0f : 255.0f; /* what a stored 1.0 is */
    struct gathering g = {.dataset = dataset, .indices = indices, .first = first, .crops = crops};

    g.images = images;
    g.labels = labels;
    g.team = team;
    g.count = count;
    for (int c = 0; c < dataset->channels && c < RT_CHANNELS; c++) {
        g.shift[c] = dataset->normalize ? unit * dataset->mean[c] : 0;
        g.scale[c] = 1 / (dataset->normalize ? unit * dataset->std[c] : unit);
    }
    rt_team_run(team, gather_part, &g);
}
