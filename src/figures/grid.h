/* Grids of sample images with black gaps, as PNGs. */
#ifndef RT_FIGURES_GRID_H
#define RT_FIGURES_GRID_H

#include <stdint.h>

#include "data/dataset.h"

enum { RT_GRID_GAP = 2 };

struct rt_grid {
    int columns, rows, scale; /* each image pixel becomes scale x scale */
    int width, height;        /* in pixels */
    uint8_t *rgb;             /* [height][width][3] */
};

int rt_grid_create(struct rt_grid *grid, int columns, int rows, int scale, struct rt_error *err);
void rt_grid_free(struct rt_grid *grid);

/* Draws image `index` of the data set, as its pixels are stored (not normalised). */
void rt_grid_draw(struct rt_grid *grid, int column, int row, const struct rt_dataset *dataset, uint32_t index);

/* Draws an input of a network, [channels][28][28] of any scale: `low` becomes black, `high` white, what lies
 * beyond is clipped. One channel is drawn as grey. */
void rt_grid_draw_input(struct rt_grid *grid, int column, int row, const float *input, int channels, float low,
                        float high);

int rt_grid_write(const struct rt_grid *grid, const char *path, struct rt_error *err);

#endif
