/* Tiles, runs and phases. Everything here depends on shapes alone. */
#include "engine/native/ops/winograd.h"

#include <limits.h>
#include <string.h>

enum {
    PAD = 16, /* keeps the positions of a tile from sharing a cache set */
    PHASES_MAX = 4,
    LONGEST = 7, /* outputs of a line of nine points: for 3 taps only, and never together with shorter ones */
};

/* The phases in an order in which those with a position at infinity are adjacent: of odd rows the middle two,
 * of odd columns the first two. Stride 1 has one phase, all pixels. */
static const struct phase {
    bool even_row, even_column;
} phase_list[PHASES_MAX] = {{true, false}, {false, false}, {false, true}, {true, true}};

/* Tiles along a side: `full` ones of `size` outputs, then `rest` ones of `short_size`. */
struct side {
    int size, full, short_size, rest;
};

/* The tiles for so many outputs that need the fewest points, and among those the most full ones, so that no
 * position has few tiles. */
static struct side side_of(int outputs, int taps)
{
    /* as in RT_WINOGRAD_LINES, without the lines of nine points; ended by 0 */
    static const int sizes[][5] = {[2] = {7, 4, 3}, [3] = {6, 4, 3, 2}, [5] = {4, 2}};
    const int longest = (outputs + LONGEST - 1) / LONGEST;
    struct side best = {0};
    int least = INT_MAX;

    for (int i = 0; sizes[taps][i]; i++)
        for (int j = i; sizes[taps][j]; j++)
            for (int full = (outputs + sizes[taps][i] - 1) / sizes[taps][i]; full > 0; full--) {
                const int left = outputs - full * sizes[taps][i];
                const int rest = left > 0 ? (left + sizes[taps][j] - 1) / sizes[taps][j] : 0;
                const int points = full * (sizes[taps][i] + taps - 1) + rest * (sizes[taps][j] + taps - 1);

                if (points < least || (points == least && full * sizes[taps][i] > best.full * best.size)) {
                    best = (struct side){sizes[taps][i], full, sizes[taps][j], rest};
                    least = points;
                }
            }
    if (taps == 3 && longest * (LONGEST + taps - 1) < least)
        best = (struct side){LONGEST, longest, LONGEST, 0};
    return best;
}

/* The order of runs makes the tiles that have a position adjacent: those of full height are the middle two,
 * those of full width the first two. */
static struct rt_winograd transform_of(int taps, int phases, int height, int width)
{
    const struct side down = side_of(height, taps), across = side_of(width, taps);
    const int below = down.full * down.size, right = across.full * across.size;
    struct rt_winograd t = {
        .taps = taps,
        .phases = phases,
        .row_points = down.size + taps - 1,
        .column_points = across.size + taps - 1,
        .run = {{below, 0, down.rest, across.full, down.short_size, across.size},
                {0, 0, down.full, across.full, down.size, across.size},
                {0, right, down.full, across.rest, down.size, across.short_size},
                {below, right, down.rest, across.rest, down.short_size, across.short_size}}};

    for (int r = 0; r < RT_TILE_RUNS; r++)
        t.tiles += (long)t.run[r].rows * t.run[r].columns;
    return t;
}

long rt_winograd_positions(const struct rt_winograd *w)
{
    return (long)w->row_points * w->column_points;
}

bool rt_winograd_in_order(const struct rt_winograd *w)
{
    for (int r = 0; r < RT_TILE_RUNS; r++)
        if ((long)w->run[r].rows * w->run[r].columns == w->tiles)
            return true;
    return false;
}

/* Whether a line of so many outputs has position i of a full line's `points`. */
static bool has_position(int outputs, int taps, int points, long i)
{
    return i == points - 1 || i < outputs + taps - 2;
}

struct rt_span rt_winograd_tiles_with(const struct rt_winograd *w, long position, long images)
{
    struct rt_span span = {0};
    long first = 0;

    for (int r = 0; r < RT_TILE_RUNS; r++) {
        const struct rt_tile_run *run = &w->run[r];
        const long last = first + images * run->rows * run->columns;

        if (last > first && has_position(run->height, w->taps, w->row_points, position / w->column_points) &&
            has_position(run->width, w->taps, w->column_points, position % w->column_points)) {
            if (span.end == 0)
                span.begin = first;
            span.end = last;
        }
        first = last;
    }
    return span;
}

struct rt_span rt_winograd_phases_with(const struct rt_winograd *w, long position)
{
    const bool row = position / w->column_points == w->row_points - 1;
    const bool column = position % w->column_points == w->column_points - 1;

