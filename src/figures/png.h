/* PNGs of 8-bit RGB. The only file that knows libpng is png.c. */
#ifndef RT_FIGURES_PNG_H
#define RT_FIGURES_PNG_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* rgb[height][width][3] as a PNG in memory, which is the caller's to free. RT_EMEMORY names `what`. */
int rt_png_encode(uint8_t **bytes, size_t *size, const char *what, const uint8_t *rgb, int width, int height,
                  struct rt_error *err);

/* Writes rgb[height][width][3] atomically. RT_EIO names the file. */
int rt_png_write(const char *path, const uint8_t *rgb, int width, int height, struct rt_error *err);

#endif
