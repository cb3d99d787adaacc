/* A run's hyper-parameters as trackers show them: the config's keys, less those that name files and services.
 */
#ifndef RT_TRACK_PARAMS_H
#define RT_TRACK_PARAMS_H

#include <stdbool.h>

#include "config/experiment.h"

enum { RT_PARAMS_MAX = 48 };

enum rt_param_kind { RT_PARAM_TEXT, RT_PARAM_BOOL, RT_PARAM_NUMBER };

struct rt_param {
    const char *name; /* the config key */
    bool may_change;  /* between two sessions of a run */
    enum rt_param_kind kind;
    double number;          /* also 0 or 1 for a bool */
    char text[RT_TEXT_MAX]; /* as in YAML, without quotes: "0.5", "true", "null", "multi-step" */
};

/* Fills `params` and returns their number. */
int rt_params_list(const struct rt_experiment *experiment, struct rt_param params[RT_PARAMS_MAX]);

/* A name that runs share when they differ in nothing but the seed and their name: "MLP1_0.5_none-1a2b3c4d". */
void rt_params_group(const struct rt_experiment *experiment, char group[RT_TEXT_MAX]);

#endif
