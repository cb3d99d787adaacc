/* The transforms of Winograd's algorithm on tiles of maps. */
#ifndef RT_ENGINE_NATIVE_ISA_WINOGRAD_H
#define RT_ENGINE_NATIVE_ISA_WINOGRAD_H

#include "engine/native/pixels.h"

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

struct rt_winograd_kernels {
    /* B^T d B of tiles of inputs, zero outside the map. */
    void (*inputs)(const struct rt_tiles *tiles, const float *from, struct rt_view view);
    /* A^T m A into tiles of outputs, clipped to the map. */
    void (*outputs)(const struct rt_tiles *tiles, float *to, bool accumulate);
    /* A e A^T of tiles of output gradients, zero outside the map: the filter gradient's other factor. */
    void (*gradients)(const struct rt_tiles *tiles, const float *from);
};

#endif
