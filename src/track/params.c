#include "track/params.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "track/crc32c.h"

struct list {
    struct rt_param *params;
    int count;
};

static struct rt_param *add(struct list *list, const char *name, enum rt_param_kind kind)
{
    struct rt_param *param = &list->params[list->count++];

    *param = (struct rt_param){.name = name, .kind = kind};
    return param;
}

static void add_text(struct list *list, const char *name, const char *value)
{
    snprintf(add(list, name, RT_PARAM_TEXT)->text, RT_TEXT_MAX, "%s", value);
}

static void add_bool(struct list *list, const char *name, bool value)
{
    struct rt_param *param = add(list, name, RT_PARAM_BOOL);

    param->number = value;
    rt_copy_text(param->text, sizeof param->text, value ? "true" : "false");
}

static void add_number(struct list *list, const char *name, double value)
{
    struct rt_param *param = add(list, name, RT_PARAM_NUMBER);

    param->number = value;
    snprintf(param->text, sizeof param->text, "%.12g", value);
}

static void add_optional(struct list *list, const char *name, struct rt_optional_int value)
{
    if (value.given)
        add_number(list, name, (double)value.value);
    else
        add_text(list, name, "null");
}

int rt_params_list(const struct rt_experiment *e, struct rt_param params[RT_PARAMS_MAX])
{
    static const char *const schedulers[] = {"exponential", "multi-step", "constant"};
    struct list list = {.params = params};

    add_text(&list, "model_name", e->model_name);
    add_bool(&list, "bn", e->bn);
    add_number(&list, "dropout", e->dropout);
    add_number(&list, "label_corruption_prob", e->label_corruption_prob);
    add_text(&list, "data_corruption_type", e->data_corruption_type);
    add_bool(&list, "augment", e->augment);
    add_bool(&list, "normalize_noise", e->normalize_noise);
    add_optional(&list, "train_size", e->train_size);
    add_optional(&list, "test_size", e->test_size);
    add_optional(&list, "seed", e->seed);
    add_number(&list, "batch_size", (double)e->batch_size);
    add_number(&list, "num_epochs", (double)e->num_epochs);
    add_number(&list, "learning_rate", e->learning_rate);
    add_number(&list, "lr_decay", e->lr_decay);
    add_number(&list, "momentum", e->momentum);
    add_number(&list, "weight_decay", e->weight_decay);
    add_text(&list, "scheduler", schedulers[e->scheduler]);
    add_bool(&list, "curve", e->curve);
    add_bool(&list, "figure1", e->figure1);
    add_bool(&list, "winograd", e->winograd);
    add_number(&list, "log_every", (double)e->log_every);
    return list.count;
}

void rt_params_group(const struct rt_experiment *experiment, char group[RT_TEXT_MAX])
{
    struct rt_param params[RT_PARAMS_MAX];
    char text[RT_PARAMS_MAX * 64] = "";
    const int count = rt_params_list(experiment, params);
    size_t length = 0;

    for (int i = 0; i < count; i++)
        if (strcmp(params[i].name, "seed") && strcmp(params[i].name, "num_epochs") && length < sizeof text)
            length += (size_t)snprintf(text + length, sizeof text - length, "%s=%.40s\n", params[i].name,
                                       params[i].text);
    snprintf(group, RT_TEXT_MAX, "%.100s_%.3g_%.100s-%08" PRIx32, experiment->model_name,
             experiment->label_corruption_prob, experiment->data_corruption_type,
             rt_crc32c(text, strlen(text)));
}
