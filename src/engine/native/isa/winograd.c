/* Winograd's transforms of activations (Lavin and Gray 2016), at the points 0, 1, -1, 2, -2 and infinity. Each
 * is a one-dimensional transform along the columns, then along the rows, for a vector of channels at a time.
 *
 * A line of `outputs` fewer than 4 with a kernel of 3 uses `points` fewer than 6: without -2 (F(3, 3)), without
 * 2 and -2 (F(2, 3)). Its matrices are those of the points that are left, but for the factors that let it share
 * the filters of the full line: prod (a - b) over the points b left out, at point a. */
#include "engine/native/isa/functions.h"

enum { SIDE = 6 }; /* of a transformed tile */

/* A line of `outputs` has as many inputs, and transformed numbers, as points. */
RT_INLINE int points_of(const int outputs, const int step)
{
    return outputs + SIDE - step;
}

/* Whether a line of so many points has position i. */
RT_INLINE bool has(const int points, const int i)
{
    return points == 6 || i == 5 || i < points - 1;
}

/* B^T d. Of 6 points:  4 d0 - 5 d2 + d4;  -4 d1 - 4 d2 + d3 + d4;  4 d1 - 4 d2 - d3 + d4;
 *                      -2 d1 - d2 + 2 d3 + d4;  2 d1 - d2 - 2 d3 + d4;  4 d1 - 5 d3 + d5
 *        of 5 points:  4 d0 - 2 d1 - 4 d2 + 2 d3;  -6 d1 - 3 d2 + 3 d3;  2 d1 - 3 d2 + d3;
 *                      -4 d1 + 4 d3;  none;  2 d1 - d2 - 2 d3 + d4
 *        of 4 points:  4 d0 - 4 d2;  -3 d1 - 3 d2;  3 d1 - 3 d2;  none;  none;  -d1 + d3 */
RT_INLINE void input_line(const rt_vec d[SIDE], rt_vec t[SIDE], const int points)
{
    if (points == 6) {
        const rt_vec a = d[4] - 4.0f * d[2], b = d[3] - 4.0f * d[1], c = d[4] - d[2], e = d[3] - d[1];

        t[0] = 4.0f * d[0] + (d[4] - 5.0f * d[2]);
        t[1] = a + b;
        t[2] = a - b;
        t[3] = c + 2.0f * e;
        t[4] = c - 2.0f * e;
        t[5] = 4.0f * d[1] + (d[5] - 5.0f * d[3]);
    } else if (points == 5) {
        const rt_vec a = d[3] - d[1], b = d[0] - d[2];

        t[0] = 4.0f * b + 2.0f * a;
        t[1] = 3.0f * (a - d[2] - d[1]);
        t[2] = d[3] - 3.0f * d[2] + 2.0f * d[1];
        t[3] = 4.0f * a;
        t[5] = d[4] - d[2] - 2.0f * a;
    } else {
        t[0] = 4.0f * (d[0] - d[2]);
        t[1] = -3.0f * (d[1] + d[2]);
        t[2] = 3.0f * (d[1] - d[2]);
        t[5] = d[3] - d[1];
    }
}

/* A^T m:  sum of m0..m4;  m1 - m2 + 2 (m3 - m4);  m1 + m2 + 4 (m3 + m4);  m1 - m2 + 8 (m3 - m4);  as many as
 *         there are outputs, m3 and m4 nought where left out; m5 joins the last. */
RT_INLINE void output_line(const rt_vec m[SIDE], rt_vec y[], const int outputs, const int points)
{
    const rt_vec a = m[1] + m[2], b = m[1] - m[2];

    if (points == 4) {
        y[0] = m[0] + a;
        y[1] = b + m[5];
    } else if (points == 5) {
        y[0] = m[0] + a + m[3];
        y[1] = b + 2.0f * m[3];
        y[2] = a + 4.0f * m[3] + m[5];
    } else {
        const rt_vec c = m[3] + m[4], d = m[3] - m[4];

        y[0] = m[0] + a + c;
        if (outputs == 2) {
            y[1] = b + 2.0f * d + m[5];
            return;
        }
        y[1] = b + 2.0f * d;
        y[2] = a + 4.0f * c;
        y[3] = b + 8.0f * d + m[5];
    }
}

