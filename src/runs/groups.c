/* Groups of runs: a row each, with what their runs say together. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "runs/statistics.h"
#include "runs/table.h"

/* One run in its group. */
struct member {
    const struct rt_record *run;
    size_t group;
};

struct grouping {
    const struct rt_columns *by;
    const struct rt_columns *measures; /* the numbers of these */
    struct member *members;
    size_t count;
    struct rt_value *values; /* [groups][by->count] */
    size_t groups;
    double *numbers; /* [count]: scratch */
};

static int compare_groups(const struct rt_value *a, const struct rt_value *b, int count)
{
    for (int i = 0; i < count; i++) {
        const int compared = rt_value_compare(&a[i], &b[i]);
        if (compared)
            return compared;
    }
    return 0;
}

/* The group of these values, new at its place in ascending order if need be. */
static size_t place(struct grouping *grouping, const struct rt_value *values)
{
    const size_t width = (size_t)grouping->by->count;
    size_t at = 0;

    while (at < grouping->groups && compare_groups(&grouping->values[at * width], values, (int)width) < 0)
        at++;
    if (at < grouping->groups && !compare_groups(&grouping->values[at * width], values, (int)width))
        return at;
    memmove(&grouping->values[(at + 1) * width], &grouping->values[at * width],
            (grouping->groups - at) * width * sizeof *values);
    memcpy(&grouping->values[at * width], values, width * sizeof *values);
    grouping->groups++;
    for (size_t i = 0; i < grouping->count; i++)
        grouping->members[i].group += grouping->members[i].group >= at;
    return at;
}

/* Runs that were cut short say nothing beside finished ones. */
static int take_run(struct grouping *grouping, const struct rt_record *run, struct rt_left_outs *left_out,
                    struct rt_error *err)
{
    const size_t width = (size_t)grouping->by->count;
    struct rt_value *own = NULL;
    char reason[256];

    if (run->trouble[0])
        return rt_leave_out(left_out, run->name, run->trouble, err);
    if (!run->has_result || strcmp(run->state, "finished") != 0) {
        snprintf(reason, sizeof reason, "%s", run->has_result ? run->state : "no results yet");
        if (run->has_result)
            snprintf(reason, sizeof reason, "%s at epoch %lld", run->state, (long long)run->result.epochs);
        return rt_leave_out(left_out, run->name, reason, err);
    }
    RT_TRY(rt_alloc(&own, width, sizeof *own, "values", err));
    for (size_t i = 0; i < width; i++)
        rt_property_value(&grouping->by->items[i], run, &own[i]);
    const size_t group = place(grouping, own);
    grouping->members[grouping->count++] = (struct member){run, group};
    rt_free(&own);
    return RT_OK;
}

/* ---- the table ---- */

/* What a group's runs have of a measure; returns how many. */
static int take_numbers(const struct grouping *grouping, size_t group, const struct rt_property *measure,
                        int *runs)
{
    struct rt_value value;
    int n = 0;

    *runs = 0;
    for (size_t i = 0; i < grouping->count; i++) {
        if (grouping->members[i].group != group)
            continue;
        ++*runs;
        rt_property_value(measure, grouping->members[i].run, &value);
        if ((value.kind == RT_VALUE_WHOLE || value.kind == RT_VALUE_REAL) && isfinite(value.number))
            grouping->numbers[n++] = value.number;
    }
    return n;
}

static bool all_have_it(const struct grouping *grouping, const struct rt_property *measure)
{
    int runs;

    for (size_t group = 0; group < grouping->groups; group++)
        if (take_numbers(grouping, group, measure, &runs) != runs)
            return false;
    return true;
}

static void add_column(struct rt_results *results, const char *name, const char *suffix, bool number)
{
    snprintf(results->columns[results->column_count].name, RT_COLUMN_NAME_MAX, "%s%s", name, suffix);
    results->columns[results->column_count++].number = number;
}

static const char *const suffixes[] = {"_mean", "_deviation", "_ci95", "_n"};

/* The measures' columns of one group, from `cell` on. */
static void fill_measure(const struct grouping *grouping, size_t group, const struct rt_property *measure,
                         bool counted, struct rt_value *cell)
{
    int runs;
    const int n = take_numbers(grouping, group, measure, &runs);
    const struct rt_summary summary =
        n ? rt_summarize(grouping->numbers, n) : (struct rt_summary){NAN, NAN, NAN};

    rt_value_set_number(&cell[0], summary.mean, false);
    rt_value_set_number(&cell[1], summary.deviation, false);
    rt_value_set_number(&cell[2], summary.half_width, false);
    if (counted)
        rt_value_set_number(&cell[3], n, true);
}

