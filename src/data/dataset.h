/* A data set in memory: images of one split after the other (training first, then test), their labels, and
 * what turns a stored pixel into a network input. */
#ifndef RT_DATA_DATASET_H
#define RT_DATA_DATASET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "config/experiment.h"
#include "config/limits.h"
#include "config/provenance.h"

enum { RT_CHANNELS = 3, /* at most */ RT_CROP = 28, RT_STORED = 32, RT_PLANE = RT_CROP * RT_CROP };

/* The augmentation of one image: offset of the 28x28 window in the 32x32 image, 0..4; whether it is mirrored;
 * whether it is turned first, and then where from: pixel (row, column) of the turned image is pixel
 * ((y - column * sine + row * cosine) >> 16, (x + column * cosine + row * sine) >> 16) of the stored one, black
 * outside it. */
struct rt_crop {
    uint8_t row, column, flip, turned;
    int32_t cosine, sine, x, y; /* in units of 2^-16 */
};

struct rt_dataset {
    char name[64];                  /* of RT_SOURCES */
    char source[1024];              /* where it was read from, for messages and result.json */
    char classes[RT_CLASSES][32];   /* names in label order */
    size_t train_count, test_count; /* that are kept */
    size_t train_total, test_total; /* that the source has */
    int channels, height, width;    /* of an image as networks see it: 3 or 1, 28, 28 */
    int side;             /* of the stored images: 28 (cropped), or 32 when augmentation crops later */
    uint8_t *labels;      /* [train_count + test_count]: the given ones, after corruption */
    uint8_t *labels_true; /* [train_count + test_count]: before it */
    uint8_t *pixels;      /* [count][channels][side][side], or null when `noise` is used */
    float *noise;         /* [count][channels][height][width] in [0, 1]: Gaussian pixels, or null */
    float mean[RT_CHANNELS], std[RT_CHANNELS]; /* of pixels in [0, 1] */
    bool normalize;                            /* x -> (x - mean) / std by channel */
    bool whiten;     /* x -> (x - m) / max(s, 1 / sqrt(N)): m and s of the N values of the image as presented;
                        never with `normalize` */
    char digest[65]; /* of all original records, kept or not: the SHA-256 of the SHA-256s (in hex) of
                        the source's blocks; CIFAR-10's blocks are its six files */
    char corruption_digest[65]; /* of what training and test see: the SHA-256 of the SHA-256s (in hex) of each
                                   1000 kept images, labels before pixels */
    char label_digest[65];      /* of the file that labels come from (label_noise: file), or "" */
    bool official;              /* the official CIFAR-10 bytes */
    /* Where pixels and noise are shared (data/shared.h): whose they are, and how it hears that they are not
     * used here any more. Null: the data set's own. */
    void *owner;
    void (*release)(void *owner);
};

/* Loads the data set called `data` (one of RT_SOURCES: from RETHINK_DATA or the XDG data directory, or made
 * here; anything else: a directory in a layout that one of them knows; null: RETHINK_DATA's, or cifar10), keeps
 * the first train_size and test_size images, and applies the experiment's corruptions from experiment->seed
 * (which must be given). `threads` share the work (0: one per core); the result does not depend on how many.
 * Errors: RT_EDATA (naming file and record), RT_EIO, RT_EMEMORY; *out is untouched then. */
int rt_dataset_load(struct rt_dataset *out, const char *data, const struct rt_experiment *experiment,
                    int threads, struct rt_error *err);
void rt_dataset_free(struct rt_dataset *dataset);

/* Whether the experiment's corruption of pixels is known, and goes with its augmentation. RT_ECONFIG. */
int rt_dataset_check(const struct rt_experiment *experiment, struct rt_error *err);

/* What became of the labels of `count` images from `first` on. */
void rt_dataset_count_labels(const struct rt_dataset *dataset, size_t first, size_t count,
                             struct rt_label_counts *counts);

/* `count` images of `channels` channels (1 or 3) of random normalised pixels (mean 0, deviation 1) with random
 * labels, all for training: what a measurement needs. Free it as any other. RT_EMEMORY. */
int rt_dataset_random(struct rt_dataset *out, size_t count, int channels, uint32_t seed, struct rt_error *err);

#endif
