/* Winograd's transforms of activations (Lavin and Gray 2016), at the points 0, 1, -1, 2, -2 and infinity. Each
 * is a one-dimensional transform along the columns, then along the rows, for a vector of channels at a time. */
#include "engine/native/isa/functions.h"

enum { SIDE = 6 }; /* of a transformed tile */

/* B^T d:  4 d0 - 5 d2 + d4;  -4 d1 - 4 d2 + d3 + d4;  4 d1 - 4 d2 - d3 + d4;
 *         -2 d1 - d2 + 2 d3 + d4;  2 d1 - d2 - 2 d3 + d4;  4 d1 - 5 d3 + d5 */
RT_INLINE void input_line(const rt_vec d[SIDE], rt_vec t[SIDE])
{
    const rt_vec a = d[4] - 4.0f * d[2], b = d[3] - 4.0f * d[1], c = d[4] - d[2], e = d[3] - d[1];

    t[0] = 4.0f * d[0] + (d[4] - 5.0f * d[2]);
    t[1] = a + b;
    t[2] = a - b;
    t[3] = c + 2.0f * e;
    t[4] = c - 2.0f * e;
    t[5] = 4.0f * d[1] + (d[5] - 5.0f * d[3]);
}

/* A^T m for 4 or 2 outputs:  sum of m0..m4;  m1 - m2 + 2 (m3 - m4);  m1 + m2 + 4 (m3 + m4);
 *                            m1 - m2 + 8 (m3 - m4);  m5 joins the last. */
RT_INLINE void output_line(const rt_vec m[SIDE], rt_vec y[], const int step)
{
    const rt_vec a = m[1] + m[2], b = m[1] - m[2], c = m[3] + m[4], d = m[3] - m[4];

    y[0] = m[0] + a + c;
    if (step == 2) {
        y[1] = b + 2.0f * d + m[5];
        return;
    }
    y[1] = b + 2.0f * d;
    y[2] = a + 4.0f * c;
    y[3] = b + 8.0f * d + m[5];
}

/* A e, the transpose of output_line. */
RT_INLINE void gradient_line(const rt_vec e[], rt_vec m[SIDE], const int step)
{
    if (step == 2) {
        m[0] = e[0];
        m[1] = e[0] + e[1];
        m[2] = e[0] - e[1];
        m[3] = e[0] + 2.0f * e[1];
        m[4] = e[0] - 2.0f * e[1];
        m[5] = e[1];
    } else {
        const rt_vec a = e[0] + e[2], b = e[1] + e[3], c = e[0] + 4.0f * e[2], d = 2.0f * e[1] + 8.0f * e[3];

        m[0] = e[0];
        m[1] = a + b;
        m[2] = a - b;
        m[3] = c + d;
        m[4] = c - d;
        m[5] = e[3];
    }
}

struct place {
    long image;
    int row, column; /* of the tile in its image */
};

RT_INLINE struct place locate(const struct rt_tiles *t, long tile)
{
    const long area = (long)t->rows * t->columns;

    return (struct place){tile / area, (int)(tile % area) / t->columns, (int)(tile % area) % t->columns};
}

/* B^T d B of d [column][row] to the 36 positions of one tile. */
RT_INLINE void transform_input(rt_vec d[SIDE][SIDE], float *to, long position_stride)
{
    rt_vec half[SIDE][SIDE]; /* [column][position] */

#pragma GCC unroll 6
    for (int j = 0; j < SIDE; j++)
        input_line(d[j], half[j]);
#pragma GCC unroll 6
    for (int i = 0; i < SIDE; i++) {
        const rt_vec across[SIDE] = {half[0][i], half[1][i], half[2][i], half[3][i], half[4][i], half[5][i]};
        rt_vec line[SIDE];

        input_line(across, line);
#pragma GCC unroll 6
        for (int j = 0; j < SIDE; j++)
            rt_store(to + (i * SIDE + j) * position_stride, line[j]);
    }
}

/* The channels from c on of a tile that lies inside the image. */
RT_INLINE void inner_tile(const struct rt_tiles *t, const float *corner, struct rt_view view, long c, float *to)
{
    rt_vec d[SIDE][SIDE];

#pragma GCC unroll 6
    for (int j = 0; j < SIDE; j++)
#pragma GCC unroll 6
        for (int i = 0; i < SIDE; i++)
            d[j][i] = rt_view_load(corner + ((long)i * t->width + j) * t->ld, view, c);
    transform_input(d, to, t->position_stride);
}

/* The same of one that reaches over an edge, behind which there are zeros. */
static __attribute__((noinline)) void edge_tile(const struct rt_tiles *t, const float *image,
                                                struct rt_view view, int top, int left, long c, float *to)
{
    rt_vec d[SIDE][SIDE];

