/* im2col and its transpose, a few output pixels at a time so that the rows stay in cache. */
#include <string.h>

#include "engine/native/isa/functions.h"

/* Where output pixel `index` (over images, rows, columns) reads. */
struct place {
    long image;
    int top, left; /* of its window; may lie outside */
};

static struct place locate(const struct rt_window *w, long index)
{
    const long area = (long)w->rows * w->columns, pixel = index % area;

    return (struct place){
        .image = index / area,
        .top = (int)(pixel / w->columns) * w->stride - w->padding,
        .left = (int)(pixel % w->columns) * w->stride - w->padding,
    };
}

/* One kernel row of one window: `kernel` pixels of `channels`, zero outside. */
RT_INLINE void gather_run(const struct rt_gather *g, const float *line, bool inside, int left, float *to)
{
    const struct rt_window *w = &g->window;

    for (int j = 0; j < w->kernel; j++, to += w->channels) {
        const int column = left + j;

        if (inside && column >= 0 && column < w->width) {
            const float *from = line + column * g->ld;

            for (int c = 0; c < w->channels; c += RT_LANES)
                rt_store(to + c, rt_view_load(from, g->view, c));
        } else {
            for (int c = 0; c < w->channels; c += RT_LANES)
                rt_store(to + c, rt_splat(0));
        }
    }
}

static void gather_pixels(const struct rt_gather *g)
{
    const struct rt_window *w = &g->window;

    for (long r = 0; r < g->count; r++) {
        const struct place place = locate(w, g->begin + r);
        float *to = g->to + r * g->to_ld;

        for (int i = 0; i < w->kernel; i++, to += w->kernel * w->channels) {
            const int row = place.top + i;

            gather_run(g, g->from + (place.image * w->height + row) * w->width * g->ld,
                       row >= 0 && row < w->height, place.left, to);
        }
    }
}

static void gather_planes(const struct rt_gather *g)
{
    const struct rt_window *w = &g->window;
    const long plane = (long)w->height * w->width;

    for (long r = 0; r < g->count; r++) {
        const struct place place = locate(w, g->begin + r);
        float *to = g->to + r * g->to_ld;

        for (int i = 0; i < w->kernel; i++)
            for (int j = 0; j < w->kernel; j++, to += w->channels) {
                const int row = place.top + i, column = place.left + j;
                const bool inside = row >= 0 && row < w->height && column >= 0 && column < w->width;
                const float *from = g->from + place.image * w->channels * plane + (long)row * w->width + column;

                for (int c = 0; c < w->channels; c++)
                    to[c] = inside ? from[c * plane] : 0.0f;
            }
    }
}

void RT_ISA_NAME(gather)(const struct rt_gather *gather)
{
    if (gather->planar)
        gather_planes(gather);
    else
        gather_pixels(gather);
}

void RT_ISA_NAME(scatter)(const struct rt_gather *g, const float *rows, float *to)
{
    const struct rt_window *w = &g->window;

    for (long r = 0; r < g->count; r++) {
        const struct place place = locate(w, g->begin + r);
        const float *from = rows + r * g->to_ld;

        for (int i = 0; i < w->kernel; i++)
            for (int j = 0; j < w->kernel; j++, from += w->channels) {
                const int row = place.top + i, column = place.left + j;
                float *pixel = to + ((place.image * w->height + row) * w->width + column) * g->ld;

                if (row < 0 || row >= w->height || column < 0 || column >= w->width)
                    continue;
                for (int c = 0; c < w->channels; c += RT_LANES)
                    rt_store(pixel + c, rt_load(pixel + c) + rt_load(from + c));
            }
    }
}
