/* How Winograd's algorithm cuts a convolution into tiles (isa/winograd.h, struct rt_tiles): which tiles a map
 * has, which positions they have, and their layout in memory.
 *
 * A convolution of stride 2 is one of stride 1 over the four phases of its input, the pixels of odd and even
 * rows and columns: along each axis, output s is taps 0 and 2 over odd pixels 2s - 1 and 2s + 1, plus tap 1
 * over the even pixel 2s. So filters are 2x2, 2x1, 1x2 and 1x1, and the phases act as additional channels. A
 * filter of one tap is zero at infinity, so phases of even rows (columns) have no positions there. */
#ifndef RT_ENGINE_NATIVE_OPS_WINOGRAD_H
#define RT_ENGINE_NATIVE_OPS_WINOGRAD_H

#include "engine/native/isa/winograd.h"
#include "engine/native/isa/winograd_filters.h"
#include "engine/native/ops/conv.h"

struct rt_winograd {
    int taps, phases;
    int row_points, column_points; /* of a full tile */
    struct rt_tile_run run[RT_TILE_RUNS];
    long tiles; /* an image */
};

struct rt_span {
    long begin, end;
};

/* A map of pixels, its channels padded. */
struct rt_map {
    float *at;
    int height, width;
    long channels, ld;
};

/* A map's transformed tiles; with phases, those of each phase side by side. */
struct rt_tile_set {
    struct rt_tiles tiles; /* of the whole map */
    long phases, channels; /* of each phase */
    float *map;
};

/* Whether the algorithm supports a convolution with this window. */
bool rt_winograd_takes(const struct rt_window *window);

/* Tiles over the output, for the forward pass and the filter's gradient; and over the input, for its gradient.
 */
struct rt_winograd rt_winograd_over_output(const struct rt_conv_shape *shape);
struct rt_winograd rt_winograd_over_input(const struct rt_conv_shape *shape);

long rt_winograd_positions(const struct rt_winograd *w);

/* Whether all tiles are of one kind, so that those of several images are in the order of the images; otherwise
 * each kind's are adjacent, and sums over a block's tiles depend on which images it has. */
bool rt_winograd_in_order(const struct rt_winograd *w);

/* The tiles, of those of `images` images, that have the position. */
struct rt_span rt_winograd_tiles_with(const struct rt_winograd *w, long position, long images);

/* The phases whose filters are not zero at the position. */
struct rt_span rt_winograd_phases_with(const struct rt_winograd *w, long position);

/* A phase's filter in terms of the kernel's taps; `flip`: rotated, for the input gradient. Sets kernel, taps,
 * row_tap, column_tap and points. */
struct rt_filters rt_winograd_filter(const struct rt_winograd *w, int kernel, long phase, bool flip);

/* Tiles of `images` images from number `first` on, the map's first pixel `padding` after the first tile's,
 * transformed at `at`, in rt_tile_set_floats(...) floats. */
struct rt_tile_set rt_tile_set(const struct rt_winograd *w, long first, long images, const struct rt_map *map,
                               long phases, int padding, float *at);
long rt_tile_set_floats(const struct rt_winograd *w, long images, long phases, long channels);

/* The tiles of one phase, and in *map where its map of every second pixel begins. */
struct rt_tiles rt_tile_set_phase(const struct rt_tile_set *set, long phase, float **map);

/* Where tile number `tile` and phase number `phase` of a position begin. */
float *rt_tile_set_entry(const struct rt_tile_set *set, long position, long tile, long phase);

#endif
