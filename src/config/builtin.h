/* The built-in experiments, and what each published model sets differently from the keys' defaults. */
#ifndef RT_CONFIG_BUILTIN_H
#define RT_CONFIG_BUILTIN_H

#include "config/experiment.h"
#include "config/yaml.h"

/* X(model, other names it goes by, what differs from the keys' defaults).
 * Epochs leave room above the slowest published run to the threshold (MLP1 126, MLP3 55, AlexNet 126, Inception
 * 63, WRN 21), since runs stop there by themselves. Schedules: published table of models; MLP1's published
 * pixel tests show a rate without the drop at epoch 100, whose schedule is not known, so these have the same
 * one. */
/* clang-format off */
#define RT_MODEL_DEFAULTS(X) \
    X(MLP1, "", "num_epochs=200 scheduler=multi-step milestones=100,200") \
    X(MLP3, "", "num_epochs=100") \
    X(AlexNet, "AlexNetSmall", "num_epochs=200") \
    X(Inception, "InceptionSmall", "num_epochs=100 learning_rate=0.1") \
    X(WRN, "WideResNet", "num_epochs=50")
/* clang-format on */

/* One key as rt_experiment_set sets it, already parsed. Allocates only for the message of an error. */
int rt_experiment_set_entry(struct rt_experiment *experiment, const struct rt_yaml_entry *entry,
                            struct rt_error *err);

/* Sets what the model, given by any of its names, sets differently; nothing for one that is not listed.
 * Errors: RT_EMEMORY. */
int rt_builtin_model_defaults(struct rt_experiment *experiment, const char *model, struct rt_error *err);
/* Replaces another name of a listed model by its own. */
void rt_builtin_model_canonical(char name[RT_TEXT_MAX]);
bool rt_builtin_model_known(const char *model);

#endif
