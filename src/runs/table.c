#include "runs/table.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

enum { SORT_COLUMNS_MAX = 16 };

void rt_results_free(struct rt_results *results)
{
    rt_free(&results->columns);
    rt_free(&results->cells);
    *results = (struct rt_results){0};
}

/* ---- columns ---- */

static int add_named(struct rt_columns *columns, const char *option, const char *name, struct rt_error *err)
{
    struct rt_property property;

    RT_TRY(rt_property_find(&property, option, name, err));
    for (int i = 0; i < columns->count; i++)
        if (!strcmp(columns->items[i].name, property.name))
            return RT_OK;
    columns->items[columns->count++] = property;
    return RT_OK;
}

int rt_columns_parse(struct rt_columns *columns, const char *option, const char *list, struct rt_error *err)
{
    columns->count = 0;
    if (!strcmp(list, "all")) {
        columns->count = rt_properties(columns->items);
        return RT_OK;
    }
    for (;;) {
        char name[RT_VALUE_TEXT_MAX];
        const size_t length = strcspn(list, ","), skip = strspn(list, " ");

        snprintf(name, sizeof name, "%.*s", (int)(length > skip ? length - skip : 0), list + skip);
        name[strcspn(name, " ")] = '\0';
        if (!*name)
            return rt_fail(err, RT_EUSAGE, "%s: a column is missing: names joined by commas are expected",
                           option);
        RT_TRY(add_named(columns, option, name, err));
        if (!list[length])
            return RT_OK;
        list += length + 1;
    }
}

static bool is_measured(const struct rt_records *records, int metric)
{
    for (size_t i = 0; i < records->count; i++)
        if (records->runs[i].has_result &&
            !isnan(rt_metric_value(&rt_metrics[metric], &records->runs[i].result.final)))
            return true;
    return false;
}

static bool any_best(const struct rt_records *records)
{
    for (size_t i = 0; i < records->count; i++)
        if (records->runs[i].has_result && records->runs[i].result.best.epoch)
            return true;
    return false;
}

int rt_columns_default(struct rt_columns *columns, const struct rt_records *records, struct rt_error *err)
{
    const struct rt_key *keys[RT_PROPERTIES_MAX];
    const struct rt_record **runs = NULL;
    int rc;
    size_t count = 0;

    columns->count = 0;
    RT_TRY(rt_alloc(&runs, records->count, sizeof *runs, "runs", err));
    for (size_t i = 0; i < records->count; i++)
        if (records->runs[i].has_config)
            runs[count++] = &records->runs[i];
    const int differ = rt_keys_that_differ(runs, count, rt_key_is_shown, keys);
    rt_free(&runs);
    if ((rc = add_named(columns, "", "run", err)) || (rc = add_named(columns, "", "state", err)))
        return rc;
    for (int i = 0; i < differ; i++)
        RT_TRY(add_named(columns, "", keys[i]->name, err));
    RT_TRY(add_named(columns, "", "epochs", err));
    RT_TRY(add_named(columns, "", "threshold_epoch", err));
    for (int i = 0; i < RT_METRIC_COUNT; i++)
        if (is_measured(records, i))
            RT_TRY(add_named(columns, "", rt_metrics[i].name, err));
    RT_TRY(add_named(columns, "", "test_error", err));
    if (any_best(records)) {
        RT_TRY(add_named(columns, "", "best_epoch", err));
        RT_TRY(add_named(columns, "", "best_test_acc_true", err));
    }
    return add_named(columns, "", "minutes", err);
}

/* ---- rows ---- */

int rt_results_list(struct rt_results *results, const struct rt_records *records,
                    const struct rt_columns *columns, struct rt_error *err)
{
    int rc;

    *results = (struct rt_results){.column_count = columns->count, .row_count = records->count};
    if ((rc = rt_alloc(&results->columns, (size_t)columns->count, sizeof *results->columns, "table", err)) ||
        (rc = rt_alloc(&results->cells, records->count * (size_t)columns->count, sizeof *results->cells,
                       "table", err))) {
        rt_results_free(results);
        return rc;
    }
    for (int k = 0; k < columns->count; k++) {
        snprintf(results->columns[k].name, RT_COLUMN_NAME_MAX, "%s", columns->items[k].name);
        results->columns[k].number = rt_property_is_number(&columns->items[k]);
        for (size_t i = 0; i < records->count; i++)
            rt_property_value(&columns->items[k], &records->runs[i],
                              &results->cells[i * (size_t)columns->count + (size_t)k]);
    }
    return RT_OK;
}

/* ---- sorting ---- */

/* One column to sort by: the values of all rows. */
struct order {
    struct rt_value *values;
    size_t count;
    bool descending;
};

