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

/* One tap's column for a run of output pixels of one row: every stride-th pixel of a plane's line. */
RT_INLINE void gather_line(const float *line, int first, int count, int stride, int width, float *to)
{
    for (int i = 0; i < count; i++) {
        const int column = first + i * stride;

        to[i] = line && column >= 0 && column < width ? line[column] : 0.0f;
    }
}

/* The line from column `first` on, where all of it is inside. */
RT_INLINE void copy_line(const float *line, int count, float *to)
{
    memcpy(to, line, (size_t)count * sizeof *to);
}

/* Planes give the gathered matrix by columns: tap after tap, each a copy of pieces of lines. */
static void gather_planes(const struct rt_gather *g)
{
    const struct rt_window *w = &g->window;
    const long plane = (long)w->height * w->width;

    for (long r = 0; r < g->count;) {
        const struct place place = locate(w, g->begin + r);
        const int done = (int)((g->begin + r) % w->columns);
        const int run = w->columns - done < g->count - r ? w->columns - done : (int)(g->count - r);
        float *to = g->to + r;

        for (int i = 0; i < w->kernel; i++)
            for (int j = 0; j < w->kernel; j++)
                for (int c = 0; c < w->channels; c++, to += g->to_ld) {
                    const int row = place.top + i, first = place.left + j;
                    const float *line =
                        g->from + (place.image * w->channels + c) * plane + (long)row * w->width;

                    if (row < 0 || row >= w->height)
                        gather_line(NULL, first, run, w->stride, w->width, to);
                    else if (w->stride == 1 && first >= 0 && first + run <= w->width)
                        copy_line(line + first, run, to);
                    else
                        gather_line(line, first, run, w->stride, w->width, to);
                }
        r += run;
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
