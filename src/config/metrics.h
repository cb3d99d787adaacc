/* What a run measures: one row each, from which come the columns of metrics.csv, the scores in result.json and
 * state.json, the progress line, what trackers are sent, what figures can draw, and the columns of the
 * report. A new metric is its row here, and the line that measures it. */
#ifndef RT_CONFIG_METRICS_H
#define RT_CONFIG_METRICS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"
#include "config/limits.h"

/* X(name, measured, low, high, split, word, comet, place, label, column)
 *   name      of the field, the column and the key
 *   measured  RUNNING: a mean since the epoch's start, there at every log point, so that NaN is a finding
 *             TESTED: with the test set, where test_acc is a number
 *             SOMETIMES: where it is a number
 *   low, high what a run can have measured, when it is finite
 *   split, word  its name in TensorBoard and MLflow is "split/word", in Comet's contexts `comet` in `split`
 *   place     in the progress line, from 1; 0: not there
 *   label     of an axis
 *   column    heading in tables of runs (the report, TensorBoard's hyper-parameters); "": not there */
#define RT_METRICS(X)                                                                                          \
    X(train_loss, RUNNING, RT_LOSS_LOW, RT_LOSS_LIMIT, "train", "loss", "loss", 2,                             \
      "Training loss (cross-entropy)", "")                                                                     \
    X(train_acc, RUNNING, 0, 1, "train", "accuracy", "acc", 1, "Training accuracy", "Train accuracy")          \
    X(test_loss, TESTED, RT_LOSS_LOW, RT_LOSS_LIMIT, "test", "loss", "loss", 4, "Test loss (cross-entropy)",   \
      "")                                                                                                      \
    X(test_acc, TESTED, 0, 1, "test", "accuracy", "acc", 3, "Test accuracy", "Test accuracy")                  \
    X(train_acc_clean, SOMETIMES, 0, 1, "train", "accuracy_clean", "acc_clean", 0,                             \
      "Training accuracy, right labels", "Train accuracy, right labels")                                       \
    X(train_memorised, SOMETIMES, 0, 1, "train", "memorised", "memorised", 0, "Wrong labels memorised",        \
      "Wrong labels memorised")                                                                                \
    X(train_recovered, SOMETIMES, 0, 1, "train", "recovered", "recovered", 0,                                  \
      "Wrong labels predicted as true", "Wrong labels recovered")                                              \
    X(test_loss_true, SOMETIMES, RT_LOSS_LOW, RT_LOSS_LIMIT, "test", "loss_true", "loss_true", 0,              \
      "Test loss on true labels (cross-entropy)", "")                                                          \
    X(test_acc_true, SOMETIMES, 0, 1, "test", "accuracy_true", "acc_true", 0, "Test accuracy on true labels",  \
      "Test accuracy, true labels")

/* Losses are mean cross-entropies, accuracies shares in 0..1; NaN: not measured. */
struct rt_scores {
#define RT_METRIC_FIELD(name, ...) double name;
    RT_METRICS(RT_METRIC_FIELD)
#undef RT_METRIC_FIELD
};

enum rt_metric_index {
#define RT_METRIC_ENUM(name, ...) RT_METRIC_##name,
    RT_METRICS(RT_METRIC_ENUM)
#undef RT_METRIC_ENUM
        RT_METRIC_COUNT
};

struct rt_metric {
    const char *name;
    enum rt_metric_measured { RT_METRIC_RUNNING, RT_METRIC_TESTED, RT_METRIC_SOMETIMES } measured;
    size_t offset; /* in struct rt_scores */
    double low, high;
    const char *split, *word;
    const char *tag;       /* "train/loss" */
    const char *whole_tag; /* "whole_run/train_loss": at the end of a run */
    const char *comet;
    int place;
    const char *label, *column;
};
extern const struct rt_metric rt_metrics[RT_METRIC_COUNT]; /* in the list's order */

/* All of them NaN. */
struct rt_scores rt_scores_none(void);

double rt_metric_value(const struct rt_metric *metric, const struct rt_scores *scores);
/* NaN of either sign is stored as the one that printf shows as "nan". */
void rt_metric_set(const struct rt_metric *metric, struct rt_scores *scores, double value);

/* Whether it was measured at that log point. */
bool rt_metric_is_measured(const struct rt_metric *metric, const struct rt_scores *scores);

/* Appends "train_acc=0.562, train_loss=1.34": those measured, in the order of their places. */
void rt_scores_append_progress(struct rt_text *text, const struct rt_scores *scores);

#endif
