/* Gathering: a batch's images, from the data set's bytes or floats to the network's input. */
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "base/clones.h"
#include "engine/host/host.h"

enum { LINE = 64, IMAGE = RT_CHANNELS * RT_PLANE, PARTS = 256 };

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

/* input = (pixel - shift) * scale */
struct scaling {
    float shift, scale;
};

/* The sums of an image's values and of their squares. Those of bytes are exact in any order. */
static void add_up_bytes(const uint8_t *x, int count, double *sum, double *squares)
{
    uint32_t first = 0, second = 0; /* at most 2352 * 255^2 */

    for (int i = 0; i < count; i++) {
        /* NOLINTNEXTLINE(clang-analyzer-core.uninitialized.Assign): there is a channel, whose plane was cut */
        first += x[i];
        second += (uint32_t)x[i] * x[i];
    }
    *sum = first;
    *squares = second;
}

/* Those of floats in a fixed order: value i belongs to part i modulo PARTS, then part by part. */
static void add_up_floats(const float *x, int count, double *sum, double *squares)
{
    double parts[2][PARTS] = {{0}};

    for (int i = 0; i < count; i++) {
        const double value = (double)x[i];

        parts[0][i % PARTS] += value;
        parts[1][i % PARTS] += value * value; /* exact: 24 bits squared */
    }
    *sum = *squares = 0;
    for (int i = 0; i < PARTS; i++) {
        *sum += parts[0][i];
        *squares += parts[1][i];
    }
}

/* Per-image whitening: (x - mean) / max(deviation, 1 / sqrt(N)); `unit` is what a stored 1.0 is. */
static struct scaling whitening(double sum, double squares, double unit, int count)
{
    const double variance = (squares - sum * sum / count) / count, least = unit * unit / count;

    return (struct scaling){(float)(sum / count), (float)(1 / sqrt(variance > least ? variance : least))};
}

/* The window of one stored plane that is turned first, mirrored or not. */
static void cut_turned_plane(const uint8_t *stored, const struct rt_crop *crop, uint8_t *plane)
{
    for (int row = 0; row < RT_CROP; row++) {
        for (int column = 0; column < RT_CROP; column++) {
            const int down = row + crop->row;
            const int right = crop->column + (crop->flip ? RT_CROP - 1 - column : column);
            const int x = crop->x + right * crop->cosine + down * crop->sine;
            const int y = crop->y - right * crop->sine + down * crop->cosine;

            plane[row * RT_CROP + column] = x >= 0 && y >= 0 && x >> 16 < RT_STORED && y >> 16 < RT_STORED
                                                ? stored[(y >> 16) * RT_STORED + (x >> 16)]
                                                : 0;
        }
    }
}

/* The window of one stored 32x32 plane, mirrored or not, to 28x28. */
static void cut_plane(const uint8_t *stored, struct rt_crop crop, uint8_t *plane)
{
    if (crop.turned) {
        cut_turned_plane(stored, &crop, plane);
        return;
    }
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
    const int values = dataset->channels * (int)plane;

    if (!dataset->normalize && !dataset->whiten)
        memcpy(out, from, (size_t)dataset->channels * plane * sizeof *out);
    for (size_t c = 0; c < (size_t)dataset->channels && dataset->normalize; c++)
        scale_floats(from + c * plane, out + c * plane, g->shift[c], g->scale[c]);
    if (dataset->whiten) {
        double sum, squares;
        struct scaling s;

        add_up_floats(from, values, &sum, &squares);
        s = whitening(sum, squares, 1, values);
        for (size_t c = 0; c < (size_t)dataset->channels; c++)
            scale_floats(from + c * plane, out + c * plane, s.shift, s.scale);
    }
}

static void gather_bytes(const struct gathering *g, size_t index, long i, float *out)
{
    const struct rt_dataset *dataset = g->dataset;
    const struct rt_crop centre = {.row = (RT_STORED - RT_CROP) / 2, .column = (RT_STORED - RT_CROP) / 2};
    const size_t channels = (size_t)dataset->channels, stored = (size_t)(dataset->side * dataset->side);
    const uint8_t *from = dataset->pixels + index * channels * stored;
    const int values = dataset->channels * RT_PLANE;
    uint8_t cut[IMAGE];
    struct scaling s = {0};

    if (dataset->side == RT_STORED) {
        for (size_t c = 0; c < channels; c++)
            cut_plane(from + c * stored, g->crops ? g->crops[i] : centre, cut + c * RT_PLANE);
        from = cut;
    }
    if (dataset->whiten) {
        double sum, squares;

        add_up_bytes(from, values, &sum, &squares);
        s = whitening(sum, squares, 255, values);
    }
    for (size_t c = 0; c < channels; c++)
        scale_bytes(from + c * RT_PLANE, out + c * RT_PLANE, dataset->whiten ? s.shift : g->shift[c],
                    dataset->whiten ? s.scale : g->scale[c]);
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
