/* An experiment: the resolved value of every config key. The keys' table (config/keys.h) gives each one's
 * type, range, default and help; names and meanings are those of the published configs. */
#ifndef RT_CONFIG_EXPERIMENT_H
#define RT_CONFIG_EXPERIMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"
#include "config/devices.h"
#include "config/limits.h"
#include "config/optimizers.h"
#include "config/schedulers.h"

enum { RT_TEXT_MAX = 256, RT_MILESTONES_MAX = 16, RT_MATRIX_MAX = RT_CLASSES * RT_CLASSES };

/* Keys that decide how long a run goes and what is said about it, not what it computes: they may change between
 * two sessions of it. */
#define RT_RUN_MAY_CHANGE                                                                                      \
    "num_epochs curve evaluate_every checkpoint_every keep_checkpoints histograms_every checkpoint_dir track " \
    "comet_project "                                                                                           \
    "device precision "                                                                                        \
    "num_workers "                                                                                             \
    "config resume_checkpoint interp_reached experiment_key reseed_on_resume"

/* The words of `preprocessing`, `crop` and `flip`, in the order of their enums. */
#define RT_PREPROCESSING_WORDS "channel image none"
#define RT_CROPPING_WORDS "auto center random"
#define RT_FLIPPING_WORDS "auto true false"

enum rt_preprocessing { RT_PREPROCESSING_CHANNEL, RT_PREPROCESSING_IMAGE, RT_PREPROCESSING_NONE };
enum rt_cropping { RT_CROPPING_AUTO, RT_CROPPING_CENTER, RT_CROPPING_RANDOM };
enum rt_flipping { RT_FLIPPING_AUTO, RT_FLIPPING_TRUE, RT_FLIPPING_FALSE };

/* What training does to images at random: windows, mirror images, turns of up to `rotate` degrees. */
struct rt_augmentation {
    bool crop, flip;
    double rotate;
};

/* A value that may be `null` in YAML. */
struct rt_optional_int {
    bool given;
    int64_t value;
};

struct rt_experiment {
    /* what is trained */
    char experiment_name[RT_TEXT_MAX]; /* "MLP1_0.5_none": also the run directory's last part */
    char model_name[RT_TEXT_MAX];
    bool bn;
    double dropout;
    char preset[RT_TEXT_MAX]; /* one of RT_PRESETS (config/presets.h) */
    /* on what */
    double label_corruption_prob;
    char label_noise[RT_TEXT_MAX];       /* a name of RT_LABEL_NOISES (config/label_noise.h) */
    char label_noise_split[RT_TEXT_MAX]; /* "both" or "train" */
    double label_noise_matrix[RT_MATRIX_MAX];
    int label_noise_matrix_count;           /* 0, or all of them: [true][given] */
    char label_file[RT_TEXT_MAX];           /* "": null */
    char data_corruption_type[RT_TEXT_MAX]; /* a name of RT_CORRUPTIONS (config/corruptions.h) */
    enum rt_preprocessing preprocessing;
    bool augment; /* crop and flip both; see rt_experiment_augmentation */
    enum rt_cropping crop;
    enum rt_flipping flip;
    double rotate; /* degrees */
    bool normalize_noise;
    struct rt_optional_int train_size, test_size; /* the first N images; null: all */
    struct rt_optional_int seed;                  /* null: one is drawn and recorded */
    bool reseed_on_resume;
    /* how */
    int64_t batch_size, num_epochs;
    double learning_rate, lr_decay, momentum, weight_decay;
    enum rt_scheduler scheduler;
    enum rt_optimizer_index optimizer;
    int64_t milestones[RT_MILESTONES_MAX];
    int milestone_count;
    bool curve;   /* go on past the interpolation threshold */
    bool figure1; /* true: figure 1's protocol; false: figure 2's (test metrics at each log point, no early
                     stop) */
    bool winograd;
    /* what is written */
    int64_t log_every;
    struct rt_optional_int evaluate_every;   /* epochs; null: as published */
    struct rt_optional_int checkpoint_every; /* epochs; null: at the end only */
    struct rt_optional_int keep_checkpoints; /* of the newest; none given: all */
    char checkpoint_dir[RT_TEXT_MAX];        /* without effect; "": null */
    char track[RT_TEXT_MAX];                 /* recorders that are asked for, joined by commas; "": none */
    struct rt_optional_int histograms_every; /* epochs; null: none */
    bool record_images;                      /* the history of every training image (run/history.h) */
    char comet_project[RT_TEXT_MAX];
    char device[RT_TEXT_MAX]; /* one of RT_DEVICES, perhaps with a number */
    enum rt_precision precision;
    int64_t num_workers;
    char config[RT_TEXT_MAX]; /* published configs name themselves here; "": null */
    /* updated by the program ("automatically set") */
    char resume_checkpoint[RT_TEXT_MAX]; /* "": null */
    bool interp_reached;
    char experiment_key[RT_TEXT_MAX]; /* "": null */
};

