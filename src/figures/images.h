/* Pictures of what the history of a run's images says: data map, distributions of the scores, sheets of the
 * most and the least typical images. */
#ifndef RT_FIGURES_IMAGES_H
#define RT_FIGURES_IMAGES_H

#include "data/dataset.h"
#include "runs/scores.h"

/* A run's training images and their scores. */
struct rt_image_scores {
    char name[RT_TEXT_MAX]; /* the run's */
    const struct rt_dataset *dataset;
    size_t count, epochs;
    double *values[RT_SCORE_COUNT]; /* [count] */
    const bool *wrong; /* [count] whose given label is not the true one; null: none, or not known */
};

/* Draws NAME_data_map, NAME_scores and NAME_images, each as .csv, .gp, .svg, .png and .pdf, into `folder`;
 * wrote(path) for each picture, may be null. RT_EIO (gnuplot's reason), RT_EMEMORY. */
int rt_images_draw(const struct rt_image_scores *scores, const char *folder, void (*wrote)(const char *path),
                   struct rt_error *err);

#endif
