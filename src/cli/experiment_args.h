/* What EXPERIMENT, --config, --set and its shorthands mean, the same for every command that takes an
 * experiment. */
#ifndef RT_CLI_EXPERIMENT_ARGS_H
#define RT_CLI_EXPERIMENT_ARGS_H

#include "cli/command.h"
#include "config/experiment.h"
#include "config/shorthands.h"

/* For a command's option table. Its operands are "EXPERIMENT" with operands_min 0, operands_max 1 and
 * operand_values RT_EXPERIMENT_VALUES. */
#define RT_EXPERIMENT_VALUES "@experiments @files"
#define RT_OPTION_CONFIG                                                                                       \
    {                                                                                                          \
        "config", 0, "FILE", "@files", "the experiment, as in published command lines"                         \
    }
#define RT_OPTION_SET                                                                                          \
    {                                                                                                          \
        "set", 0, "KEY=VALUE", "@keys", "change a config key; may be repeated"                                 \
    }
/* --lr RATE and the others, each with a comma behind it. */
#define RT_SHORTHAND_OPTION(option, key, argument, help)                                                       \
    {option, 0, argument, NULL, help ": --set " #key "=" argument},
#define RT_SHORTHAND_OPTIONS RT_SHORTHANDS(RT_SHORTHAND_OPTION)
#define RT_OPTION_LABELS                                                                                       \
    {                                                                                                          \
        "labels", 0, "FILE", "@files",                                                                         \
            "take the given labels from a CSV, JSON or .npy file, or CIFAR-10N's (cifar10n-aggre, "            \
            "-random1, -random2, -random3, -worse): --set label_noise=file label_file=FILE"                    \
    }
#define RT_OPTION_FITTED_LABELS                                                                                \
    {                                                                                                          \
        "labels", 0, "true|random|FILE", "true random @files",                                                 \
            "what is fitted: the true labels (default), random ones, or those of a file"                       \
    }
#define RT_EXPERIMENT_OPTIONS RT_SHORTHAND_OPTIONS RT_OPTION_SET, RT_OPTION_LABELS, RT_OPTION_CONFIG

/* A change of a config key that the command line asks for. */
struct rt_assignment {
    const char *text;               /* KEY=VALUE with the key's full name; null: there are no more */
    const struct rt_option *option; /* that gave it: --set or a shorthand */
    char store[RT_TEXT_MAX];        /* of the text, where it is not the option's value itself */
};

/* The next one in the order given; *at begins at 0. Those of a later one win. RT_EUSAGE. */
int rt_assignment_next(struct rt_assignment *assignment, const struct rt_arguments *arguments, int *at,
                       struct rt_error *err);
/* Whether it sets the key `preset`, which is applied before the others. */
bool rt_assignment_is_preset(const char *assignment);
/* Whether one of them sets this key. */
bool rt_assignment_sets(const struct rt_arguments *arguments, const char *key);

/* What is wrong with a KEY of --set, as an error of the shorthand that set it; anything else as it is. Returns
 * its status. */
int rt_assignment_blame(const struct rt_arguments *arguments, const struct rt_error *cause,
                        struct rt_error *err);

/* Applies all of them to the experiment. RT_ECONFIG and RT_EUSAGE name the option. */
int rt_assignments_apply(struct rt_experiment *experiment, const struct rt_arguments *arguments,
                         struct rt_error *err);

/* The experiment that the arguments ask for, its model known, checked across keys, remarks said. RT_EUSAGE,
 * RT_ECONFIG, RT_EIO. */
int rt_experiment_from_arguments(struct rt_experiment *experiment, const struct rt_arguments *arguments,
                                 struct rt_error *err);

/* The built-in experiments of all models: the published ones, then figure 1's tests of every model that is not
 * published. `name` is the i-th's (0-based). */
int rt_experiment_count(void);
void rt_experiment_name(int index, char name[RT_TEXT_MAX]);

/* What --labels FILE means; null: nothing. RT_EUSAGE. */
int rt_experiment_set_labels(struct rt_experiment *experiment, const char *file, struct rt_error *err);

/* The key `device` from --device, where it is given. */
int rt_experiment_set_device(struct rt_experiment *experiment, const struct rt_arguments *arguments,
                             struct rt_error *err);

/* Applies every --set, shorthand and --device of the arguments, then checks as rt_experiment_from_arguments
 * does. `origin` is the file or name in messages. */
int rt_experiment_apply_arguments(struct rt_experiment *experiment, const struct rt_arguments *arguments,
                                  const char *origin, struct rt_error *err);

/* The experiment of a command that trains no network: from RT_OPTION_FITTED_LABELS, --set and shorthands it
 * takes a seed, which must not be null, the keys of labels, data_corruption_type and, if `sizes`, train_size
 * and test_size. The caller adds what it needs, then calls rt_experiment_check. RT_EUSAGE (another key),
 * RT_ECONFIG. */
int rt_experiment_without_network(struct rt_experiment *experiment, const struct rt_arguments *arguments,
                                  bool sizes, struct rt_error *err);

#endif
