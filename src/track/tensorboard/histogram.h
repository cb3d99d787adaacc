/* Histograms of a layer's parameters for TensorBoard. */
#ifndef RT_TRACK_HISTOGRAM_H
#define RT_TRACK_HISTOGRAM_H

#include "track/recorder.h"
#include "track/tensorboard/tfevents.h"

/* Adds one value "weights/NAME" to the event that is being built: equal buckets from the smallest to the
 * largest finite value. A layer without finite values adds nothing. */
void rt_tfevents_add_histogram(struct rt_tfevents *events, const struct rt_layer_values *layer);

#endif