/* A e, the transpose of output_line. */
RT_INLINE void gradient_line(const rt_vec e[], rt_vec m[SIDE], const int outputs, const int points)
{
    rt_vec even = e[0], odd = e[1], even2 = e[0], odd2 = 2.0f * e[1];

    if (outputs > 2) {
        even += e[2];
        even2 += 4.0f * e[2];
    }
    if (outputs > 3) {
        odd += e[3];
        odd2 += 8.0f * e[3];
    }
    m[0] = e[0];
    m[1] = even + odd;
    m[2] = even - odd;
    if (points > 4)
        m[3] = even2 + odd2;
    if (points > 5)
        m[4] = even2 - odd2;
    m[5] = e[outputs - 1];
}

/* ---- which tiles ---- */

/* Calls what(height, width, step, ...) with constants: the tile's outputs along each side, and a full tile's.
 */
#define CASE(height, width, step, what, ...)                                                                   \
    case (step)*100 + (height)*10 + (width):                                                                   \
        what(height, width, step, __VA_ARGS__);                                                                \
        break;
#define BY_SHAPE(t, run, ...)                                                                                  \
    switch ((t)->step * 100 + (run)->height * 10 + (run)->width) {                                             \
        CASE(4, 4, 4, __VA_ARGS__)                                                                             \
        CASE(4, 3, 4, __VA_ARGS__)                                                                             \
        CASE(4, 2, 4, __VA_ARGS__)                                                                             \
        CASE(3, 4, 4, __VA_ARGS__)                                                                             \
        CASE(3, 3, 4, __VA_ARGS__)                                                                             \
        CASE(3, 2, 4, __VA_ARGS__)                                                                             \
        CASE(2, 4, 4, __VA_ARGS__)                                                                             \
        CASE(2, 3, 4, __VA_ARGS__)                                                                             \
        CASE(2, 2, 4, __VA_ARGS__)                                                                             \
        CASE(2, 2, 2, __VA_ARGS__)                                                                             \
    }

struct place {
    long image;
    int row, column; /* of the tile in its image */
};

RT_INLINE struct place locate(const struct rt_tile_run *run, long index)
{
    const long area = (long)run->rows * run->columns;

    return (struct place){index / area, run->row + (int)(index % area) / run->columns,
                          run->column + (int)(index % area) % run->columns};
}

/* Where of [begin, end) the tiles of run r lie, which begin at `first`. */
struct span {
    long begin, end;
};

RT_INLINE struct span span_of(const struct rt_tiles *t, const struct rt_tile_run *run, long first)
{
    const long last = first + t->images * run->rows * run->columns;

    return (struct span){t->begin > first ? t->begin : first, t->end < last ? t->end : last};
}

/* ---- inputs ---- */

/* B^T d B of d [column][row] to the positions of one tile. */
RT_INLINE void transform_input(const int height, const int width, const int step, rt_vec d[SIDE][SIDE],
                               float *to, long position_stride)
{
    const int row_points = points_of(height, step), column_points = points_of(width, step);
    rt_vec half[SIDE][SIDE]; /* [column][position] */

#pragma GCC unroll 6
    for (int j = 0; j < column_points; j++)
        input_line(d[j], half[j], row_points);
#pragma GCC unroll 6
    for (int i = 0; i < SIDE; i++) {
        rt_vec across[SIDE], line[SIDE];

        if (!has(row_points, i))
            continue;
#pragma GCC unroll 6
        for (int j = 0; j < column_points; j++)
            across[j] = half[j][i];
        input_line(across, line, column_points);
#pragma GCC unroll 6
        for (int j = 0; j < SIDE; j++)
            if (has(column_points, j))
                rt_store(to + (i * SIDE + j) * position_stride, line[j]);
    }
}

/* The channels from c on of a full tile that lies inside the image. */
RT_INLINE void inner_tile(const struct rt_tiles *t, const float *corner, struct rt_view view, long c, float *to)
{
    rt_vec d[SIDE][SIDE];

#pragma GCC unroll 6
    for (int j = 0; j < SIDE; j++)
#pragma GCC unroll 6
        for (int i = 0; i < SIDE; i++)
            d[j][i] = rt_view_load(corner + ((long)i * t->width + j) * t->ld, view, c);
    transform_input(4, 4, 4, d, to, t->position_stride);
}

