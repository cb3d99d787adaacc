/* What the published models set differently from the keys' defaults (config/models.h). */
#ifndef RT_CONFIG_MODEL_DEFAULTS_H
#define RT_CONFIG_MODEL_DEFAULTS_H

#include "config/experiment.h"

/* Sets what the model, given by any of its names, sets differently; nothing for one that is not listed.
 * Errors: RT_EMEMORY. */
int rt_published_model_defaults(struct rt_experiment *experiment, const char *model, struct rt_error *err);
/* Replaces another name of a listed model by its own. */
void rt_published_model_canonical(char name[RT_TEXT_MAX]);
bool rt_published_model_known(const char *model);

#endif
