#include "figures/palette.h"

/* Lightness (CIE L*) 34, 48, 58, 74 and 0. */
const struct rt_style rt_palette[RT_PALETTE_SIZE] = {
    {"#1b4f9c", 7, 6},   /* blue, circle */
    {"#c8442a", 9, 8},   /* vermillion, triangle up */
    {"#389a7e", 5, 4},   /* green, square */
    {"#e6ab2b", 11, 10}, /* amber, triangle down */
    {"#000000", 13, 12}, /* black, diamond */
};

/* Blue over purple and red to yellow in steps of 5 to 7 in lightness, ending before it is too pale on white. */
const struct rt_style rt_level_palette[RT_LEVEL_COUNT] = {
    {"#0d0887", 0, 0}, {"#380599", 0, 0}, {"#5c01a4", 0, 0}, {"#7c06a6", 0, 0},
    {"#9a169e", 0, 0}, {"#b52e8c", 0, 0}, {"#cb4678", 0, 0}, {"#dd5e66", 0, 0},
    {"#ec7853", 0, 0}, {"#f79441", 0, 0}, {"#fcb231", 0, 0},
};
