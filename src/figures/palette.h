/* Colours and markers of all figures. Chosen so that any two series differ for readers with red-, green- or
 * blue-blindness, and by lightness alone in grey print (tests/figures/test_palette holds them to both). */
#ifndef RT_FIGURES_PALETTE_H
#define RT_FIGURES_PALETTE_H

enum { RT_PALETTE_SIZE = 5, RT_LEVEL_COUNT = 11 };

struct rt_style {
    char color[8];     /* "#rrggbb" */
    int point;         /* gnuplot's point type, filled; 0: no markers */
    int point_outline; /* the same, hollow: published points */
};

/* For things without an order: tests, models. Index 0..4. */
extern const struct rt_style rt_palette[RT_PALETTE_SIZE];

/* For the label corruption levels 0.0, 0.1, ..., 1.0: from dark to light, so that their order shows. */
extern const struct rt_style rt_level_palette[RT_LEVEL_COUNT];

#endif
