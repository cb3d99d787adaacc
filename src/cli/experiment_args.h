/* What EXPERIMENT, --config, --set and --epochs mean, the same for every command that takes an experiment. */
#ifndef RT_CLI_EXPERIMENT_ARGS_H
#define RT_CLI_EXPERIMENT_ARGS_H

#include "cli/command.h"
#include "config/experiment.h"

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
#define RT_OPTION_EPOCHS                                                                                       \
    {                                                                                                          \
        "epochs", 0, "N", NULL, "train until epoch N: --set num_epochs=N"                                      \
    }
#define RT_EXPERIMENT_OPTIONS RT_OPTION_CONFIG, RT_OPTION_SET, RT_OPTION_EPOCHS

/* The experiment that the arguments ask for, its model known, checked across keys, remarks said. RT_EUSAGE,
 * RT_ECONFIG, RT_EIO. */
int rt_experiment_from_arguments(struct rt_experiment *experiment, const struct rt_arguments *arguments,
                                 struct rt_error *err);

/* The key `device` from --device, where it is given. */
int rt_experiment_set_device(struct rt_experiment *experiment, const struct rt_arguments *arguments,
                             struct rt_error *err);

/* Applies every --set, --epochs and --device of the arguments, then checks as rt_experiment_from_arguments
 * does. `origin` is the file or name in messages. */
int rt_experiment_apply_arguments(struct rt_experiment *experiment, const struct rt_arguments *arguments,
                                  const char *origin, struct rt_error *err);

#endif
