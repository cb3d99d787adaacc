/* How long the published runs took, for estimates and comparisons. */
#ifndef RT_TRAIN_PUBLISHED_H
#define RT_TRAIN_PUBLISHED_H

#include "config/experiment.h"

/* Epochs to the interpolation threshold, as published (read from the lengths of the curves; for AlexNet's pixel
 * tests, which continued past it, from where the loss is small), for the report and for estimates. MLP1 and
 * AlexNet never reached it on Gaussian pixels: the epochs they ran. NaN for a model that is not among them. */
double rt_published_epochs(const char *model, const char *corruption, double level);

/* Epochs that the experiment trains: num_epochs, or what the published one took where it stops at the
 * threshold.
 */
double rt_expected_epochs(const struct rt_experiment *experiment);

#endif
