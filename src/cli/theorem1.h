/* The parts of `rethink theorem1`. */
#ifndef RT_CLI_THEOREM1_H
#define RT_CLI_THEOREM1_H

#include "base/text.h"
#include "theory/theorem1.h"

enum { RT_THEOREM1_SIZES_MAX = 64 };

/* What was measured of the networks for one n. */
struct rt_theorem1_fit {
    size_t n, units, widest, fixed;
    double largest_weight, span; /* span: of z */
    struct rt_theorem1_way {
        double largest, rms, seconds; /* of c(x_i) - y_i; to find w and to pass all images through */
        size_t right;                 /* images whose nearest label is theirs */
    } ways[RT_THEOREM1_SOLUTION_COUNT];
};

/* The construction on three points, step by step. RT_EMEMORY. */
int rt_theorem1_demo(struct rt_text *text, struct rt_error *err);

/* Residual and largest weight against n, as theorem1.csv, .gp, .svg, .png and .pdf in `folder`. */
int rt_theorem1_draw_fits(const struct rt_theorem1_fit *fits, int count, const char *title, const char *folder,
                          struct rt_error *err);

#endif
