/* Where the numbers of a run come from: data, engine, machine. Filled in once for a session (train/setup.h),
 * and copied whole into its result, its checkpoints and what recorders are told. */
#ifndef RT_CONFIG_PROVENANCE_H
#define RT_CONFIG_PROVENANCE_H

#include <stdbool.h>
#include <stdint.h>

#include "config/limits.h"

enum { RT_PROVENANCE_TEXT_MAX = 256 };

/* What became of a split's labels. */
struct rt_label_counts {
    int64_t images, changed;                     /* changed: the given label is not the true one */
    int64_t transitions[RT_CLASSES][RT_CLASSES]; /* [true][given], images */
};

struct rt_provenance {
    char version[RT_PROVENANCE_TEXT_MAX]; /* of the program */
    struct {
        char name[RT_PROVENANCE_TEXT_MAX], source[RT_PROVENANCE_TEXT_MAX]; /* "cifar10", and where it was */
        bool official;                                                     /* the official CIFAR-10 bytes */
        char digest[RT_PROVENANCE_TEXT_MAX];            /* SHA-256 in hex of the data set's bytes */
        char corruption_digest[RT_PROVENANCE_TEXT_MAX]; /* of what training and test see */
        int64_t train_size, test_size;                  /* images */
        char label_file[RT_PROVENANCE_TEXT_MAX];        /* that given labels come from, or "" */
        char label_digest[RT_PROVENANCE_TEXT_MAX];      /* SHA-256 in hex of it, or "" */
        struct rt_label_counts train_labels, test_labels;
    } data;
    char engine[RT_PROVENANCE_TEXT_MAX], target[RT_PROVENANCE_TEXT_MAX]; /* "native", "avx512" */
    int64_t threads, parameters;
    struct {
        char cpu[RT_PROVENANCE_TEXT_MAX], os[RT_PROVENANCE_TEXT_MAX];
        int64_t cores;
    } machine;
};

#endif
