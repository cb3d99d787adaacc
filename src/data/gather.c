#include <stddef.h>

#include "base/clones.h"
#include "data/dataset.h"

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
    const uint32_t *indices;
    const struct rt_crop *crops; /* or null */
    float *images;
    uint8_t *labels;
    float shift[RT_CHANNELS], scale[RT_CHANNELS];
    struct rt_team *team;
    int count;
};

static void gather_image(const struct gathering *g, long i)
{
    const struct rt_dataset *dataset = g->dataset;
    const struct rt_crop centre = {(RT_STORED - RT_CROP) / 2, (RT_STORED - RT_CROP) / 2, 0};
    const size_t stored = (size_t)(dataset->side * dataset->side), at = g->indices[i] * RT_CHANNELS * stored;
    float *out = g->images + i * RT_CHANNELS * RT_PLANE;
    uint8_t cut[RT_PLANE];

    g->labels[i] = dataset->labels[g->indices[i]];
    for (size_t c = 0; c < RT_CHANNELS; c++, out += RT_PLANE) {
        if (dataset->noise) {
            scale_floats(dataset->noise + at + c * stored, out, g->shift[c], g->scale[c]);
        } else if (dataset->side == RT_STORED) {
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
    const size_t image = (size_t)(RT_CHANNELS * g->dataset->side * g->dataset->side);
    const struct rt_slice part = rt_team_slice(g->team, member, g->count, 1);

    for (long i = part.begin; i < part.end; i++) {
        if (i + 1 < part.end && !g->dataset->noise)
            prefetch(g->dataset->pixels + g->indices[i + 1] * image, image);
        gather_image(g, i);
    }
}

void rt_dataset_gather(const struct rt_dataset *dataset, const uint32_t *indices, int count,
                       const struct rt_crop *crops, float *images, uint8_t *labels, struct rt_team *team)
{
    const float unit = dataset->noise ? 1.0f : 255.0f; /* what a stored 1.0 is */
    struct gathering g = {.dataset = dataset, .indices = indices, .crops = crops, .team = team, .count = count};

    g.images = images;
    g.labels = labels;
    for (int c = 0; c < RT_CHANNELS; c++) {
        g.shift[c] = dataset->normalize ? unit * dataset->mean[c] : 0;
        g.scale[c] = 1 / (dataset->normalize ? unit * dataset->std[c] : unit);
    }
    rt_team_run(team, gather_part, &g);
}
