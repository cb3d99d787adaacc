/* How kinds of label noise draw. */
#ifndef RT_DATA_LABEL_NOISE_DRAWS_H
#define RT_DATA_LABEL_NOISE_DRAWS_H

#include "data/label_noise/label_noise.h"

/* Replaces each label with probability label_corruption_prob, as replace(experiment, its true label, v) says.
 * For n labels the generator, seeded with the seed, gives n numbers u and then n numbers v in [0, 1)
 * (rt_mt_rand); label i is replaced where u[i] <= label_corruption_prob. So a lower probability replaces a part
 * of the same labels, by the same ones. */
void rt_label_noise_each(const struct rt_label_job *job,
                         int (*replace)(const struct rt_experiment *experiment, int label, double v));

/* The class at which the sum of probabilities[RT_CLASSES] exceeds v in [0, 1); of what rounding leaves, the
 * last one that is possible. */
int rt_label_noise_draw(const double *probabilities, double v);

#endif