static int fill_table(struct rt_results *results, const struct grouping *grouping, struct rt_error *err)
{
    const struct rt_columns *by = grouping->by, *measures = grouping->measures;
    int rc, runs;

    if ((rc = rt_alloc(&results->columns, (size_t)(by->count + 1 + 4 * measures->count),
                       sizeof *results->columns, "table", err)))
        return rc;
    for (int i = 0; i < by->count; i++)
        add_column(results, by->items[i].name, "", rt_property_is_number(&by->items[i]));
    add_column(results, "n", "", true);
    for (int i = 0; i < measures->count; i++)
        for (int k = 0; k < 4 - all_have_it(grouping, &measures->items[i]); k++)
            add_column(results, measures->items[i].name, suffixes[k], true);
    const size_t width = (size_t)results->column_count;
    RT_TRY(rt_alloc(&results->cells, grouping->groups * width, sizeof *results->cells, "table", err));
    results->row_count = grouping->groups;
    for (size_t group = 0; group < grouping->groups; group++) {
        struct rt_value *row = &results->cells[group * width];
        memcpy(row, &grouping->values[group * (size_t)by->count], (size_t)by->count * sizeof *row);
        take_numbers(grouping, group, &(struct rt_property){0}, &runs);
        rt_value_set_number(&row[by->count], runs, true);
        int at = by->count + 1;
        for (int i = 0; i < measures->count; i++) {
            const bool counted = !all_have_it(grouping, &measures->items[i]);
            fill_measure(grouping, group, &measures->items[i], counted, &row[at]);
            at += 3 + counted;
        }
    }
    return RT_OK;
}

int rt_results_group(struct rt_results *results, const struct rt_records *records, const struct rt_columns *by,
                     const struct rt_columns *measures, struct rt_left_outs *left_out, struct rt_error *err)
{
    struct rt_columns *numbers = NULL;
    struct grouping grouping = {.by = by};
    int rc;

    *results = (struct rt_results){0};
    if ((rc = rt_alloc(&numbers, 1, sizeof *numbers, "columns", err)) ||
        (rc = rt_alloc(&grouping.members, records->count, sizeof *grouping.members, "groups", err)) ||
        (rc = rt_alloc(&grouping.numbers, records->count, sizeof *grouping.numbers, "groups", err)) ||
        (rc = rt_alloc(&grouping.values, (records->count + 1) * (size_t)by->count, sizeof *grouping.values,
                       "groups", err)))
        goto done;
    for (int i = 0; i < measures->count; i++) {
        /* a seed is a name: its mean says nothing */
        bool grouped = !rt_property_is_number(&measures->items[i]) || !strcmp(measures->items[i].name, "seed");
        for (int k = 0; k < by->count; k++)
            grouped = grouped || !strcmp(by->items[k].name, measures->items[i].name);
        if (!grouped)
            numbers->items[numbers->count++] = measures->items[i];
    }
    grouping.measures = numbers;
    for (size_t i = 0; i < records->count && !rc; i++)
        rc = take_run(&grouping, &records->runs[i], left_out, err);
    if (!rc)
        rc = fill_table(results, &grouping, err);
done:
    if (rc)
        rt_results_free(results);
    rt_free(&numbers);
    rt_free(&grouping.members);
    rt_free(&grouping.numbers);
    rt_free(&grouping.values);
    return rc;
}

/* ---- what is pooled ---- */

static bool is_by(const struct rt_columns *by, const char *name)
{
    for (int i = 0; i < by->count; i++)
        if (!strcmp(by->items[i].name, name))
            return true;
    return false;
}

static bool is_counted(const struct rt_record *run)
{
    return run->has_config && run->has_result && !strcmp(run->state, "finished");
}

static bool in_one_group(const struct rt_columns *by, const struct rt_record *a, const struct rt_record *b)
{
    struct rt_value left, right;

    for (int i = 0; i < by->count; i++) {
        rt_property_value(&by->items[i], a, &left);
        rt_property_value(&by->items[i], b, &right);
        if (!rt_value_equals(&left, &right))
            return false;
    }
    return true;
}

/* Whether two runs of one group differ in the key; for the seed, whether two have the same. */
static bool is_pooled(const struct rt_records *records, const struct rt_columns *by, const char *name,
                      bool differing)
{
    struct rt_columns one = {.count = 1};

    if (rt_property_find(&one.items[0], "", name, NULL))
        return false;
    for (size_t i = 0; i < records->count; i++)
        for (size_t k = 0; k < i && is_counted(&records->runs[i]); k++)
            if (is_counted(&records->runs[k]) && in_one_group(by, &records->runs[i], &records->runs[k]) &&
                in_one_group(&one, &records->runs[i], &records->runs[k]) != differing)
                return true;
    return false;
}

void rt_groups_append_remark(const struct rt_records *records, const struct rt_columns *by,
                             struct rt_text *text)
{
    const char *separator = "runs of one group differ in ";

    for (const struct rt_key *key = rt_keys; key->name; key++) {
        if (!rt_key_computes(key) || is_by(by, key->name) || !is_pooled(records, by, key->name, true))
            continue;
        rt_text_printf(text, "%s%s", separator, key->name);
        separator = ", ";
    }
    if (*separator == ',')
        rt_text_append(text,
                       ": the intervals are not over seeds alone (--group-by or --where keeps them apart)");
    else if (!is_by(by, "seed") && is_pooled(records, by, "seed", false))
        rt_text_append(text, "runs of one group have the same seed, and do not count as independent");
}
