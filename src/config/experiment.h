/* An experiment: the resolved value of every config key. The keys' table (config/keys.h) gives each one's
 * type, range, default and help; names and meanings are those of the published configs. */
#ifndef RT_CONFIG_EXPERIMENT_H
#define RT_CONFIG_EXPERIMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

enum { RT_TEXT_MAX = 256, RT_MILESTONES_MAX = 16 };

enum rt_scheduler { RT_SCHEDULER_EXPONENTIAL, RT_SCHEDULER_MULTI_STEP, RT_SCHEDULER_CONSTANT };

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
    /* on what */
    double label_corruption_prob;
    char data_corruption_type[RT_TEXT_MAX]; /* none, shuff_pix, rand_pix, gauss_pix */
    bool augment;
    bool normalize_noise;
    struct rt_optional_int train_size, test_size; /* the first N images; null: all */
    struct rt_optional_int seed;                  /* null: one is drawn and recorded */
    bool reseed_on_resume;
    /* how */
    int64_t batch_size, num_epochs;
    double learning_rate, lr_decay, momentum, weight_decay;
    enum rt_scheduler scheduler;
    int64_t milestones[RT_MILESTONES_MAX];
    int milestone_count;
    bool curve;   /* go on past the interpolation threshold */
    bool figure1; /* true: figure 1's protocol; false: figure 2's (test metrics at each log point, no early
                     stop) */
    bool winograd;
    /* what is written */
    int64_t log_every;
    struct rt_optional_int checkpoint_every; /* epochs; null: at the end only */
    char checkpoint_dir[RT_TEXT_MAX];
    char comet_project[RT_TEXT_MAX];
    char device[RT_TEXT_MAX];
    int64_t num_workers;
    /* kept current by the program ("automatically set") */
    char resume_checkpoint[RT_TEXT_MAX]; /* "": null */
    bool interp_reached;
    char experiment_key[RT_TEXT_MAX]; /* "": null */
};

/* The defaults of every key. */
void rt_experiment_defaults(struct rt_experiment *experiment);

/* A built-in experiment by its published name (all 72: 5 models x (11 label levels + 3 pixel tests) and
 * figure 2's Inception_bnTrue and Inception_bnFalse). RT_ECONFIG names the nearest. */
int rt_experiment_builtin(struct rt_experiment *experiment, const char *name, struct rt_error *err);

/* The number of built-in experiments, and the name of the i-th (0-based; a static string). */
int rt_experiment_builtin_count(void);
const char *rt_experiment_builtin_name(int index);

/* Reads a YAML file over the defaults. RT_ECONFIG: "FILE:LINE:COLUMN: what, and the nearest known key"; RT_EIO.
 */
int rt_experiment_read(struct rt_experiment *experiment, const char *path, struct rt_error *err);

/* One "key=value" (the value as in YAML), from --set. */
int rt_experiment_set(struct rt_experiment *experiment, const char *assignment, struct rt_error *err);

/* Checks what spans several keys (corruption and augment, bn and model, ...). */
int rt_experiment_check(const struct rt_experiment *experiment, struct rt_error *err);

/* The whole config as YAML text in the keys' order, into a new string. Reading it gives an equal experiment. */
int rt_experiment_format(const struct rt_experiment *experiment, char **yaml, struct rt_error *err);

#endif
