/* Batches: the order in which an epoch visits the training images, exactly as the published loader draws it
 * (its own MT19937, seeded at the start of the run; docs/formats.md, "Random numbers"), and their crops.
 * Engines gather the images. */
#ifndef RT_DATA_BATCHES_H
#define RT_DATA_BATCHES_H

#include "base/mt19937.h"
#include "data/dataset.h"

struct rt_batches {
    const struct rt_dataset *dataset;
    int batch_size;
    struct rt_mt generator; /* saved in checkpoints: a resumed run continues with it */
    uint32_t seed;          /* augmentation is a function of (seed, epoch, image) */
    struct rt_augmentation augmentation;
    int epoch;             /* of the order below, from 1; 0: none drawn yet */
    uint32_t *order;       /* [train_count] of this epoch */
    struct rt_crop *crops; /* [train_count] in that order, or null without augmentation */
    /* an epoch that was drawn ahead: it is taken if the generator then stands where it was drawn from */
    bool ahead;
    struct rt_mt ahead_from, ahead_to;
    uint32_t *ahead_order;
};

/* augmentation: null: none. RT_EMEMORY. */
int rt_batches_create(struct rt_batches *batches, const struct rt_dataset *dataset, int batch_size,
                      uint32_t seed, const struct rt_augmentation *augmentation, struct rt_error *err);
void rt_batches_free(struct rt_batches *batches);

int rt_batches_per_epoch(const struct rt_batches *batches);

/* Draws the order of `epoch` (1, 2, ... in turn), and all else that the published loader draws in an epoch: its
 * sampler's second permutation, which is thrown away. The generator is then as it will be at the epoch's end,
 * evaluations aside; whether these come before or after that permutation makes no difference, for both only
 * move the generator on. */
void rt_batches_begin_epoch(struct rt_batches *batches, int epoch);

/* Draws the next epoch's order now, while the present one is still in use, so that rt_batches_begin_epoch need
 * not. `evaluations`: how many rt_batches_note_evaluation are expected until then; where they turn out
 * otherwise, that call draws anew. The generator stays as it is. */
void rt_batches_draw_ahead(struct rt_batches *batches, int evaluations);

/* To be called at each evaluation on the test set, which draws once from the same generator, as in the
 * published code. */
void rt_batches_note_evaluation(struct rt_batches *batches);

/* The augmentation of one training image in one epoch: where the 28x28 window lies and whether it is mirrored.
 */
struct rt_crop rt_batches_crop(uint32_t seed, int epoch, uint32_t image);

/* How far it is turned, counter-clockwise: uniform in [-1, 1), to be multiplied by the largest angle. A draw of
 * its own, beside that of the crop. */
double rt_batches_turn(uint32_t seed, int epoch, uint32_t image);

/* Sets the crop's turn by this many degrees, exactly as Pillow turns a 32 x 32 image by nearest pixels. */
void rt_crop_turn(struct rt_crop *crop, double degrees);

#endif
