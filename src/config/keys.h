/* The config keys: one row each, from which come defaults, validation and its messages, `rethink config
 * --keys`, the man page, the completion and docs/config.md. A new key is its row here and its field in struct
 * rt_experiment. */
#ifndef RT_CONFIG_KEYS_H
#define RT_CONFIG_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "config/corruptions.h"
#include "config/devices.h"
#include "config/experiment.h"
#include "config/label_noise.h"
#include "config/models.h"
#include "config/optimizers.h"
#include "config/presets.h"
#include "config/schedulers.h"
#include "config/trackers.h"
#include "config/yaml.h"

enum rt_key_type {
    RT_KEY_TEXT,             /* char[RT_TEXT_MAX] */
    RT_KEY_OPTIONAL_TEXT,    /* the same, null is "" */
    RT_KEY_WORD,             /* the same, one of the row's words (any name if it has none) */
    RT_KEY_NAME,             /* the same, fit to name a folder; null: made from model and corruption */
    RT_KEY_BOOL,             /* bool */
    RT_KEY_INTEGER,          /* int64_t */
    RT_KEY_OPTIONAL_INTEGER, /* struct rt_optional_int */
    RT_KEY_INTEGER_OR_ALL,   /* the same: "all" is none given */
    RT_KEY_REAL,             /* double */
    RT_KEY_CHOICE,           /* an enum: the index of one of the row's words */
    RT_KEY_INTEGERS,         /* int64_t[RT_MILESTONES_MAX] and milestone_count: increasing */
    RT_KEY_REALS,            /* double[RT_MATRIX_MAX] and label_noise_matrix_count */
    RT_KEY_WORDS,            /* char[RT_TEXT_MAX]: words joined by commas */
};

#define RT_KEY_GROUPS(X)                                                                                       \
    X(MODEL, "what is trained")                                                                                \
    X(DATA, "on what")                                                                                         \
    X(TRAINING, "how")                                                                                         \
    X(OUTPUT, "what is written")                                                                               \
    X(STATE, "kept current in the run's own config.yaml by the program")

enum rt_key_group {
#define RT_KEY_GROUP_ENUM(symbol, title) RT_GROUP_##symbol,
    RT_KEY_GROUPS(RT_KEY_GROUP_ENUM)
#undef RT_KEY_GROUP_ENUM
};

/* Exclusive bounds. */
#define RT_ABOVE_ZERO 0x1p-1022
#define RT_BELOW_ONE 0x1.fffffffffffffp-1

