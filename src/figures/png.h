/* PNG files of 8-bit RGB. The only file that knows libpng is png.c. */
#ifndef RT_FIGURES_PNG_H
#define RT_FIGURES_PNG_H

#include <stdint.h>

#include "base/error.h"

/* Writes rgb[height][width][3] atomically. RT_EIO names the file. */
int rt_png_write(const char *path, const uint8_t *rgb, int width, int height, struct rt_error *err);

#endif
