#include "figures/grid.h"

#include <math.h>

#include "base/memory.h"
#include "figures/png.h"

/* Where the image in this column or row begins. */
static int begin(int place, int scale)
{
    return RT_GRID_GAP + place * (RT_CROP * scale + RT_GRID_GAP);
}

int rt_grid_create(struct rt_grid *out, int columns, int rows, int scale, struct rt_error *err)
{
    struct rt_grid grid = {
        .columns = columns,
        .rows = rows,
        .scale = scale,
        .width = begin(columns, scale),
        .height = begin(rows, scale),
    };

    RT_TRY(rt_alloc(&grid.rgb, (size_t)grid.width * (size_t)grid.height, 3, "a grid of images", err));
    *out = grid;
    return RT_OK;
}

void rt_grid_free(struct rt_grid *grid)
{
    rt_free(&grid->rgb);
    *grid = (struct rt_grid){0};
}

/* A stored value of the central 28 x 28 pixels as a byte. */
static uint8_t stored(const struct rt_dataset *dataset, uint32_t index, int channel, int row, int column)
{
    const int margin = (dataset->side - RT_CROP) / 2;
    const size_t plane = (size_t)(dataset->side * dataset->side);
    const size_t at = (index * (size_t)dataset->channels + (size_t)channel) * plane +
                      (size_t)((row + margin) * dataset->side + column + margin);

    return dataset->noise ? (uint8_t)lroundf(dataset->noise[at] * 255) : dataset->pixels[at];
}

void rt_grid_draw(struct rt_grid *grid, int column, int row, const struct rt_dataset *dataset, uint32_t index)
{
    const int left = begin(column, grid->scale), top = begin(row, grid->scale);

    for (int y = 0; y < RT_CROP * grid->scale; y++) {
        uint8_t *line = grid->rgb + ((size_t)(top + y) * (size_t)grid->width + (size_t)left) * 3;

        for (int x = 0; x < RT_CROP * grid->scale; x++)
            for (int c = 0; c < 3; c++)
                line[x * 3 + c] =
                    stored(dataset, index, c < dataset->channels ? c : 0, y / grid->scale, x / grid->scale);
    }
}

int rt_grid_write(const struct rt_grid *grid, const char *path, struct rt_error *err)
{
    return rt_png_write(path, grid->rgb, grid->width, grid->height, err);
}
