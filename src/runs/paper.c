#include "runs/paper.h"

#include <math.h>
#include <string.h>

#include "runs/paper_rows.h"

static const struct rt_paper_row rows1[] = {RT_TABLE1_ROWS(RT_PAPER_ROW)};
static const struct rt_paper_row rows4[] = {RT_TABLE4_ROWS(RT_PAPER_ROW)};

const struct rt_paper_table rt_paper_table1 = {
    .name = "table1", .rows = rows1, .count = sizeof rows1 / sizeof *rows1, .test = true};
const struct rt_paper_table rt_paper_table4 = {
    .name = "table4", .rows = rows4, .count = sizeof rows4 / sizeof *rows4};

static bool has(const struct rt_paper_row *row, const char *setting)
{
    return strstr(row->settings, setting) != NULL;
}

bool rt_paper_row_decays(const struct rt_paper_row *row)
{
    return has(row, RT_PAPER_DECAY);
}

bool rt_paper_row_normalises(const struct rt_paper_row *row)
{
    return !has(row, "bn=false");
}

/* "Inception" is called InceptionPaper in a row: the same network but for a few parameters. */
static bool is_model(const struct rt_paper_row *row, const char *model)
{
    const size_t length = strlen(model);

    return !strncmp(row->model, model, length) &&
           (!row->model[length] || !strcmp(row->model + length, "Paper"));
}

static bool has_labels(const struct rt_paper_row *row, const struct rt_experiment *experiment)
{
    return !strcmp(experiment->data_corruption_type, "none") && !*experiment->label_file &&
           !strcmp(experiment->label_noise, "published") &&
           experiment->label_corruption_prob == (strcmp(row->labels, "random") != 0 ? 0 : 1);
}

static bool is_alike(const struct rt_paper_row *row, const struct rt_experiment *experiment)
{
    const struct rt_augmentation augmentation = rt_experiment_augmentation(experiment);

    return is_model(row, experiment->model_name) && has_labels(row, experiment) &&
           experiment->bn == rt_paper_row_normalises(row) &&
           (experiment->weight_decay > 0) == rt_paper_row_decays(row) && experiment->dropout == 0 &&
           !experiment->train_size.given && augmentation.crop == has(row, "crop=random") &&
           augmentation.flip == has(row, "flip=true") && (augmentation.rotate > 0) == has(row, "rotate=");
}

const struct rt_paper_row *rt_paper_row_alike(const struct rt_paper_table *table,
                                              const struct rt_experiment *experiment)
{
    for (int i = 0; i < table->count; i++)
        if (is_alike(&table->rows[i], experiment))
            return &table->rows[i];
    return NULL;
}

const struct rt_paper_row *rt_paper_row_of(const struct rt_paper_table *table, const struct rt_record *run)
{
    const size_t length = strlen(table->name);
    const char *name = run->experiment.experiment_name;

    if (!run->has_config || strncmp(name, table->name, length) != 0 || name[length] != '_')
        return NULL;
    return rt_paper_row_alike(table, &run->experiment);
}

const struct rt_paper_table *rt_paper_table_of(const struct rt_record *run)
{
    return rt_paper_row_of(&rt_paper_table1, run)   ? &rt_paper_table1
           : rt_paper_row_of(&rt_paper_table4, run) ? &rt_paper_table4
                                                    : NULL;
}
