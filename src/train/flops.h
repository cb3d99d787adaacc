/* Floating-point operations of training, counted from the graph, not from what an engine does: "direct
 * equivalents", comparable between engines and machines. */
#ifndef RT_TRAIN_FLOPS_H
#define RT_TRAIN_FLOPS_H

#include "net/graph.h"

/* Of one image in one training step: per layer two (multiply and add) for each multiply-add forward, as many
 * for the weight gradient, and as many for the input gradient, except in layers whose input is the image
 * itself, since no parameter precedes them. Element-wise work and the update are not counted. */
double rt_flops_training(const struct rt_graph *graph);

/* The passes of a layer that cost as much as its forward one: itself, the weight gradient, perhaps the input
 * gradient. */
int rt_flops_passes(const struct rt_graph *graph, const struct rt_node *node);

/* Forward alone. */
double rt_flops_forward(const struct rt_graph *graph);

#endif
