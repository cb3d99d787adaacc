/* Winograd's transforms of activations, for a vector of channels of a tile at a time. In two dimensions each is
 * a pass of lines (winograd_lines.h) down the tile and one across it, with a small array between them. Pixels
 * outside the map are zeros, or left out. */
#include "engine/native/isa/winograd.h"
#include "engine/native/isa/tables.h"
#include "engine/native/isa/winograd_lines.h"

enum { PITCH = RT_SIDE * RT_LANES }; /* from row to row of the small array */

/* Where the numbers of a line, or the lines of a pass, lie: the i-th at i * step, the final one at `last`. */
struct axis {
    long step, last;
};

RT_INLINE long at(struct axis axis, int i, int count)
{
    return i == count - 1 ? axis.last : i * axis.step;
}

enum what { INPUT, OUTPUT, GRADIENT };

RT_INLINE void transform_line(const enum what what, const int outputs, const int points, const rt_vec x[],
                              rt_vec y[])
{
    if (what == INPUT)
        rt_input_line(x, y, points);
    else if (what == OUTPUT)
        rt_output_line(x, y, outputs, points);
    else
        rt_gradient_line(x, y, outputs, points);
}

/* The pixels of a tile: of its rows, those outside the map are masked and stand anywhere inside. */
struct window {
    const float *corner; /* column 0 of row 0 */
    long row[RT_SIDE];   /* floats from the corner to each row */
    rt_ivec mask[RT_SIDE];
    int left, right; /* columns [left, right) are in the map */
    long ld;         /* floats from column to column */
};

/* Pixels, seen through the view, to lines down the small array. */
typedef void load_pass(const struct window *w, struct rt_view view, long c, int columns, float *half);
/* Lines down all columns of positions to the small array; or from it lines across, to positions. */
typedef void middle_pass(const float *from, struct axis from_element, struct axis from_line, float *to,
                         struct axis to_element, struct axis to_line, int count);
/* Lines across the small array to pixels, the first `columns` of each. */
typedef void store_pass(const float *half, float *pixels, long row_ld, long ld, int rows, int columns,
                        bool accumulate);

RT_INLINE void load_lines(const enum what what, const int outputs, const int points, const struct window *w,
                          struct rt_view view, long c, int columns, float *half)
{
    const int in = what == INPUT ? points : outputs;

    for (int j = 0; j < columns; j++, half += RT_LANES) {
        const float *column = w->corner + j * w->ld;
        rt_vec x[RT_SIDE], y[RT_SIDE];

        if (j < w->left || j >= w->right) {
#pragma GCC unroll 9
            for (int i = 0; i < points; i++)
                rt_store(half + i * PITCH, rt_splat(0));
            continue;
        }
#pragma GCC unroll 9
        for (int i = 0; i < in; i++)
            x[i] = (rt_vec)((rt_ivec)rt_view_load(column + w->row[i], view, c) & w->mask[i]);
        transform_line(what, outputs, points, x, y);
#pragma GCC unroll 9
        for (int i = 0; i < points; i++)
            rt_store(half + i * PITCH, y[i]);
    }
}

RT_INLINE void middle_lines(const enum what what, const int outputs, const int points, const float *from,
                            struct axis from_element, struct axis from_line, float *to, struct axis to_element,
                            struct axis to_line, int count)
{
    const int in = what == GRADIENT ? outputs : points, out = what == OUTPUT ? outputs : points;

    for (int i = 0; i < count; i++) {
        const float *line = from + at(from_line, i, count);
        float *result = to + at(to_line, i, count);
        rt_vec x[RT_SIDE], y[RT_SIDE];

#pragma GCC unroll 9
        for (int j = 0; j < in; j++)
            x[j] = rt_load(line + at(from_element, j, in));
        transform_line(what, outputs, points, x, y);
#pragma GCC unroll 9
        for (int j = 0; j < out; j++)
            rt_store(result + at(to_element, j, out), y[j]);
    }
}

RT_INLINE void store_lines(const int outputs, const int points, const float *half, float *pixels, long row_ld,
                           long ld, int rows, int columns, bool accumulate)
{
    for (int i = 0; i < rows; i++, half += PITCH, pixels += row_ld) {
        rt_vec x[RT_SIDE], y[RT_SIDE];

#pragma GCC unroll 9
        for (int j = 0; j < points; j++)
            x[j] = rt_load(half + j * RT_LANES);
        rt_output_line(x, y, outputs, points);
#pragma GCC unroll 9
        for (int j = 0; j < outputs; j++)
            if (j < columns)
                rt_store(pixels + j * ld, accumulate ? rt_load(pixels + j * ld) + y[j] : y[j]);
    }
}

#define LOAD_PASS(name, what, outputs, taps, points, ...)                                                      \
    static void name##_##outputs##_##taps(const struct window *w, struct rt_view view, long c, int columns,    \
                                          float *half)                                                         \
    {                                                                                                          \
        (void)view;                                                                                            \
        load_lines(what, outputs, points, w, __VA_ARGS__, c, columns, half);                                   \
    }
