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

void rt_dataset_gather(const struct rt_dataset *dataset, const uint32_t *indices, int count,
                       const struct rt_crop *crops, float *images, uint8_t *labels)
{
    const struct rt_crop centre = {(RT_STORED - RT_CROP) / 2, (RT_STORED - RT_CROP) / 2, 0};
    const size_t stored = (size_t)(dataset->side * dataset->side), image = RT_CHANNELS * stored;
    const float unit = dataset->noise ? 1.0f : 255.0f; /* what a stored 1.0 is */
    float shift[RT_CHANNELS], scale[RT_CHANNELS];
    uint8_t cut[RT_PLANE];

    for (int c = 0; c < RT_CHANNELS; c++) {
        shift[c] = dataset->normalize ? unit * dataset->mean[c] : 0;
        scale[c] = 1 / (dataset->normalize ? unit * dataset->std[c] : unit);
    }
    for (int i = 0; i < count; i++) {
        const size_t at = indices[i] * image;
        float *out = images + (size_t)i * RT_CHANNELS * RT_PLANE;

        labels[i] = dataset->labels[indices[i]];
        if (i + 1 < count && !dataset->noise)
            prefetch(dataset->pixels + indices[i + 1] * image, image);
        for (size_t c = 0; c < RT_CHANNELS; c++, out += RT_PLANE) {
            if (dataset->noise) {
                scale_floats(dataset->noise + at + c * stored, out, shift[c], scale[c]);
            } else if (dataset->side == RT_STORED) {
                cut_plane(dataset->pixels + at + c * stored, crops ? crops[i] : centre, cut);
                scale_bytes(cut, out, shift[c], scale[c]);
            } else {
                scale_bytes(dataset->pixels + at + c * stored, out, shift[c], scale[c]);
            }
        }
    }
}
