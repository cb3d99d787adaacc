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

/* Draws the cell's pixels, [28][28][3]. */
static void draw_cell(struct rt_grid *grid, int column, int row, const uint8_t *rgb)
{
    const int left = begin(column, grid->scale), top = begin(row, grid->scale);

    for (int y = 0; y < RT_CROP * grid->scale; y++) {
        uint8_t *line = grid->rgb + ((size_t)(top + y) * (size_t)grid->width + (size_t)left) * 3;

        for (int x = 0; x < RT_CROP * grid->scale; x++)
            for (int c = 0; c < 3; c++)
                line[x * 3 + c] = rgb[(y / grid->scale * RT_CROP + x / grid->scale) * 3 + c];
    }
}

void rt_grid_draw(struct rt_grid *grid, int column, int row, const struct rt_dataset *dataset, uint32_t index)
{
    uint8_t rgb[RT_PLANE * 3];

    for (int i = 0; i < RT_PLANE * 3; i++)
        rgb[i] =
            stored(dataset, index, i % 3 < dataset->channels ? i % 3 : 0, i / 3 / RT_CROP, i / 3 % RT_CROP);
    draw_cell(grid, column, row, rgb);
}

void rt_grid_draw_input(struct rt_grid *grid, int column, int row, const float *input, int channels, float low,
                        float high)
{
    uint8_t rgb[RT_PLANE * 3];

    for (int i = 0; i < RT_PLANE * 3; i++) {
        const float value = input[(i % 3 < channels ? i % 3 : 0) * RT_PLANE + i / 3];

        rgb[i] = (uint8_t)lroundf(255 * fminf(fmaxf((value - low) / (high - low), 0), 1));
    }
    draw_cell(grid, column, row, rgb);
}

int rt_grid_write(const struct rt_grid *grid, const char *path, struct rt_error *err)
{
    return rt_png_write(path, grid->rgb, grid->width, grid->height, err);
}