#define MIDDLE_PASS(name, what, outputs, taps, points)                                                         \
    static void name##_##outputs##_##taps(const float *from, struct axis from_element, struct axis from_line,  \
                                          float *to, struct axis to_element, struct axis to_line, int count)   \
    {                                                                                                          \
        middle_lines(what, outputs, points, from, from_element, from_line, to, to_element, to_line, count);    \
    }
#define STORE_PASS(name, outputs, taps, points)                                                                \
    static void name##_##outputs##_##taps(const float *half, float *pixels, long row_ld, long ld, int rows,    \
                                          int columns, bool accumulate)                                        \
    {                                                                                                          \
        store_lines(outputs, points, half, pixels, row_ld, ld, rows, columns, accumulate);                     \
    }
#define PASSES(outputs, taps, points)                                                                          \
    LOAD_PASS(load, INPUT, outputs, taps, points, (struct rt_view){0})                                         \
    LOAD_PASS(load_relu, INPUT, outputs, taps, points, (struct rt_view){view.scale, view.shift, true})         \
    LOAD_PASS(load_view, INPUT, outputs, taps, points, view)                                                   \
    LOAD_PASS(load_gradient, GRADIENT, outputs, taps, points, (struct rt_view){0})                             \
    MIDDLE_PASS(input, INPUT, outputs, taps, points)                                                           \
    MIDDLE_PASS(output, OUTPUT, outputs, taps, points)                                                         \
    MIDDLE_PASS(gradient, GRADIENT, outputs, taps, points)                                                     \
    STORE_PASS(store, outputs, taps, points)
RT_WINOGRAD_LINES(PASSES)

enum load { PLAIN, RELU, VIEW, OF_GRADIENT, LOADS }; /* constants let each case be compiled on its own */