/* The defaults of every key, whatever the model. */
void rt_experiment_defaults(struct rt_experiment *experiment);

/* Names the experiment by its model and corruption, as a missing experiment_name is. */
void rt_experiment_derive_name(struct rt_experiment *experiment);

bool rt_experiment_name_is_derived(const struct rt_experiment *experiment);

/* Reads a YAML file: over the defaults, then over those of the file's model_name (num_epochs, learning_rate,
 * scheduler, milestones), then the file's keys; a missing experiment_name is made from model and corruption.
 * RT_ECONFIG: "FILE:LINE:COLUMN: what, and the nearest known key"; RT_EIO. */
int rt_experiment_read(struct rt_experiment *experiment, const char *path, struct rt_error *err);
/* The same from memory; `name` is the file's name in messages. */
int rt_experiment_parse(struct rt_experiment *experiment, const char *name, const char *yaml, size_t size,
                        struct rt_error *err);

/* One "key=value" (the value as in YAML; lists also without brackets), from --set. An experiment_name that was
 * made from model and corruption follows when these change; nothing else does. RT_ECONFIG. */
int rt_experiment_set(struct rt_experiment *experiment, const char *assignment, struct rt_error *err);

/* What augment, crop, flip and rotate together ask for. */
struct rt_augmentation rt_experiment_augmentation(const struct rt_experiment *experiment);

/* Whether any of it is asked for: then whole images are kept, and windows cut from them. */
bool rt_experiment_augments(const struct rt_experiment *experiment);

/* The assignment that asks for it, for messages: "augment: true", "crop: random", ...; null: none. */
const char *rt_experiment_augmented_by(const struct rt_experiment *experiment);

/* Checks what spans several keys (corruption and augment, bn and model, ...). RT_ECONFIG. */
int rt_experiment_check(const struct rt_experiment *experiment, struct rt_error *err);

/* Says, once in a process, which of the given values cannot take effect here (num_workers, ...). */
void rt_experiment_remarks(const struct rt_experiment *experiment);

/* The whole config as YAML in the keys' order, in a new string; reading it gives an equal one. RT_EMEMORY. */
int rt_experiment_format(const struct rt_experiment *experiment, char **yaml, struct rt_error *err);

/* The first key, in the table's order, whose value differs and that is not one of the space-separated `ignored`
 * keys; null: they are alike. */
const char *rt_experiment_difference(const struct rt_experiment *a, const struct rt_experiment *b,
                                     const char *ignored);

/* Appends all of them: "learning_rate is 0.02, not 0.01; batch_size is 64, not 128" (a's value first). */
void rt_experiment_append_differences(const struct rt_experiment *a, const struct rt_experiment *b,
                                      const char *ignored, struct rt_text *text);

/* Into the empty text, what gives b the values of a: "--set learning_rate=0.02 --set 'milestones=[100, 200]'";
 * of more than 400 letters, that they stand in the run's config.yaml. */
void rt_experiment_format_assignments(const struct rt_experiment *a, const struct rt_experiment *b,
                                      const char *ignored, struct rt_text *text);

/* One key's value as YAML, into text[size] (cut when it does not fit). False: no such key. */
bool rt_experiment_value(const struct rt_experiment *experiment, const char *key, char *text, size_t size);

/* The place of a key's value in a YAML file, for messages about what only others can judge. False: not there.
 */
bool rt_experiment_where(const char *path, const char *key, int *line, int *column);

#endif