/* The same of any tile; behind an edge there are zeros. */
static __attribute__((noinline)) void edge_tile(const struct rt_tiles *t, const struct rt_tile_run *run,
                                                const float *image, struct rt_view view, int top, int left,
                                                long c, float *to)
{
    const int rows = points_of(run->height, t->step), columns = points_of(run->width, t->step);
    rt_vec d[SIDE][SIDE];

    for (int j = 0; j < columns; j++)
        for (int i = 0; i < rows; i++) {
            const bool in = left + j >= 0 && left + j < t->width && top + i >= 0 && top + i < t->height;

            d[j][i] = in ? rt_view_load(image + ((long)(top + i) * t->width + left + j) * t->ld, view, c)
                         : rt_splat(0);
        }
    BY_SHAPE(t, run, transform_input, d, to, t->position_stride)
}

/* Asks for the inputs of the tile to the right while this one is worked on: hardware does not follow 36 pixels.
 */
RT_INLINE void prefetch_next(const struct rt_tiles *t, const float *image, int top, int left, long c)
{
#pragma GCC unroll 6
    for (int i = 0; i < SIDE; i++)
#pragma GCC unroll 4
        for (int j = SIDE; j < SIDE + 4; j++)
            if (j < SIDE + t->step)
                __builtin_prefetch(image + ((long)(top + i) * t->width + left + j) * t->ld + c, 0, 2);
}

RT_INLINE void input_run(const struct rt_tiles *t, const struct rt_tile_run *run, long first, const float *from,
                         struct rt_view view)
{
    const struct span span = span_of(t, run, first);
    const int rows = points_of(run->height, t->step), columns = points_of(run->width, t->step);

    for (long k = span.begin; k < span.end; k++) {
        const struct place place = locate(run, k - first);
        const int top = place.row * t->step - t->padding, left = place.column * t->step - t->padding;
        const bool inside = top >= 0 && left >= 0 && top + rows <= t->height && left + columns <= t->width;
        const float *image = from + (t->image + place.image) * t->height * t->width * t->ld;
        float *to = t->transformed + k * t->tile_stride;

        for (long c = 0; c < t->channels; c += RT_LANES) {
            prefetch_next(t, image, top, left, c);
            if (inside && rows == SIDE && columns == SIDE)
                inner_tile(t, image + ((long)top * t->width + left) * t->ld, view, c, to + c);
            else
                edge_tile(t, run, image, view, top, left, c, to + c);
        }
    }
}

RT_INLINE void input_tiles(const struct rt_tiles *t, const float *from, struct rt_view view)
{
    long first = 0;

    for (int r = 0; r < RT_TILE_RUNS; r++) {
        input_run(t, &t->run[r], first, from, view);
        first += t->images * t->run[r].rows * t->run[r].columns;
    }
}

void RT_ISA_NAME(winograd_input)(const struct rt_tiles *t, const float *from, struct rt_view view)
{
    if (!view.scale && !view.relu) /* constants let each case be compiled on its own */
        input_tiles(t, from, (struct rt_view){0});
    else if (view.scale && view.relu)
        input_tiles(t, from, (struct rt_view){view.scale, view.shift, true});
    else
        input_tiles(t, from, view);
}

/* ---- outputs ---- */