static bool comes_after(const struct order *order, size_t a, size_t b)
{
    const struct rt_value *left = &order->values[a], *right = &order->values[b];
    const int compared = rt_value_compare(left, right);

    if (order->descending && left->kind != RT_VALUE_NONE && right->kind != RT_VALUE_NONE)
        return compared < 0;
    return compared > 0;
}

/* Stable: a list of columns is sorted by its last one first. */
static void sort_rows(const struct order *order, size_t *rows)
{
    for (size_t i = 1; i < order->count; i++) {
        const size_t row = rows[i];
        size_t k = i;
        for (; k > 0 && comes_after(order, rows[k - 1], row); k--)
            rows[k] = rows[k - 1];
        rows[k] = row;
    }
}

/* What is sorted: gives a column's values by its name. */
struct sortable {
    size_t count;
    int (*take)(const struct sortable *what, const char *name, struct rt_value *values, struct rt_error *err);
    const void *object;
};

static int sort_by(const struct sortable *what, const char *list, size_t *rows, struct rt_error *err)
{
    const char *ends[SORT_COLUMNS_MAX];
    int count = 0, rc = RT_OK;
    struct order order = {.count = what->count};

    for (size_t i = 0; i < what->count; i++)
        rows[i] = i;
    for (const char *at = list;; at++) {
        if (*at && *at != ',')
            continue;
        if (count == SORT_COLUMNS_MAX)
            return rt_fail(err, RT_EUSAGE, "--sort: more than %d columns", SORT_COLUMNS_MAX);
        ends[count++] = at;
        if (!*at)
            break;
    }
    RT_TRY(rt_alloc(&order.values, what->count, sizeof *order.values, "values to sort by", err));
    while (count-- > 0 && !rc) {
        const char *start = count ? ends[count - 1] + 1 : list;
        char name[RT_VALUE_TEXT_MAX];

        order.descending = *start == '-';
        start += order.descending;
        snprintf(name, sizeof name, "%.*s", (int)(ends[count] - start), start);
        if (!(rc = what->take(what, name, order.values, err)))
            sort_rows(&order, rows);
    }
    rt_free(&order.values);
    return rc;
}

static int take_property(const struct sortable *what, const char *name, struct rt_value *values,
                         struct rt_error *err)
{
    const struct rt_records *records = what->object;
    struct rt_property property;

    RT_TRY(rt_property_find(&property, "--sort", name, err));
    for (size_t i = 0; i < records->count; i++)
        rt_property_value(&property, &records->runs[i], &values[i]);
    return RT_OK;
}

int rt_records_sort(struct rt_records *records, const char *list, struct rt_error *err)
{
    const struct sortable what = {records->count, take_property, records};
    struct rt_record *sorted = NULL;
    size_t *rows = NULL;
    int rc;

    if (!(rc = rt_alloc(&rows, records->count, sizeof *rows, "rows", err)) &&
        !(rc = rt_alloc(&sorted, records->count, sizeof *sorted, "runs", err)) &&
        !(rc = sort_by(&what, list, rows, err))) {
        for (size_t i = 0; i < records->count; i++)
            sorted[i] = records->runs[rows[i]];
        memcpy(records->runs, sorted, records->count * sizeof *sorted);
    }
    rt_free(&rows);
    rt_free(&sorted);
    return rc;
}

static int take_column(const struct sortable *what, const char *name, struct rt_value *values,
                       struct rt_error *err)
{
    const struct rt_results *results = what->object;
    struct rt_nearest nearest = {.word = name};
    char hint[128];

    for (int k = 0; k < results->column_count; k++) {
        rt_nearest_offer(&nearest, results->columns[k].name);
        if (strcmp(results->columns[k].name, name) != 0)
            continue;
        for (size_t i = 0; i < results->row_count; i++)
            values[i] = results->cells[i * (size_t)results->column_count + (size_t)k];
        return RT_OK;
    }
    return rt_fail(err, RT_EUSAGE, "--sort: the groups have no column '%.60s'%s", name,
                   rt_nearest_hint(&nearest, hint, sizeof hint));
}

int rt_results_sort(struct rt_results *results, const char *list, struct rt_error *err)
{
    const struct sortable what = {results->row_count, take_column, results};
    const size_t width = (size_t)results->column_count;
    struct rt_value *sorted = NULL;
    size_t *rows = NULL;
    int rc;

    if (!(rc = rt_alloc(&rows, results->row_count, sizeof *rows, "rows", err)) &&
        !(rc = rt_alloc(&sorted, results->row_count * width, sizeof *sorted, "table", err)) &&
        !(rc = sort_by(&what, list, rows, err))) {
        for (size_t i = 0; i < results->row_count; i++)
            memcpy(&sorted[i * width], &results->cells[rows[i] * width], width * sizeof *sorted);
        memcpy(results->cells, sorted, results->row_count * width * sizeof *sorted);
    }
    rt_free(&rows);
    rt_free(&sorted);
    return rc;
}
