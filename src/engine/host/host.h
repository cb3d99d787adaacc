/* What engines that compute on the caller's own cores share: a device that is a team of threads, stores that
 * are the data set itself, and passes whose batches are gathered here and worked through within advance. */
#ifndef RT_ENGINE_HOST_HOST_H
#define RT_ENGINE_HOST_HOST_H

#include "base/thread.h"
#include "engine/engine.h"

/* An engine's device begins with it; rt_host_close frees the block. */
struct rt_host_device {
    struct rt_device base;
    struct rt_team *team;
};

/* One batch: what there is to work on, and where its results go. */
struct rt_host_batch {
    const void *images;    /* [count, input] float; reals where plan->raw */
    const uint8_t *labels; /* [count] */
    int count;
    uint64_t serial;                   /* the index of dropout's masks */
    double *losses;                    /* [count] each image's cross-entropy */
    bool *right;                       /* [count] the largest logit is the label's */
    struct rt_image_outcome *outcomes; /* [count], or null: not wanted */
};

/* An engine's plan begins with it. */
struct rt_host_plan {
    struct rt_plan base;
    struct rt_team *team; /* the device's */
    void (*step)(struct rt_host_plan *plan,
                 const struct rt_host_batch *batch); /* does one batch of base.pass */
    bool raw;                                        /* the pass reads the data set's own numbers in place */
    uint32_t *order;                                 /* [pass_max]; used where `ordered` */
    struct rt_crop *crops;                           /* [pass_max]; used where `cropped` */
    bool ordered, cropped;
    float *images; /* [batch_max, input]: what is gathered */
    uint8_t *labels;
    double *losses; /* [pass_max] of the pass, as the batch's */
    bool *right;
    struct rt_image_outcome *outcomes; /* [pass_max]; used where pass.outcomes */
};

/* The engine's functions. */
int rt_host_count(struct rt_error *err); /* 1 */
int rt_host_open(struct rt_device **device, size_t size, const struct rt_device_options *options,
                 struct rt_error *err); /* `size`: of the engine's device */
void rt_host_close(struct rt_device *device);
int rt_host_store(struct rt_store **store, struct rt_device *device, const struct rt_dataset *dataset,
                  struct rt_error *err);
void rt_host_drop(struct rt_store *store);
int rt_host_begin(struct rt_plan *plan, const struct rt_pass *pass, struct rt_error *err);
void rt_host_advance(struct rt_plan *plan, int batches);
int rt_host_collect(struct rt_plan *plan, struct rt_step *step, struct rt_image_outcome *outcomes,
                    struct rt_error *err);
int rt_host_stride(const struct rt_plan *plan); /* 1 */

/* For the engine's create: fills base and the rest in and takes its memory; rt_host_plan_free gives it back,
 * also after an error. */
int rt_host_plan_init(struct rt_host_plan *plan, struct rt_device *device, const struct rt_graph *graph,
                      const struct rt_plan_options *options,
                      void (*step)(struct rt_host_plan *plan, const struct rt_host_batch *batch),
                      struct rt_error *err);
void rt_host_plan_free(struct rt_host_plan *plan);
size_t rt_host_memory_bytes(const struct rt_host_plan *plan);

/* The team of a device whose engine is of this kind; null: another kind. */
struct rt_team *rt_host_team(const struct rt_device *device);

/* Writes the network's input of `count` images to images[count][channels][height][width] and their labels to
 * labels[count]: those that indices[i] names, or first and on where indices is null. crops: null, or the
 * augmentation of each image. The team, if any, shares the images out. */
void rt_host_gather(const struct rt_dataset *dataset, const uint32_t *indices, size_t first, int count,
                    const struct rt_crop *crops, float *images, uint8_t *labels, struct rt_team *team);

#endif