/* `rows` and `columns` of the map are left below and to the right of the tile's first pixel. */
RT_INLINE void output_tile(const int height, const int width, const int step, const struct rt_tiles *t,
                           const float *from, float *to, int rows, int columns, bool accumulate)
{
    const int row_points = points_of(height, step), column_points = points_of(width, step);
    rt_vec half[SIDE][4]; /* [column][output row] */

#pragma GCC unroll 6
    for (int j = 0; j < SIDE; j++) {
        rt_vec m[SIDE];

        if (!has(column_points, j))
            continue;
#pragma GCC unroll 6
        for (int i = 0; i < SIDE; i++)
            if (has(row_points, i))
                m[i] = rt_load(from + (i * SIDE + j) * t->position_stride);
        output_line(m, half[j], height, row_points);
    }
#pragma GCC unroll 4
    for (int i = 0; i < height; i++) {
        rt_vec m[SIDE], y[4];

        if (i >= rows)
            break;
#pragma GCC unroll 6
        for (int j = 0; j < SIDE; j++)
            if (has(column_points, j))
                m[j] = half[j][i];
        output_line(m, y, width, column_points);
#pragma GCC unroll 4
        for (int j = 0; j < width; j++) {
            float *pixel = to + ((long)i * t->width + j) * t->ld;

            if (j < columns)
                rt_store(pixel, accumulate ? rt_load(pixel) + y[j] : y[j]);
        }
    }
}

RT_INLINE void output_run(const int height, const int width, const int step, const struct rt_tiles *t,
                          const struct rt_tile_run *run, long first, float *to, bool accumulate)
{
    const struct span span = span_of(t, run, first);

    for (long k = span.begin; k < span.end; k++) {
        const struct place place = locate(run, k - first);
        const int top = place.row * step, left = place.column * step;
        float *pixel = to + (((t->image + place.image) * t->height + top) * t->width + left) * t->ld;

        for (long c = 0; c < t->channels; c += RT_LANES)
            output_tile(height, width, step, t, t->transformed + k * t->tile_stride + c, pixel + c,
                        t->height - top, t->width - left, accumulate);
    }
}

void RT_ISA_NAME(winograd_output)(const struct rt_tiles *t, float *to, bool accumulate)
{
    long first = 0;

    for (int r = 0; r < RT_TILE_RUNS; r++) {
        const struct rt_tile_run *run = &t->run[r];

        BY_SHAPE(t, run, output_run, t, run, first, to, accumulate)
        first += t->images * run->rows * run->columns;
    }
}

/* ---- gradients of outputs ---- */

RT_INLINE void gradient_tile(const int height, const int width, const int step, const struct rt_tiles *t,
                             const float *from, int rows, int columns, float *to)
{
    const int row_points = points_of(height, step), column_points = points_of(width, step);
    rt_vec half[4][SIDE]; /* [column][position] */

#pragma GCC unroll 4
    for (int j = 0; j < width; j++) {
        rt_vec e[4];

#pragma GCC unroll 4
        for (int i = 0; i < height; i++)
            e[i] = i < rows && j < columns ? rt_load(from + ((long)i * t->width + j) * t->ld) : rt_splat(0);
        gradient_line(e, half[j], height, row_points);
    }
#pragma GCC unroll 6
    for (int i = 0; i < SIDE; i++) {
        rt_vec e[4], m[SIDE];

        if (!has(row_points, i))
            continue;
#pragma GCC unroll 4
        for (int j = 0; j < width; j++)
            e[j] = half[j][i];
        gradient_line(e, m, width, column_points);
#pragma GCC unroll 6
        for (int j = 0; j < SIDE; j++)
            if (has(column_points, j))
                rt_store(to + (i * SIDE + j) * t->position_stride, m[j]);
    }
}

RT_INLINE void gradient_run(const int height, const int width, const int step, const struct rt_tiles *t,
                            const struct rt_tile_run *run, long first, const float *from)
{
    const struct span span = span_of(t, run, first);

    for (long k = span.begin; k < span.end; k++) {
        const struct place place = locate(run, k - first);
        const int top = place.row * step, left = place.column * step;
        const float *pixel = from + (((t->image + place.image) * t->height + top) * t->width + left) * t->ld;

        for (long c = 0; c < t->channels; c += RT_LANES)
            gradient_tile(height, width, step, t, pixel + c, t->height - top, t->width - left,
                          t->transformed + k * t->tile_stride + c);
    }
}

void RT_ISA_NAME(winograd_gradient)(const struct rt_tiles *t, const float *from)
{
    long first = 0;

    for (int r = 0; r < RT_TILE_RUNS; r++) {
        const struct rt_tile_run *run = &t->run[r];

        BY_SHAPE(t, run, gradient_run, t, run, first, from)
        first += t->images * run->rows * run->columns;
    }
}
