/* The running pass, in device memory; written by the host when a pass begins. Shared by host and kernels: plain
 * C, fixed sizes, addresses as integers. */
#ifndef RT_CUDA_KERNELS_PASS_H
#define RT_CUDA_KERNELS_PASS_H

#include "engine/optimizers/update.h"

/* A batch's result, written by the loss kernel to pinned memory. */
struct rt_cuda_record {
    double loss_sum;
    int correct, count;
};

/* An image's result, if requested: members of struct rt_image_outcome. */
struct rt_cuda_outcome {
    float loss, probability, margin;
    unsigned char predicted, right, unused[2];
};

/* struct rt_crop (data/dataset.h) */
struct rt_cuda_crop {
    unsigned char row, column, flip, turned;
    int cosine, sine, x, y;
};

/* Arguments of the weight update (update.h). */
struct rt_cuda_update {
    float terms[RT_OPTIMIZER_TERMS_MAX]; /* of the running step, written by the gather kernel */
    long long state_stride;              /* floats between an optimiser's states */
};

struct rt_cuda_pass {
    unsigned long long order; /* unsigned [total]; 0: consecutive from first_image */
    unsigned long long crops; /* struct rt_cuda_crop [total]; 0: central crops */
    unsigned long long
        pixels; /* [images][channels][side][side] bytes, or the network's input's shape in floats (noise) */
    unsigned long long labels;   /* bytes [images] */
    unsigned long long records;  /* struct rt_cuda_record [batches] */
    unsigned long long outcomes; /* struct rt_cuda_outcome [total]; 0: not requested */
    unsigned long long serial;   /* training steps before batch 0, modulo 2^64 */
    unsigned first_image, total, batch_size;
    unsigned side, noise;
    unsigned whiten; /* each image by its own mean and deviation, instead of shift and scale */
    unsigned next;   /* batch of the next step: written by the loss kernel, read by the gather kernel */
    unsigned batch;  /* the running batch: written by the gather kernel, as is count */
    int count;       /* images in it */
    float shift[4], scale[4]; /* of the first three channels: input = (pixel - shift) * scale */
    struct rt_update settings;
    struct rt_cuda_update update;
};

#endif