/* X(group, key = field, type, lowest, highest, words, default, meaning) */
/* clang-format off */
#define RT_KEYS(X) \
    X(MODEL, experiment_name, NAME, 0, 0, "", "null", \
      "the run's name and folder; null: MODEL_PROBABILITY_CORRUPTION for figure 1, MODEL_bnTrue or MODEL_bnFalse for figure 2, with _PROBABILITY_CORRUPTION behind it unless that is _0.0_none") \
    X(MODEL, model_name, WORD, 0, 0, "", "MLP1", \
      RT_PUBLISHED_MODEL_ENUMERATION "or another of 'rethink view --models'") \
    X(MODEL, bn, BOOL, 0, 1, "", "true", \
      "Inception: with batch norm; false is figure 2's network without it") \
    X(MODEL, dropout, REAL, 0, RT_BELOW_ONE, "", "0.0", \
      "probability of zeroing a hidden unit in training") \
    X(MODEL, preset, WORD, 0, 0, RT_PRESET_WORDS, "none", \
      "values of several keys, which keys that are given beat" RT_PRESET_CLAUSES) \
    X(DATA, label_corruption_prob, REAL, 0, 1, "", "0.0", \
      "each label is, with this probability, replaced as label_noise says") \
    X(DATA, label_noise, WORD, 0, 0, RT_LABEL_NOISE_WORDS, "published", \
      "what replaces a label" RT_LABEL_NOISE_CLAUSES) \
    X(DATA, label_noise_split, WORD, 0, 0, "both train ", "both", \
      "whose labels are replaced: of training and test images, or of training images only") \
    X(DATA, label_noise_matrix, REALS, 0, 1, "", "[]", \
      "of label_noise: class_dependent: 100 probabilities, row by row; row: true label, column: given label; each row adds up to 1") \
    X(DATA, label_file, OPTIONAL_TEXT, 0, 0, "", "null", \
      "of label_noise: file: a CSV, JSON or .npy file of labels, or CIFAR-10N's cifar10n-aggre, -random1, -random2, -random3 or -worse") \
    X(DATA, data_corruption_type, WORD, 0, 0, RT_CORRUPTION_WORDS, "none", \
      "what is done to the pixels" RT_CORRUPTION_CLAUSES) \
    X(DATA, preprocessing, CHOICE, 0, 0, RT_PREPROCESSING_WORDS, "channel", \
      "how pixels become inputs, after / 255; channel: the data set's mean and deviation of each channel, image: the mean and deviation of the image as it is cropped, all channels together, none: as they are") \
    X(DATA, augment, BOOL, 0, 1, "", "false", \
      "random crops and mirror images in training, instead of the central crop: crop: random and flip: true") \
    X(DATA, crop, CHOICE, 0, 0, RT_CROPPING_WORDS, "auto", \
      "the 28 x 28 window in training, central or at random; auto: as augment says. Tests see the centre") \
    X(DATA, flip, CHOICE, 0, 0, RT_FLIPPING_WORDS, "auto", \
      "mirror images in training, one image in two; auto: as augment says") \
    X(DATA, rotate, REAL, 0, 180, "", "0.0", \
      "in training turn each image, before the crop, by a random angle of at most this many degrees either way") \
    X(DATA, normalize_noise, BOOL, 0, 1, "", "true", \
      "preprocess Gaussian pixels as all other images; false feeds them in [0, 1]") \
    X(DATA, train_size, OPTIONAL_INTEGER, 1, 60000, "", "null", \
      "only the first N training images; null: all") \
    X(DATA, test_size, OPTIONAL_INTEGER, 1, 10000, "", "null", \
      "only the first N test images; null: all") \
    X(DATA, seed, OPTIONAL_INTEGER, 0, 4294967295, "", "42", \
      "seed of corruption, initial weights and the order of images; null: one is drawn and recorded") \
    X(DATA, reseed_on_resume, BOOL, 0, 1, "", "false", \
      "a resumed run draws a new seed, and with it new corruption, as the published runs without a seed did") \
    X(TRAINING, num_epochs, INTEGER, 1, 1000000, "", "100", \
      "train until this epoch, or until the interpolation threshold") \
    X(TRAINING, batch_size, INTEGER, 1, 60000, "", "128", \
      "images in a batch; the last batch of an epoch has the remainder") \
    X(TRAINING, learning_rate, REAL, 0, 1000, "", "0.01", \
      "of the first epoch") \
    X(TRAINING, scheduler, CHOICE, 0, 0, RT_SCHEDULER_WORDS, "exponential", \
      "how the learning rate changes" RT_SCHEDULER_CLAUSES) \
    X(TRAINING, lr_decay, REAL, RT_ABOVE_ZERO, 1, "", "0.95", \
      "factor of the exponential scheduler") \
    X(TRAINING, milestones, INTEGERS, 1, 1000000, "", "[]", \
      "epochs after which the multi-step scheduler lowers the learning rate, increasing; at most 16") \
    X(TRAINING, optimizer, CHOICE, 0, 0, RT_OPTIMIZER_WORDS, "sgd", \
      "how weights follow their gradients" RT_OPTIMIZER_CLAUSES) \
    X(TRAINING, momentum, REAL, 0, RT_BELOW_ONE, "", "0.9", \
      "of the optimizer") \
    X(TRAINING, weight_decay, REAL, 0, 1000, "", "0.0", \
      "added to the gradient, times the weight") \
    X(TRAINING, curve, BOOL, 0, 1, "", "false", \
      "continue to num_epochs after the interpolation threshold is reached") \
    X(TRAINING, figure1, BOOL, 0, 1, "", "true", \
      "true: stop at the interpolation threshold; false (figure 2): test at every log point and do not stop") \
    X(TRAINING, winograd, BOOL, 0, 1, "", "true", \
      "the native engine may use Winograd's convolution algorithms; false: direct products only") \
    X(TRAINING, num_workers, INTEGER, 0, 1024, "", "2", \
      "accepted from published configs; without effect, as batches need no loader processes") \
    X(TRAINING, device, TEXT, 0, 0, "", "cpu", \
      "what computes; --device overrides it" RT_DEVICE_CLAUSES) \
    X(TRAINING, precision, CHOICE, 0, 0, RT_PRECISION_WORDS, "default", \
      "what products of matrices are computed in" RT_PRECISION_CLAUSES) \
    X(OUTPUT, log_every, INTEGER, 1, 1000000, "", "50", \
      "batches between two log points; the epoch's last batch is one too") \
    X(OUTPUT, evaluate_every, OPTIONAL_INTEGER, 1, 1000000, "", "null", \
      "epochs between two tests on the test set, which change nothing in training; null: as published, at the threshold (figure 2: at every log point)") \
    X(OUTPUT, checkpoint_every, OPTIONAL_INTEGER, 1, 1000000, "", "null", \
      "epochs between two checkpoints; null: at the threshold and at the end") \
    X(OUTPUT, keep_checkpoints, INTEGER_OR_ALL, 1, 1000000, "", "2", \
      "how many of the newest checkpoints stay, beside the one at the threshold: one to resume, one to fall back on; or all") \
    X(OUTPUT, checkpoint_dir, OPTIONAL_TEXT, 0, 0, "", "null", \
      "accepted from published configs; without effect, as checkpoints are stored in the run's folder") \
    X(OUTPUT, track, WORDS, 0, 0, "", "tensorboard", \
      "trackers that follow the run, besides console and metrics.csv: " RT_TRACKER_ENUMERATION "or [] for none") \
    X(OUTPUT, histograms_every, OPTIONAL_INTEGER, 1, 1000000, "", "null", \
      "epochs between two histograms of each layer's weights for TensorBoard; null: none") \
    X(OUTPUT, record_images, BOOL, 0, 1, "", "false", \
      "keep loss, probability, margin and correctness of every training image in every epoch, for rethink images") \
    X(OUTPUT, comet_project, TEXT, 0, 0, "", "deep-learning-generalization", \
      "project of the Comet and MLflow trackers") \
    X(OUTPUT, config, OPTIONAL_TEXT, 0, 0, "", "null", \
      "accepted from published configs, where it is the file's own path; without effect") \
    X(STATE, resume_checkpoint, OPTIONAL_TEXT, 0, 0, "", "null", \
      "the checkpoint from which the run is resumed") \
    X(STATE, interp_reached, BOOL, 0, 1, "", "false", \
      "whether the interpolation threshold has been reached") \
    X(STATE, experiment_key, OPTIONAL_TEXT, 0, 0, "", "null", \
      "the run's key at Comet")
