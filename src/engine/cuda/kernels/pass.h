/* What a plan's kernels find in device memory about the pass that runs; the host writes it when a pass begins.
 * Read by host and kernels alike: plain C, fixed sizes, addresses as integers. */
#ifndef RT_CUDA_KERNELS_PASS_H
#define RT_CUDA_KERNELS_PASS_H

#include "engine/optimizers/update.h"

/* What the loss leaves for each batch, in memory of the host. */
struct rt_cuda_record {
    double loss_sum;
    int correct, count;
};

/* And for each image, where its outcome is wanted: struct rt_image_outcome's members. */
struct rt_cuda_outcome {
    float loss, probability, margin;
    unsigned char predicted, right, unused[2];
};

struct rt_cuda_crop {
    unsigned char row, column, flip;
};

/* What an update of weights needs (update.h). */
struct rt_cuda_update {
    float terms[RT_OPTIMIZER_TERMS_MAX]; /* of the step that runs: written by the gathering kernel */
    long long state_stride;              /* floats from an optimiser's state to the next */
};

struct rt_cuda_pass {
    unsigned long long order; /* unsigned [total], or 0: first_image on */
    unsigned long long crops; /* struct rt_cuda_crop [total], or 0: the central crop */
    unsigned long long
        pixels; /* [images][channels][side][side] bytes, or the network's input's shape in floats (noise) */
    unsigned long long labels;   /* bytes [images] */
    unsigned long long records;  /* struct rt_cuda_record [batches] */
    unsigned long long outcomes; /* struct rt_cuda_outcome [total], or 0: not wanted */
    unsigned long long serial;   /* of batch 0: training steps before it, modulo 2^64 */
    unsigned first_image, total, batch_size;
    unsigned side, noise;
    unsigned next;  /* the batch that the next step takes: written by the loss, read by the gathering kernel */
    unsigned batch; /* the one that runs: written by the gathering kernel, as is count */
    int count;      /* images in it */
    float shift[4], scale[4]; /* of the first three channels: input = (pixel - shift) * scale */
    struct rt_update settings;
    struct rt_cuda_update update;
};

#endif
