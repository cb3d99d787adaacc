#include "track/params.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "config/keys.h"
#include "track/crc32c.h"

/* Keys of what is trained, on what and how, but not the name, and not those without effect. */
static bool is_param(const struct rt_key *key)
{
    return (key->group == RT_GROUP_MODEL || key->group == RT_GROUP_DATA || key->group == RT_GROUP_TRAINING) &&
           !rt_text_has_word("experiment_name num_workers device", key->name);
}

static void fill_number(struct rt_param *param, double value)
{
    param->kind = RT_PARAM_NUMBER;
    param->number = value;
    snprintf(param->text, sizeof param->text, "%.12g", value);
}

static void fill_other(struct rt_param *param, const struct rt_key *key, const struct rt_experiment *experiment)
{
    struct rt_text text = {0};

    param->kind = RT_PARAM_TEXT;
    rt_key_format(key, experiment, &text);
    snprintf(param->text, sizeof param->text, "%s", rt_text_string(&text));
    rt_text_free(&text);
}

static void fill(struct rt_param *param, const struct rt_key *key, const struct rt_experiment *experiment)
{
    const void *field = (const char *)experiment + key->offset;
    const struct rt_optional_int *optional = field;

    *param = (struct rt_param){.name = key->name, .may_change = rt_text_has_word(RT_RUN_MAY_CHANGE, key->name)};
    switch (key->type) {
    case RT_KEY_BOOL:
        param->kind = RT_PARAM_BOOL;
        param->number = *(const bool *)field;
        rt_copy_text(param->text, sizeof param->text, *(const bool *)field ? "true" : "false");
        break;
    case RT_KEY_INTEGER:
        fill_number(param, (double)*(const int64_t *)field);
        break;
    case RT_KEY_REAL:
        fill_number(param, *(const double *)field);
        break;
    case RT_KEY_OPTIONAL_INTEGER:
    case RT_KEY_INTEGER_OR_ALL:
        if (optional->given)
            fill_number(param, (double)optional->value);
        else
            fill_other(param, key, experiment);
        break;
    case RT_KEY_TEXT:
    case RT_KEY_WORD:
        snprintf(param->text, sizeof param->text, "%s", (const char *)field);
        break;
    case RT_KEY_OPTIONAL_TEXT:
    case RT_KEY_NAME:
    case RT_KEY_CHOICE:
    case RT_KEY_INTEGERS:
    case RT_KEY_REALS:
    case RT_KEY_WORDS:
        fill_other(param, key, experiment);
        break;
    }
}

int rt_params_list(const struct rt_experiment *experiment, struct rt_param params[RT_PARAMS_MAX])
{
    int count = 0;

    for (const struct rt_key *key = rt_keys; key->name && count < RT_PARAMS_MAX; key++)
        if (is_param(key))
            fill(&params[count++], key, experiment);
    return count;
}

void rt_params_group(const struct rt_experiment *experiment, char group[RT_TEXT_MAX])
{
    struct rt_param params[RT_PARAMS_MAX];
    char text[RT_PARAMS_MAX * 64] = "";
    const int count = rt_params_list(experiment, params);
    struct rt_text probability = {0};
    size_t length = 0;

    for (int i = 0; i < count; i++)
        if (!rt_text_has_word("seed num_epochs", params[i].name) && length < sizeof text)
            length += (size_t)snprintf(text + length, sizeof text - length, "%s=%.40s\n", params[i].name,
                                       params[i].text);
    rt_text_append_real(&probability, experiment->label_corruption_prob);
    snprintf(group, RT_TEXT_MAX, "%.100s_%.30s_%.100s-%08" PRIx32, experiment->model_name,
             rt_text_string(&probability), experiment->data_corruption_type, rt_crc32c(text, strlen(text)));
    rt_text_free(&probability);
}