static const struct line {
    int outputs, taps, points;
    load_pass *load[LOADS];
    middle_pass *middle[3]; /* by enum what */
    store_pass *store;
} line_list[] = {
#define LINE(outputs, taps, points)                                                                            \
    {outputs,                                                                                                  \
     taps,                                                                                                     \
     points,                                                                                                   \
     {load_##outputs##_##taps, load_relu_##outputs##_##taps, load_view_##outputs##_##taps,                     \
      load_gradient_##outputs##_##taps},                                                                       \
     {input_##outputs##_##taps, output_##outputs##_##taps, gradient_##outputs##_##taps},                       \
     store_##outputs##_##taps},
    RT_WINOGRAD_LINES(LINE)};

/* The planner uses only lines of the list. */
static const struct line *find_line(int outputs, int taps)
{
    const struct line *line = line_list;

    while (line->outputs != outputs || line->taps != taps)
        line++;
    return line;
}

/* One run's tiles: where they are, and how they are transformed. */
struct tile_kind {
    const struct rt_tiles *tiles;
    const struct rt_tile_run *run;
    const struct line *down, *across;
    struct axis row, column; /* of positions */
};

static struct tile_kind kind_of(const struct rt_tiles *t, const struct rt_tile_run *run)
{
    const long line = t->column_points * t->position_stride;

    return (struct tile_kind){.tiles = t,
                              .run = run,
                              .down = find_line(run->height, t->taps),
                              .across = find_line(run->width, t->taps),
                              .row = {line, (t->row_points - 1) * line},
                              .column = {t->position_stride, (t->column_points - 1) * t->position_stride}};
}

/* A tile's place: its image, and its first output. */
struct place {
    long image;
    int top, left;
};

static struct place place_of(const struct tile_kind *kind, long k)
{
    const struct rt_tile_run *run = kind->run;
    const long area = (long)run->rows * run->columns;
    const int tile = (int)(k % area);

    return (struct place){kind->tiles->image + k / area, run->top + tile / run->columns * run->height,
                          run->left + tile % run->columns * run->width};
}

static int within(int value, int least, int most)
{
    return value < least ? least : value > most ? most : value;
}

/* The window of rows x columns pixels whose first is at row `top` and column `left`, in the map or not. */
static struct window window_of(const struct rt_tiles *t, const float *map, long image, int top, int left,
                               int rows, int columns)
{
    struct window w = {.corner = map + image * t->image_ld + left * t->ld,
                       .left = within(-left, 0, columns),
                       .right = within(t->width - left, 0, columns),
                       .ld = t->ld};

    for (int i = 0; i < rows; i++) {
        w.row[i] = within(top + i, 0, t->height - 1) * t->row_ld;
        w.mask[i] = (rt_ivec){0} - (top + i >= 0 && top + i < t->height);
    }
    return w;
}

/* Prefetches a tile's pixels while the previous one is processed: the hardware prefetcher does not follow so
 * many. */
static void prefetch(const struct rt_tiles *t, const struct window *w, int rows, long c)
{
    for (int i = 0; i < rows; i++)
        for (int j = w->left; j < w->right; j++)
            __builtin_prefetch(w->corner + w->row[i] + j * t->ld + c, 0, 2);
}

/* The same for pixels to be written. */
static void prefetch_outputs(const struct rt_tiles *t, const float *pixels, int rows, int columns)
{
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < columns; j++)
            __builtin_prefetch(pixels + i * t->row_ld + j * t->ld, 1, 2);
}

static struct window input_window(const struct tile_kind *kind, const float *map, long k, bool inputs, int rows,
                                  int columns)
{
    const struct rt_tiles *t = kind->tiles;
    const struct place place = place_of(kind, k);

    return window_of(t, map, place.image, place.top + (inputs ? t->top : 0),
                     place.left + (inputs ? t->left : 0), rows, columns);
}

/* Pixels to positions, of the tiles [begin, end) of a run whose first is number `first` of all. */
static void forward_run(const struct tile_kind *kind, long first, long begin, long end, const float *map,
                        struct rt_view view, enum load load)
{
    const struct rt_tiles *t = kind->tiles;
    const bool inputs = load != OF_GRADIENT;
    const int rows = inputs ? kind->down->points : kind->run->height;
    const int columns = inputs ? kind->across->points : kind->run->width;
    const struct axis across = {RT_LANES, (columns - 1) * RT_LANES};
    const struct axis down = {PITCH, (kind->down->points - 1) * PITCH};

    _Alignas(64) float half[RT_SIDE * PITCH];
    struct window next = input_window(kind, map, begin, inputs, rows, columns);

    for (long k = begin; k < end; k++) {
        const struct window w = next;
        float *to = t->transformed + (first + k) * t->tile_stride;

        for (long c = 0; c < t->channels; c += RT_LANES) {
            if (k + 1 < end) {
                if (c == 0)
                    next = input_window(kind, map, k + 1, inputs, rows, columns);
                prefetch(t, &next, rows, c);
            }
            kind->down->load[load](&w, view, c, columns, half);
            kind->across->middle[inputs ? INPUT : GRADIENT](half, across, down, to + c, kind->column, kind->row,
                                                            kind->down->points);
        }
    }
}

/* A tile's first pixel. */
static float *pixels_of(const struct tile_kind *kind, float *map, long k)
{
    const struct rt_tiles *t = kind->tiles;
    const struct place place = place_of(kind, k);

    return map + place.image * t->image_ld + place.top * t->row_ld + place.left * t->ld;
}

/* Positions to pixels. */
static void back_run(const struct tile_kind *kind, long first, long begin, long end, float *map,
                     bool accumulate)
{
    const struct rt_tiles *t = kind->tiles;
    const struct axis across = {RT_LANES, (kind->across->points - 1) * RT_LANES};
    const struct axis down = {PITCH, (kind->run->height - 1) * PITCH};

    _Alignas(64) float half[RT_SIDE * PITCH];

    for (long k = begin; k < end; k++) {
        const struct place place = place_of(kind, k);
        const int rows = within(t->height - place.top, 0, kind->run->height);
        const int columns = within(t->width - place.left, 0, kind->run->width);
        const float *from = t->transformed + (first + k) * t->tile_stride;
        float *to = pixels_of(kind, map, k);
        const float *next = k + 1 < end ? pixels_of(kind, map, k + 1) : to;

        for (long c = 0; c < t->channels; c += RT_LANES) {
            prefetch_outputs(t, next + c, rows, columns);
            kind->down->middle[OUTPUT](from + c, kind->row, kind->column, half, down, across,
                                       kind->across->points);
            kind->across->store(half, to + c, t->row_ld, t->ld, rows, columns, accumulate);
        }
    }
}

/* Calls do_run(kind, first, begin, end, ...) for the tiles of each run that are to be worked on: its numbers
 * [begin, end), counted from the run's own first tile, which is number `first` of all. */
#define FOR_RUNS(t, do_run, ...)                                                                               \
    do {                                                                                                       \
        long first = 0;                                                                                        \
                                                                                                               \
        for (int r = 0; r < RT_TILE_RUNS; r++) {                                                               \
            const struct rt_tile_run *run = &(t)->run[r];                                                      \
            const long count = (t)->images * run->rows * run->columns;                                         \
            const long begin = (t)->begin > first ? (t)->begin - first : 0;                                    \
            const long end = (t)->end - first < count ? (t)->end - first : count;                              \
                                                                                                               \
            if (begin < end) {                                                                                 \
                const struct tile_kind kind = kind_of(t, run);                                                 \
                                                                                                               \
                do_run(&kind, first, begin, end, __VA_ARGS__);                                                 \
            }                                                                                                  \
            first += count;                                                                                    \
        }                                                                                                      \
    } while (0)

static void transform_inputs(const struct rt_tiles *t, const float *from, struct rt_view view)
{
    const enum load load = !view.scale && !view.relu ? PLAIN : view.scale && view.relu ? RELU : VIEW;

    FOR_RUNS(t, forward_run, from, view, load);
}

static void transform_outputs(const struct rt_tiles *t, float *to, bool accumulate)
{
    FOR_RUNS(t, back_run, to, accumulate);
}

static void transform_gradients(const struct rt_tiles *t, const float *from)
{
    FOR_RUNS(t, forward_run, from, (struct rt_view){0}, OF_GRADIENT);
}

const struct rt_winograd_kernels RT_ISA_NAME(winograd_kernels) = {
    .inputs = transform_inputs,
    .outputs = transform_outputs,
    .gradients = transform_gradients,
};