    if (w->phases == 1)
        return (struct rt_span){0, 1};
    return (struct rt_span){row ? 1 : 0, column ? 2 : row ? 3 : 4};
}

bool rt_winograd_takes(const struct rt_window *w)
{
    return w->height >= w->kernel && w->width >= w->kernel &&
           ((w->stride == 1 && (w->kernel == 3 || w->kernel == 5) && w->padding < w->kernel) ||
            (w->stride == 2 && w->kernel == 3 && w->padding == 1));
}

static int taps_of(const struct rt_conv_shape *s)
{
    return s->window.stride == 2 ? 2 : s->window.kernel;
}

struct rt_winograd rt_winograd_over_output(const struct rt_conv_shape *s)
{
    return transform_of(taps_of(s), s->window.stride == 2 ? PHASES_MAX : 1, s->window.rows, s->window.columns);
}

struct rt_winograd rt_winograd_over_input(const struct rt_conv_shape *s)
{
    if (s->window.stride == 2) /* a phase is at most as large as the output */
        return rt_winograd_over_output(s);
    return transform_of(taps_of(s), 1, s->window.height, s->window.width);
}

/* Which of the kernel's taps the filter has along an axis: all of them, or those of one phase. */
static void find_taps(const struct rt_winograd *w, bool even, int kernel, bool flip, int tap[])
{
    for (int i = 0; i < w->taps; i++)
        tap[i] = w->phases == 1 ? i : even ? (i == 0 ? 1 : RT_NONE) : 2 * i;
    if (!flip || even)
        return;
    for (int i = 0; i < w->taps; i++)
        tap[i] = kernel - 1 - tap[i];
}

struct rt_filters rt_winograd_filter(const struct rt_winograd *w, int kernel, long phase, bool flip)
{
    struct rt_filters f = {
        .kernel = kernel, .taps = w->taps, .row_points = w->row_points, .column_points = w->column_points};

    find_taps(w, w->phases > 1 && phase_list[phase].even_row, kernel, flip, f.row_tap);
    find_taps(w, w->phases > 1 && phase_list[phase].even_column, kernel, flip, f.column_tap);
    return f;
}

struct rt_tile_set rt_tile_set(const struct rt_winograd *w, long first, long images, const struct rt_map *map,
                               long phases, int padding, float *at)
{
    const long width = phases * map->channels;
    struct rt_tile_set set = {.tiles = {.channels = (int)map->channels,
                                        .height = map->height,
                                        .width = map->width,
                                        .ld = map->ld,
                                        .row_ld = map->width * map->ld,
                                        .image_ld = (long)map->height * map->width * map->ld,
                                        .taps = w->taps,
                                        .row_points = w->row_points,
                                        .column_points = w->column_points,
                                        .top = -padding,
                                        .left = -padding,
                                        .image = first,
                                        .images = images,
                                        .end = images * w->tiles,
                                        .position_stride = images * w->tiles * width + PAD,
                                        .tile_stride = width},
                              .phases = phases,
                              .channels = map->channels,
                              .map = map->at};

    set.tiles.transformed = at;
    memcpy(set.tiles.run, w->run, sizeof w->run);
    return set;
}

long rt_tile_set_floats(const struct rt_winograd *w, long images, long phases, long channels)
{
    return rt_winograd_positions(w) * (images * w->tiles * phases * channels + PAD);
}

struct rt_tiles rt_tile_set_phase(const struct rt_tile_set *set, long phase, float **map)
{
    const bool even_row = phase_list[phase].even_row, even_column = phase_list[phase].even_column;
    struct rt_tiles t = set->tiles;

    *map = set->map;
    if (set->phases == 1)
        return t;
    *map += (even_row ? 0 : t.row_ld) + (even_column ? 0 : t.ld);
    t.transformed += phase * set->channels;
    t.height = even_row ? (t.height + 1) / 2 : t.height / 2;
    t.width = even_column ? (t.width + 1) / 2 : t.width / 2;
    t.top = even_row ? 0 : t.top;
    t.left = even_column ? 0 : t.left;
    t.row_ld *= 2;
    t.ld *= 2;
    return t;
}

float *rt_tile_set_entry(const struct rt_tile_set *set, long position, long tile, long phase)
{
    return set->tiles.transformed + position * set->tiles.position_stride + tile * set->tiles.tile_stride +
           (set->phases > 1 ? phase * set->channels : 0);
}