    for (int j = 0; j < SIDE; j++)
        for (int i = 0; i < SIDE; i++) {
            const bool in = left + j >= 0 && left + j < t->width && top + i >= 0 && top + i < t->height;

            d[j][i] = in ? rt_view_load(image + ((long)(top + i) * t->width + left + j) * t->ld, view, c)
                         : rt_splat(0);
        }
    transform_input(d, to, t->position_stride);
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

RT_INLINE void input_tiles(const struct rt_tiles *t, const float *from, struct rt_view view)
{
    for (long k = 0; k < t->count; k++) {
        const struct place place = locate(t, t->begin + k);
        const int top = place.row * t->step - t->padding, left = place.column * t->step - t->padding;
        const bool inside = top >= 0 && left >= 0 && top + SIDE <= t->height && left + SIDE <= t->width;
        const float *image = from + place.image * t->height * t->width * t->ld;
        float *to = t->transformed + k * t->tile_stride;

        for (long c = 0; c < t->channels; c += RT_LANES) {
            prefetch_next(t, image, top, left, c);
            if (inside)
                inner_tile(t, image + ((long)top * t->width + left) * t->ld, view, c, to + c);
            else
                edge_tile(t, image, view, top, left, c, to + c);
        }
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

RT_INLINE void output_tile(const struct rt_tiles *t, const float *from, float *to, int height, int width,
                           const int step, bool accumulate)
{
    rt_vec half[SIDE][4]; /* [column][output row] */

#pragma GCC unroll 6
    for (int j = 0; j < SIDE; j++) {
        rt_vec m[SIDE];

#pragma GCC unroll 6
        for (int i = 0; i < SIDE; i++)
            m[i] = rt_load(from + (i * SIDE + j) * t->position_stride);
        output_line(m, half[j], step);
    }
#pragma GCC unroll 4
    for (int i = 0; i < step; i++) {
        const rt_vec m[SIDE] = {half[0][i], half[1][i], half[2][i], half[3][i], half[4][i], half[5][i]};
        rt_vec y[4];

        if (i >= height)
            break;
        output_line(m, y, step);
#pragma GCC unroll 4
        for (int j = 0; j < step; j++) {
            float *pixel = to + ((long)i * t->width + j) * t->ld;

            if (j < width)
                rt_store(pixel, accumulate ? rt_load(pixel) + y[j] : y[j]);
        }
    }
}

RT_INLINE void output_tiles(const struct rt_tiles *t, float *to, const int step, bool accumulate)
{
    for (long k = 0; k < t->count; k++) {
        const struct place place = locate(t, t->begin + k);
        const int top = place.row * step, left = place.column * step;
        float *pixel = to + ((place.image * t->height + top) * t->width + left) * t->ld;

        for (long c = 0; c < t->channels; c += RT_LANES)
            output_tile(t, t->transformed + k * t->tile_stride + c, pixel + c, t->height - top, t->width - left,
                        step, accumulate);
    }
}

void RT_ISA_NAME(winograd_output)(const struct rt_tiles *t, float *to, bool accumulate)
{
    if (t->step == 4)
        output_tiles(t, to, 4, accumulate);
    else
        output_tiles(t, to, 2, accumulate);
}

RT_INLINE void gradient_tile(const struct rt_tiles *t, const float *from, int height, int width, const int step,
                             float *to)
{
    rt_vec half[4][SIDE]; /* [column][position] */

#pragma GCC unroll 4
    for (int j = 0; j < step; j++) {
        rt_vec e[4];

#pragma GCC unroll 4
        for (int i = 0; i < step; i++)
            e[i] = i < height && j < width ? rt_load(from + ((long)i * t->width + j) * t->ld) : rt_splat(0);
        gradient_line(e, half[j], step);
    }
#pragma GCC unroll 6
    for (int i = 0; i < SIDE; i++) {
        rt_vec e[4], m[SIDE];

#pragma GCC unroll 4
        for (int j = 0; j < step; j++)
            e[j] = half[j][i];
        gradient_line(e, m, step);
#pragma GCC unroll 6
        for (int j = 0; j < SIDE; j++)
            rt_store(to + (i * SIDE + j) * t->position_stride, m[j]);
    }
}

RT_INLINE void gradient_tiles(const struct rt_tiles *t, const float *from, const int step)
{
    for (long k = 0; k < t->count; k++) {
        const struct place place = locate(t, t->begin + k);
        const int top = place.row * step, left = place.column * step;
        const float *pixel = from + ((place.image * t->height + top) * t->width + left) * t->ld;

        for (long c = 0; c < t->channels; c += RT_LANES)
            gradient_tile(t, pixel + c, t->height - top, t->width - left, step,
                          t->transformed + k * t->tile_stride + c);
    }
}

void RT_ISA_NAME(winograd_gradient)(const struct rt_tiles *t, const float *from)
{
    if (t->step == 4)
        gradient_tiles(t, from, 4);
    else
        gradient_tiles(t, from, 2);
}
