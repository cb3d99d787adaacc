/* Which runs a figure shows, and as what: by their configs, never by their names.
 *
 * A figure has axes, keys by whose values it places runs (label_corruption_prob). Runs that fit it may differ
 * in other keys that say what they compute, too: each combination of their values is a variant, drawn beside
 * the others. Runs of one variant in one place that differ in nothing but their seed are a group. */
#ifndef RT_FIGURES_CHOICE_H
#define RT_FIGURES_CHOICE_H

#include "figures/figure.h"
#include "figures/group.h"
#include "runs/properties.h"

enum { RT_VARIANTS_MAX = 4 };

struct rt_variant {
    char label[RT_FIGURE_TEXT_MAX]; /* "learning_rate=0.02"; "" where there is only one */
    const struct rt_record *like;   /* one of its runs */
    bool published;                 /* its config is the published one, on CIFAR-10 */
};

struct rt_choice {
    struct rt_figure *figure;
    const struct rt_record **runs; /* that fit */
    size_t count;
    const struct rt_key *keys[RT_PROPERTIES_MAX]; /* that tell variants apart */
    int key_count;
    struct rt_variant variants[RT_VARIANTS_MAX]; /* the published config first, if it is there */
    int variant_count;
};

/* Chooses the runs for which fits(run, context) is true. `axes`: keys, separated by spaces. Variants beyond
 * RT_VARIANTS_MAX are left out. Free also after an error. */
int rt_choose(struct rt_choice *choice, struct rt_figure *figure, const struct rt_records *records,
              bool (*fits)(const struct rt_record *run, const void *context), const void *context,
              const char *axes, struct rt_error *err);
void rt_choice_free(struct rt_choice *choice);

/* Adds a run to a group, or keeps the one of two with its seed that says more. */
int rt_group_take(struct rt_figure *figure, struct rt_group *group, const struct rt_record *run,
                  struct rt_error *err);
/* While there are finished runs, drops the others; notes which runs and how many the figure shows. */
int rt_group_end(struct rt_figure *figure, struct rt_group *group, struct rt_error *err);

/* The group of a variant's runs for which is_here(run, place) is true (null: all). Of two with one seed, the
 * one that is nearer to the end; while there are finished runs, no others. What does not get in is left out. */
int rt_choice_group(const struct rt_choice *choice, int variant,
                    bool (*is_here)(const struct rt_record *run, const void *place), const void *place,
                    struct rt_group *group, struct rt_error *err);

/* The runs' values of a number among the keys, ascending, each once; returns how many fit into out[room]. */
int rt_choice_levels(const struct rt_choice *choice, const char *key, double *out, int room);

/* "true labels", "true labels, learning_rate=0.02", "true labels (so far)" */
void rt_choice_label(const struct rt_choice *choice, int variant, const struct rt_group *group,
                     const char *name, char label[RT_FIGURE_TEXT_MAX]);

/* Runs of a model under figure 1's protocol; context: the model's name. */
bool rt_fits_figure1(const struct rt_record *run, const void *context);

/* The models of runs under figure 1's protocol: the published ones in their order (there or not), then others.
 * Returns how many. */
enum { RT_MODELS_MAX = 64 };
int rt_models_of(const struct rt_records *records, const char *models[RT_MODELS_MAX]);

#endif
