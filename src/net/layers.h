/* The layers that models are written with: each appends one node and returns its id (or -1; see net/graph.h).
 * `x` is the id of the node it reads; `name` the prefix of its tensors in PyTorch's state dict. */
#ifndef RT_NET_LAYERS_H
#define RT_NET_LAYERS_H

#include "net/graph.h"

/* The images, planes of channels x height x width floats. */
int rt_input(struct rt_graph *graph, int channels, int height, int width);

/* y = x W^T + b on the flattened input (channel, row, column); out features. */
int rt_linear(struct rt_graph *graph, int x, const char *name, int out);

/* Square convolution (cross-correlation, as PyTorch), zero padding. */
struct rt_conv_options {
    int out, kernel;
    int stride; /* 0 means 1 */
    int padding;
    bool bias;
};
int rt_conv(struct rt_graph *graph, int x, const char *name, struct rt_conv_options options);

int rt_relu(struct rt_graph *graph, int x);

/* Per channel over batch, rows and columns; running statistics with momentum 0.1 (Ioffe and Szegedy 2015). */
int rt_batch_norm(struct rt_graph *graph, int x, const char *name, float eps);
/* The same with an offset alone: the scale is 1 and not trained. */
int rt_batch_norm_unscaled(struct rt_graph *graph, int x, const char *name, float eps);

/* Largest of each window; padding (at most half the kernel) is never chosen. floor((size + 2 padding - kernel)
 * / stride) + 1. */
int rt_max_pool(struct rt_graph *graph, int x, int kernel, int stride, int padding);

/* Adaptive average pool to size x size (windows floor(i*in/size) .. ceil((i+1)*in/size)), at most
 * the input's; size 1: global. */
int rt_avg_pool(struct rt_graph *graph, int x, int size);

/* Local response normalisation across channels (Krizhevsky et al. 2012, 3.3), alpha divided by size,
 * which must be odd. */
int rt_lrn(struct rt_graph *graph, int x, int size, float alpha, float beta, float k);

int rt_concat(struct rt_graph *graph, int a, int b); /* along channels, a first */
int rt_add(struct rt_graph *graph, int a, int b);
int rt_flatten(struct rt_graph *graph, int x); /* {c, h, w} -> {c * h * w, 1, 1}, in that order */

/* Zeroes each value with probability `rate` in training and divides the rest by 1 - rate. rate 0 adds no node
 * and returns x. */
int rt_dropout(struct rt_graph *graph, int x, float rate);

/* Mean softmax cross-entropy over the batch; the last node of every trained network. */
int rt_softmax_cross_entropy(struct rt_graph *graph, int logits);

#endif
