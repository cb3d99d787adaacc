/* The built-in experiments: all 72 of the published ones, 5 models x (11 label levels + 3 pixel tests) and
 * figure 2's Inception_bnTrue and Inception_bnFalse. */
#ifndef RT_CONFIG_BUILTIN_H
#define RT_CONFIG_BUILTIN_H

#include "config/experiment.h"

/* A built-in experiment by its published name, or one by a name made like these: MODEL_PROBABILITY_CORRUPTION
 * with any probability, corruption and model ("MLP1_0.55_none"; whether there is such a model, only net/ can
 * tell). RT_ECONFIG names the nearest. */
int rt_experiment_builtin(struct rt_experiment *experiment, const char *name, struct rt_error *err);

/* The number of built-in experiments, and the name of the i-th (0-based; a static string). */
int rt_experiment_builtin_count(void);
const char *rt_experiment_builtin_name(int index);

/* The tests of figure 1, the same for every model: how many, and the name of a model's i-th, "MLP2_0.1_none";
 * false when it does not fit. */
int rt_experiment_tests(void);
bool rt_experiment_test_name(char *name, size_t size, const char *model, int test);

/* A built-in name or a YAML file (a path with a slash or a suffix .yaml or .yml, or the name of a file that is
 * there), not yet changed by --set. RT_ECONFIG; RT_EIO: no such file. */
int rt_experiment_resolve(struct rt_experiment *experiment, const char *name, struct rt_error *err);

#endif
