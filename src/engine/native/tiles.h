/* What the transforms of Winograd's algorithm take: tiles of maps, and filters. */
#ifndef RT_ENGINE_NATIVE_TILES_H
#define RT_ENGINE_NATIVE_TILES_H

enum { RT_TILE_RUNS = 4 };

/* Tiles of height x width outputs each: rows x columns of them in every image, the first at this output. */
struct rt_tile_run {
    int top, left, rows, columns;
    int height, width;
};

/* Winograd's minimal filtering (Lavin and Gray 2016) of tiles: F(7x7, 3x3), F(4x4, 5x5), F(7x7, 2x2) and
 * shorter ones (isa/winograd_lines.h names all). A transformed tile has row_points x
 * column_points positions, each a matrix of tiles by channels, so that a convolution is as many products. A
 * map's last tiles may be short: they leave out points, and with them positions. Tiles are counted run by run,
 * within a run over (image, row, column). */
struct rt_tiles {
    int channels, height, width;   /* of the map that is read or written */
    long ld, row_ld, image_ld;     /* floats from pixel to pixel, row to row, image to image of it */
    int taps;                      /* of the filter, along each side */
    int row_points, column_points; /* of a full tile */
    int top, left;                 /* winograd_input: the pixel at which the tile of output (0, 0) begins */
    struct rt_tile_run run[RT_TILE_RUNS];
    long image, images; /* the first, and how many */
    long begin, end;    /* the tiles to work on */
    float *transformed; /* position p, tile t, channel c at p * position_stride + t * tile_stride + c */
    long position_stride, tile_stride;
};

/* The transforms of `count` x 16 filters: tap t (row-major) of vector i at filters + t * tap_stride + 16 i,
 * position p at transformed + p * position_stride + 16 i. The filter that is transformed has `taps` x `taps`:
 * row i and column j of it are row_tap[i] and column_tap[j] of the kernel, or nought where these are negative.
 */
struct rt_filters {
    int kernel, taps;
    int row_tap[5], column_tap[5];
    int row_points, column_points; /* of a full tile */
    long count, tap_stride, position_stride;
};

#endif
