/* Pictures of what the history of a run's images says: data map, distributions of the scores, sheets of the
 * most and the least typical images. */
#ifndef RT_FIGURES_IMAGES_H
#define RT_FIGURES_IMAGES_H

#include "runs/image_scores.h"

/* Draws NAME_data_map, NAME_scores and NAME_images, each as .csv, .gp, .svg, .png and .pdf, into `folder`;
 * wrote(path) for each picture, may be null. RT_EIO (gnuplot's reason), RT_EMEMORY. */
int rt_images_draw(const struct rt_image_scores *scores, const char *folder, void (*wrote)(const char *path),
                   struct rt_error *err);

#endif
