/* What the data look like: a batch of training images, some of them above their corrupted selves, and what
 * networks get of them. Errors: those of rt_dataset_load; RT_EIO, naming the picture. */
#ifndef RT_FIGURES_SAMPLES_H
#define RT_FIGURES_SAMPLES_H

#include "base/error.h"
#include "base/path.h"
#include "data/dataset.h"

/* Writes the first training batch of the seed as FOLDER/<data set>.png, a grid of 8 x 16, and for each pixel
 * corruption its first 8 images above the same 8 corrupted: shuffled_pixels.png, random_pixels.png,
 * gaussian_pixels.png. `data` as for rt_dataset_load; `wrote` (may be null) is called for each file. */
int rt_samples_write(const char *data, const char *folder, uint32_t seed, void (*wrote)(const char *path),
                     struct rt_error *err);

/* Writes FOLDER/network_inputs.png: 8 images of the experiment's first batch and, below each, what its network
 * is trained on in epochs 1, 2 and 3, after corruption, turn, crop, mirroring and preprocessing. Inputs from
 * -2.5 to 2.5 are drawn from black to white, with preprocessing: none those from 0 to 1. The experiment has a
 * seed. */
int rt_samples_write_inputs(const char *data, const char *folder, const struct rt_experiment *experiment,
                            void (*wrote)(const char *path), struct rt_error *err);

/* Writes the data set's first 128 training images, as they are trained on but for the normalisation, as one
 * grid. */
int rt_samples_write_grid(const struct rt_dataset *dataset, const char *path, struct rt_error *err);

#endif