/* clang-format on */

struct rt_key {
    enum rt_key_group group;
    const char *name;
    enum rt_key_type type;
    size_t offset; /* of the field in struct rt_experiment */
    double low, high;
    const char *words;  /* allowed values, separated by spaces; "": not restricted */
    const char *preset; /* the default, as YAML */
    const char *help;
};

/* All keys in the table's order, ended by a null name. */
extern const struct rt_key rt_keys[];

/* Whether the text may be the name of a run, a model or a corruption, and so of a folder: letters, digits and
 * "._-=+,", not beginning with '.' or '-'. */
bool rt_name_is_valid(const char *text);

const struct rt_key *rt_key_find(const char *name);
/* Also by its short name (config/shorthands.h), "-" and "_" alike. */
const struct rt_key *rt_key_find_short(const char *name);

/* "WHERE: unknown key 'NAME'; did you mean ...". Returns RT_ECONFIG. */
int rt_key_unknown(const char *where, const char *name, struct rt_error *err);

/* Sets the field from YAML. RT_ECONFIG: "FILE:LINE:COLUMN: KEY: expected ..., got ..."; with a null file "--set
 * KEY: expected ...". */
int rt_key_set(const struct rt_key *key, struct rt_experiment *experiment, const char *file,
               const struct rt_yaml_entry *entry, struct rt_error *err);

/* Sets keys from assignments KEY=VALUE separated by spaces, as our own tables write them. Allocates only for
 * the message of an error. */
int rt_keys_set(struct rt_experiment *experiment, const char *assignments, struct rt_error *err);

/* Appends the field's value as YAML. */
void rt_key_format(const struct rt_key *key, const struct rt_experiment *experiment, struct rt_text *text);

/* Appends what the key takes: "a whole number from 1 to 50000". */
void rt_key_expectation(const struct rt_key *key, struct rt_text *text);

/* "what is trained" */
const char *rt_key_group_title(enum rt_key_group group);

#endif
