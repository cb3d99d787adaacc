/* Label noise: what becomes of true labels, drawn from the seed over the labels of both splits as one array,
 * before any image is left out (docs/labels.md). A kind is one file here and one line in RT_LABEL_NOISES. */
#ifndef RT_DATA_LABEL_NOISE_H
#define RT_DATA_LABEL_NOISE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/thread.h"
#include "config/label_noise.h"
#include "data/dataset.h"

struct rt_label_job {
    const struct rt_experiment *experiment; /* its seed must be given */
    const struct rt_dataset *dataset;       /* the kept images, as networks see them, and nothing of labels */
    size_t train_total, test_total;         /* of the whole set, training images first */
    const uint8_t *truth;                   /* [train_total + test_total] */
    uint8_t *labels;                        /* the same array when a kind begins, then the given labels */
    char *digest;         /* [65]: SHA-256 in hex of the file they come from, where one does */
    struct rt_team *team; /* may be null */
};

struct rt_label_noise {
    const char *name;
    /* label_corruption_prob is above 0, or `whole`. */
    int (*apply)(const struct rt_label_job *job, struct rt_error *err);
    bool whole; /* has no probability */
};

#define RT_LABEL_NOISE_DECLARE(name, help) extern const struct rt_label_noise rt_label_noise_##name;
RT_LABEL_NOISES(RT_LABEL_NOISE_DECLARE)
#undef RT_LABEL_NOISE_DECLARE

/* Fills in the given labels as the experiment asks. RT_ECONFIG: there is no such kind. */
int rt_label_noise_apply(const struct rt_label_job *job, struct rt_error *err);

#endif
