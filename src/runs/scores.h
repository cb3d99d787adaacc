/* Scores of training images from their history, as the field defines them, and how well each finds wrong
 * labels. */
#ifndef RT_RUNS_SCORES_H
#define RT_RUNS_SCORES_H

#include <stdbool.h>
#include <stddef.h>

#include "run/history.h"

/* A score: one file in scores/ and one line below. */
struct rt_score {
    const char *name;   /* of the column */
    const char *label;  /* of an axis */
    bool high_is_wrong; /* high values, else low ones, speak for a wrong label */
    /* Of one image, from the first `epochs` epochs (at least 1). May be infinite (an epoch that never came). */
    double (*of)(const struct rt_history_log *log, size_t epochs, size_t image);
};

/* X(symbol, help) */
#define RT_SCORES(X)                                                                                           \
    X(aum, "area under the margin: the mean margin over epochs (Pleiss et al. 2020)")                          \
    X(loss, "mean loss over epochs: the largest are suspected first")                                          \
    X(probability, "data map: mean probability of the given label (Swayamdipta et al. 2020)")                  \
    X(deviation, "data map: its standard deviation over epochs")                                               \
    X(correctness, "data map: share of epochs in which the image was right")                                   \
    X(forgetting, "times that it was right and wrong an epoch later; inf: never right (Toneva et al. 2019)")   \
    X(never_forgotten, "1: learnt and never forgotten (Toneva et al. 2019), else 0")                           \
    X(first_learnt, "the first epoch in which it was right; inf: none")                                        \
    X(learnt_for_good, "the epoch from which on it was always right; inf: not right at the end")

enum rt_score_index {
#define RT_SCORE_ENUM(name, help) RT_SCORE_##name,
    RT_SCORES(RT_SCORE_ENUM)
#undef RT_SCORE_ENUM
        RT_SCORE_COUNT
};

#define RT_SCORE_DECLARE(name, help) extern const struct rt_score rt_score_##name;
RT_SCORES(RT_SCORE_DECLARE)
#undef RT_SCORE_DECLARE
extern const struct rt_score *const rt_score_list[RT_SCORE_COUNT]; /* in the list's order */

/* values[images] of one score; what is no number, as after a divergence, is as suspect as can be. */
void rt_score_all(const struct rt_score *score, const struct rt_history_log *log, size_t epochs,
                  double *values);

/* ranks[count], from 1, equal values sharing the mean of their ranks; values may be infinite, not NaN; may be
 * `ranks` itself. RT_EMEMORY. */
int rt_rank(const double *values, size_t count, double *ranks, struct rt_error *err);

struct rt_detection {
    double auc;       /* area under the ROC: the chance that a wrong label is more suspect than a right one */
    double precision; /* of as many as there are wrong, the most suspect first; equals count by their share */
};

/* wrong[count]: what is to be found; NaN where all or none are. RT_EMEMORY. */
int rt_score_detection(struct rt_detection *detection, const struct rt_score *score, const double *values,
                       const bool *wrong, size_t count, struct rt_error *err);

/* Spearman's rank correlation of two scores of the same images; NaN where one is constant. RT_EMEMORY. */
int rt_spearman(const double *a, const double *b, size_t count, double *correlation, struct rt_error *err);

#endif
