#include "config/model_defaults.h"

#include <string.h>

#include "config/keys.h"
#include "config/models.h"

static const struct row {
    const char *name, *aliases, *settings;
} rows[] = {
#define MODEL_ROW(model, aliases, settings) {#model, aliases, settings},
    RT_PUBLISHED_MODELS(MODEL_ROW)
#undef MODEL_ROW
};

static const struct row *find(const char *name)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (!strcmp(rows[i].name, name) || rt_text_has_word(rows[i].aliases, name))
            return &rows[i];
    return NULL;
}

int rt_published_model_defaults(struct rt_experiment *experiment, const char *model, struct rt_error *err)
{
    const struct row *row = find(model);

    return row ? rt_keys_set(experiment, row->settings, err) : RT_OK;
}

void rt_published_model_canonical(char name[RT_TEXT_MAX])
{
    const struct row *row = find(name);

    if (row)
        rt_copy_text(name, RT_TEXT_MAX, row->name);
}

bool rt_published_model_known(const char *model)
{
    return find(model) != NULL;
}
