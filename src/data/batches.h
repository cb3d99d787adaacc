/* Batches: the order in which an epoch visits the training images, exactly as the published loader draws it
 * (its own MT19937, seeded at the start of the run; docs/formats.md, "Random numbers"), and the evaluation's
 * batches, which are in order. */
#ifndef RT_DATA_BATCHES_H
#define RT_DATA_BATCHES_H

#include "base/mt19937.h"
#include "data/dataset.h"

struct rt_batches {
    const struct rt_dataset *dataset;
    int batch_size;
    struct rt_mt generator; /* saved in checkpoints: a resumed run goes on with it */
    uint32_t seed;          /* augmentation is a function of (seed, epoch, image) */
    bool augment;
    int epoch;             /* of the order below, from 1; 0: none drawn yet */
    uint32_t *order;       /* [train_count] of this epoch */
    struct rt_crop *crops; /* [batch_size], or null without augmentation */
    struct rt_team *team;  /* not owned, may be null: shares gathering out; set it after rt_batches_create */
};

int rt_batches_create(struct rt_batches *batches, const struct rt_dataset *dataset, int batch_size,
                      uint32_t seed, bool augment, struct rt_error *err);
void rt_batches_free(struct rt_batches *batches);

int rt_batches_per_epoch(const struct rt_batches *batches);

/* Draws the order of `epoch` (1, 2, ... in turn), and all else that the published loader draws in an epoch: its
 * sampler's second permutation, which is thrown away. The generator is then as it will be at the epoch's end,
 * evaluations aside; whether these come before or after that permutation makes no difference, for both only
 * move the generator on. */
void rt_batches_begin_epoch(struct rt_batches *batches, int epoch);

/* Fills images [count][3][28][28] and labels [count] with batch `index` (0-based) of the epoch and returns its
 * count: batch_size, or what is left for the last one. */
int rt_batches_get(struct rt_batches *batches, int index, float *images, uint8_t *labels);

/* To be called at each evaluation on the test set, which draws once from the same generator, as in the
 * published code. */
void rt_batches_note_evaluation(struct rt_batches *batches);

/* The augmentation of one training image in one epoch: where the 28x28 window lies and whether it is mirrored.
 */
struct rt_crop rt_batches_crop(uint32_t seed, int epoch, uint32_t image);

#endif
