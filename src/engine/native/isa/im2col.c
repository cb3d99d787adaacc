/* im2col and its transpose, a few output pixels at a time so that the rows stay in cache. */
#include <string.h>

#include "engine/native/isa/im2col.h"
#include "engine/native/isa/tables.h"

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

/* `count` floats; the last vector may overlap the one before it. */
RT_INLINE void copy_floats(const float *from, int count, float *to)
{
    int i = 0;

    for (; i + RT_LANES <= count; i += RT_LANES)
        rt_store(to + i, rt_load(from + i));
    if (i < count && i > 0)
        rt_store(to + count - RT_LANES, rt_load(from + count - RT_LANES));
    else
        for (; i < count; i++)
            to[i] = from[i];
}

/* Of `count` pixels, every stride-th from `first` on, how many lie before a column. */
RT_INLINE int pixels_before(int column, int first, int stride, int count)
{
    const int distance = column - first;
    const int pixels = distance <= 0 ? 0 : stride == 1 ? distance : (distance - 1) / stride + 1;

    return pixels < count ? pixels : count;
}

/* One tap's column for a run of output pixels of one row: every stride-th pixel of a plane's line, zero
 * outside. */
RT_INLINE void gather_line(const float *line, int first, int count, int stride, int width, float *to)
{
    const int begin = pixels_before(0, first, stride, count), end = pixels_before(width, first, stride, count);

    for (int i = 0; i < begin; i++)
        to[i] = 0;
    if (stride == 1)
        copy_floats(line + (first + begin), end - begin, to + begin);
    else
        for (int i = begin; i < end; i++)
            to[i] = line[first + i * stride];
    for (int i = end; i < count; i++)
        to[i] = 0;
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

                    if (row >= 0 && row < w->height)
                        gather_line(line, first, run, w->stride, w->width, to);
                    else
                        memset(to, 0, (size_t)run * sizeof *to);
                }
        r += run;
    }
}

static void gather_windows(const struct rt_gather *gather)
{
    if (gather->planar)
        gather_planes(gather);
    else
        gather_pixels(gather);
}

static void scatter_windows(const struct rt_gather *g, const float *rows, float *to)
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

const struct rt_im2col_kernels RT_ISA_NAME(im2col_kernels) = {
    .gather = gather_windows,
    .scatter = scatter_windows,
};
