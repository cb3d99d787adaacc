/* The parts of `rethink theorem1`. */
#ifndef RT_CLI_THEOREM1_H
#define RT_CLI_THEOREM1_H

#include "base/text.h"
#include "cli/command.h"
#include "data/dataset.h"
#include "runs/table.h"
#include "theory/theorem1.h"

enum { RT_THEOREM1_SIZES_MAX = 64 };

/* What was measured of the networks for one n. */
struct rt_theorem1_fit {
    size_t n, units, widest, fixed;
    double largest_weight;
    struct rt_theorem1_way {
        double largest, rms, seconds; /* of c(x_i) - y_i; to find w and to pass all images through */
        size_t right;                 /* images whose nearest label is theirs */
    } ways[RT_THEOREM1_SOLUTION_COUNT];
};

struct rt_theorem1_work {
    const struct rt_arguments *arguments;
    struct rt_experiment experiment;
    struct rt_dataset dataset;
    struct rt_team *team;
    struct rt_theorem1_images images;
    struct rt_theorem1_point *points; /* [images.count] */
    struct rt_theorem1_ties ties;
    double *a, *z, *residual;
    size_t sizes[RT_THEOREM1_SIZES_MAX];
    int size_count;
    long depth;
    struct rt_theorem1_fit fits[RT_THEOREM1_SIZES_MAX];
};

/* The table, for people with words around it. */
int rt_theorem1_say(const struct rt_theorem1_work *work, const struct rt_result_format *format, bool people,
                    struct rt_error *err);
/* "Theorem 1 on cifar10, true labels, seed 42" */
void rt_theorem1_append_title(const struct rt_theorem1_work *work, struct rt_text *text);

/* The construction on three points, step by step. RT_EMEMORY. */
int rt_theorem1_demo(struct rt_text *text, struct rt_error *err);

/* Residual and largest weight against n, as NAME.csv, .gp, .svg, .png and .pdf in `folder`. */
int rt_theorem1_draw_fits(const struct rt_theorem1_fit *fits, int count, const char *name, const char *title,
                          const char *folder, struct rt_error *err);

#endif
