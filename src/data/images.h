/* The images of a data set, as all see them that differ in their labels' corruption only: for dataset.c and
 * shared.c, between reading and labelling. */
#ifndef RT_DATA_IMAGES_H
#define RT_DATA_IMAGES_H

#include "base/thread.h"
#include "data/dataset.h"
#include "data/source.h"

struct rt_images {
    struct rt_dataset dataset; /* all but labels and corruption_digest */
    uint8_t *labels;           /* [train_total + test_total]: of the whole set, before corruption */
    size_t train_total, test_total;
};

/* Reads what the experiment keeps of the source and corrupts its pixels. The corruption's name must be known.
 * Free them then, but not before the data sets that rt_images_label made, which borrow their pixels. */
int rt_images_load(struct rt_images *images, const struct rt_source *source,
                   const struct rt_experiment *experiment, struct rt_team *team, struct rt_error *err);
void rt_images_free(struct rt_images *images);

/* *out: these images with the labels, corrupted, of the experiment. */
int rt_images_label(struct rt_dataset *out, const struct rt_images *images,
                    const struct rt_experiment *experiment, struct rt_team *team, struct rt_error *err);

#endif
