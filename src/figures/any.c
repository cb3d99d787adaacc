#include "figures/any.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "figures/curve.h"

enum { SERIES_MAX = 4 * RT_PALETTE_SIZE, PLACES_MAX = 512 };

/* ---- series ---- */

/* The runs, and what tells their series apart. */
struct series_set {
    struct rt_figure *figure;
    const struct rt_any *any;
    struct rt_columns by;
    const struct rt_record *firsts[SERIES_MAX]; /* one run of each */
    int count;
};

static int compare_runs(const struct rt_columns *by, const struct rt_record *a, const struct rt_record *b)
{
    struct rt_value left, right;

    for (int i = 0; i < by->count; i++) {
        rt_property_value(&by->items[i], a, &left);
        rt_property_value(&by->items[i], b, &right);
        const int compared = rt_value_compare(&left, &right);
        if (compared)
            return compared;
    }
    return 0;
}

static void add_by(struct rt_columns *by, const struct rt_any *any, const char *name)
{
    struct rt_property property;

    if (rt_property_find(&property, "", name, NULL) || (!any->along && !strcmp(any->x.name, property.name)))
        return;
    for (int i = 0; i < by->count; i++)
        if (!strcmp(by->items[i].name, property.name))
            return;
    by->items[by->count++] = property;
}

static bool on_several_data(const struct rt_records *records)
{
    for (size_t i = 1; i < records->count; i++)
        if (strcmp(records->runs[i].result.provenance.data.name,
                   records->runs[0].result.provenance.data.name) != 0)
            return true;
    return false;
}

/* What was asked for, then the keys in which runs differ, then the data. */
static int choose_by(struct series_set *set, const struct rt_records *records, struct rt_error *err)
{
    const struct rt_key *keys[RT_PROPERTIES_MAX];
    const struct rt_record **runs = NULL;

    set->by = set->any->by;
    RT_TRY(rt_alloc(&runs, records->count, sizeof *runs, "runs", err));
    for (size_t i = 0; i < records->count; i++)
        runs[i] = &records->runs[i];
    const int count = rt_keys_that_differ(runs, records->count, rt_key_computes, keys);
    rt_free(&runs);
    for (int i = 0; i < count; i++)
        add_by(&set->by, set->any, keys[i]->name);
    if (on_several_data(records))
        add_by(&set->by, set->any, "data_name");
    return RT_OK;
}

static int find_series(struct series_set *set, const struct rt_records *records, struct rt_error *err)
{
    for (size_t i = 0; i < records->count; i++) {
        const struct rt_record *run = &records->runs[i];
        int k = 0;
        while (k < set->count && compare_runs(&set->by, set->firsts[k], run) < 0)
            k++;
        if (k < set->count && !compare_runs(&set->by, set->firsts[k], run))
            continue;
        if (set->count == SERIES_MAX) {
            RT_TRY(
                rt_leave_out(&set->figure->left_out, run->name, "more than 20 series: --where chooses", err));
            continue;
        }
        memmove(&set->firsts[k + 1], &set->firsts[k], (size_t)(set->count - k) * sizeof *set->firsts);
        set->firsts[k] = run;
        set->count++;
    }
    return RT_OK;
}

/* "MLP1, batch_size=64": names of models and data say what they are. */
static void label_series(const struct series_set *set, int series, bool unfinished,
                         char label[RT_FIGURE_TEXT_MAX])
{
    struct rt_text text = rt_text_in(label, RT_FIGURE_TEXT_MAX);
    struct rt_value value;

    for (int i = 0; i < set->by.count; i++) {
        rt_property_value(&set->by.items[i], set->firsts[series], &value);
        rt_text_append(&text, i ? ", " : "");
        if (!rt_text_has_word("model_name data_name", set->by.items[i].name))
            rt_text_printf(&text, "%s=", set->by.items[i].name);
        rt_text_append(&text, value.kind == RT_VALUE_NONE ? "null" : value.text);
    }
    if (!set->by.count)
        rt_text_append(&text, "runs");
    if (unfinished)
        rt_text_append(&text, " (so far)");
}

/* ---- along the run ---- */

/* A logarithmic axis has no place for what is not above 0; returns how many points go. */
static size_t drop_for_log(struct rt_figure *figure, const struct rt_any *any)
{
    size_t dropped = 0;

    for (size_t i = 0; i < figure->series_count; i++) {
        struct rt_series *series = &figure->series[i];
        size_t kept = 0;
        for (size_t k = 0; k < series->count; k++) {
            if (any->y_log && series->low)
                series->low[k] = fmax(series->low[k], series->high[k] / 100); /* bands reach beyond any axis */
            if ((any->x_log && series->x[k] <= 0) ||
                (any->y_log && (series->y ? series->y[k] : series->high[k]) <= 0))
                continue;
            series->x[kept] = series->x[k];
            if (series->y)
                series->y[kept] = series->y[k];
            if (series->low)
                series->low[kept] = series->low[k];
            if (series->high)
                series->high[kept] = series->high[k];
            kept++;
        }
        dropped += series->y ? series->count - kept : 0;
        series->count = kept;
    }
    return dropped;
}

static bool has_metric(const struct rt_record *run, const struct rt_any *any)
{
    for (size_t i = 0; i < run->count; i++)
        if (isfinite(run->columns[any->metric][i]) && isfinite(run->columns[any->clock][i]))
            return true;
    return false;
}

/* The runs of a series, one for each seed. */
static int gather(const struct series_set *set, const struct rt_records *records, int series,
                  struct rt_group *group, struct rt_error *err)
{
    *group = (struct rt_group){0};
    for (size_t i = 0; i < records->count; i++) {
        const struct rt_record *run = &records->runs[i];
        if (compare_runs(&set->by, set->firsts[series], run) != 0)
            continue;
        if (has_metric(run, set->any))
            RT_TRY(rt_group_take(set->figure, group, run, err));
        else
            RT_TRY(rt_leave_out(&set->figure->left_out, run->name,
                                set->any->clock == RT_COLUMN_FLOPS && strcmp(run->state, "finished") != 0
                                    ? "cut short: what an image takes is not known"
                                    : "it has not recorded that metric",
                                err));
    }
    return rt_group_end(set->figure, group, err);
}

static int build_along(struct series_set *set, const struct rt_records *records, struct rt_error *err)
{
    struct rt_figure *figure = set->figure;
    const struct rt_figure_options options = {.window = set->any->window};

    for (int i = 0; i < set->count; i++) {
        struct rt_group group;
        char label[RT_FIGURE_TEXT_MAX];
        RT_TRY(gather(set, records, i, &group, err));
        label_series(set, i, group.unfinished, label);
        const struct rt_curve_request request = {.label = label,
                                                 .x = set->any->clock,
                                                 .y = set->any->metric,
                                                 .mark = RT_MARK_LINE,
                                                 .style = rt_style_of(i),
                                                 .dash = i / RT_PALETTE_SIZE,
                                                 .raw = true};
        RT_TRY(rt_figure_add_curve(figure, &group, &request, &options, err));
    }
    rt_figure_note_smoothing(figure, &options);
    return RT_OK;
}

/* ---- a point for each group ---- */

/* The places on the x axis: all values that runs have, ascending; texts are places 0, 1, 2, ... */
struct places {
    const struct rt_record *firsts[PLACES_MAX];
    int count;
    bool named;
};

static int find_places(struct places *places, const struct series_set *set, const struct rt_records *records,
                       struct rt_error *err)
{
    struct rt_columns x = {.items = {set->any->x}, .count = 1};
    struct rt_value value;
    char reason[160];

    places->named = !rt_property_is_number(&set->any->x);
    for (size_t i = 0; i < records->count; i++) {
        const struct rt_record *run = &records->runs[i];
        int k = 0;
        rt_property_value(&set->any->x, run, &value);
        const bool number = value.kind == RT_VALUE_WHOLE || value.kind == RT_VALUE_REAL;
        if (value.kind == RT_VALUE_NONE || (!places->named && !number) ||
            (set->any->x_log && value.number <= 0)) {
            snprintf(reason, sizeof reason, "its %s is %.40s%s", set->any->x.name,
                     value.kind == RT_VALUE_NONE ? "null" : value.text,
                     number ? ", and the axis logarithmic" : "");
            RT_TRY(rt_leave_out(&set->figure->left_out, run->name, reason, err));
            continue;
        }
        while (k < places->count && compare_runs(&x, places->firsts[k], run) < 0)
            k++;
        if (k < places->count && !compare_runs(&x, places->firsts[k], run))
            continue;
        if (places->count == PLACES_MAX || (places->named && places->count == RT_PANEL_NAMES_MAX)) {
            RT_TRY(rt_leave_out(&set->figure->left_out, run->name, "too many places on the axis", err));
            continue;
        }
        memmove(&places->firsts[k + 1], &places->firsts[k],
                (size_t)(places->count - k) * sizeof *places->firsts);
        places->firsts[k] = run;
        places->count++;
    }
    return RT_OK;
}

/* The y of a run; what is none is left out with the reason. */
static int take_y(const struct series_set *set, const struct rt_record *run, double *y, bool *there,
                  struct rt_error *err)
{
    const bool threshold = !strncmp(set->any->y.name, "threshold_", 10);
    struct rt_value value;
    char reason[200] = "";

    rt_property_value(&set->any->y, run, &value);
    *y = value.number;
    *there = value.kind != RT_VALUE_NONE && isfinite(value.number);
    if (!*there && run->has_result && threshold)
        snprintf(reason, sizeof reason, "%s at epoch %lld without reaching the threshold", run->state,
                 (long long)run->result.epochs);
    else if (!*there)
        snprintf(reason, sizeof reason, "it has no %s", set->any->y.name);
    else if (set->any->y_log && *y <= 0)
        snprintf(reason, sizeof reason, "its %s is %.40s, and the axis logarithmic", set->any->y.name,
                 value.text);
    else if (strcmp(run->state, "finished") != 0)
        snprintf(reason, sizeof reason, "%s at epoch %lld", run->state, (long long)run->result.epochs);
    *there = !*reason;
    return *reason ? rt_leave_out(&set->figure->left_out, run->name, reason, err) : RT_OK;
}

/* The finished runs of a series at a place, and their y. */
static int take_group(const struct series_set *set, const struct rt_records *records, int series,
                      const struct rt_record *place, double *values, int *n, struct rt_error *err)
{
    const struct rt_columns x = {.items = {set->any->x}, .count = 1};
    struct rt_group group = {0};
    double y;
    bool there;

    *n = 0;
    for (size_t i = 0; i < records->count; i++) {
        const struct rt_record *run = &records->runs[i];
        if (compare_runs(&set->by, set->firsts[series], run) || compare_runs(&x, place, run))
            continue;
        RT_TRY(take_y(set, run, &y, &there, err));
        if (there)
            RT_TRY(rt_group_take(set->figure, &group, run, err));
    }
    RT_TRY(rt_group_end(set->figure, &group, err));
    for (int k = 0; k < group.count; k++)
        RT_TRY(take_y(set, group.runs[k], &values[(*n)++], &there, err));
    return RT_OK;
}

static int add_points(struct series_set *set, const struct rt_records *records, const struct places *places,
                      int series, struct rt_error *err)
{
    double x[PLACES_MAX], mean[PLACES_MAX], half[PLACES_MAX], values[RT_GROUP_MAX];
    size_t count = 0;
    bool several = false;
    char label[RT_FIGURE_TEXT_MAX];
    struct rt_series *drawn;
    int n;

    for (int i = 0; i < places->count; i++) {
        struct rt_value value;
        RT_TRY(take_group(set, records, series, places->firsts[i], values, &n, err));
        if (!n)
            continue;
        rt_property_value(&set->any->x, places->firsts[i], &value);
        x[count] = places->named ? i : value.number;
        rt_mean_band(values, n, &mean[count], &half[count]);
        several = several || n > 1;
        count++;
    }
    if (!count)
        return RT_OK;
    label_series(set, series, false, label);
    if (several) {
        RT_TRY(rt_figure_add(set->figure, RT_MARK_BARS, rt_style_of(series), count, label, &drawn, err));
        drawn->legend = false;
        for (size_t i = 0; i < count; i++) {
            drawn->x[i] = x[i];
            drawn->low[i] = mean[i] - half[i];
            drawn->high[i] = mean[i] + half[i];
        }
    }
    RT_TRY(rt_figure_add(set->figure, RT_MARK_POINTS, rt_style_of(series), count, label, &drawn, err));
    drawn->dash = series / RT_PALETTE_SIZE;
    drawn->unjoined = places->named;
    memcpy(drawn->x, x, count * sizeof *x);
    memcpy(drawn->y, mean, count * sizeof *mean);
    return RT_OK;
}

static int build_points(struct series_set *set, const struct rt_records *records, struct rt_error *err)
{
    struct places *places = NULL;
    struct rt_panel *panel = &set->figure->panels[0];

    RT_TRY(rt_alloc(&places, 1, sizeof *places, "places", err));
    int rc = find_places(places, set, records, err);
    for (int i = 0; i < places->count && places->count <= RT_PANEL_NAMES_MAX / 2 + 12 * places->named && !rc;
         i++) {
        struct rt_value value;
        rt_property_value(&set->any->x, places->firsts[i], &value);
        if (places->named)
            snprintf(panel->x_names[panel->x_name_count++], sizeof panel->x_names[0], "%.60s", value.text);
        else
            panel->x_ticks[panel->x_tick_count++] = value.number;
    }
    for (int i = 0; i < set->count && !rc; i++)
        rc = add_points(set, records, places, i, err);
    rt_free(&places);
    rt_figure_note_band(set->figure, "");
    return rc;
}

/* ---- the figure ---- */

static void label(struct rt_figure *figure, const struct rt_any *any)
{
    struct rt_panel *panel = &figure->panels[0];

    if (any->along) {
        snprintf(panel->x_label, sizeof panel->x_label, "%s", any->clock_label);
        const struct rt_metric *metric = &rt_metrics[any->metric - RT_COLUMN_FIRST_METRIC - 1];
        snprintf(panel->y_label, sizeof panel->y_label, "%s", metric->label);
        if (metric->high == 1 && !any->y_log) /* a share */
            panel->y_max = 1.02;
    } else {
        rt_property_label(&any->x, panel->x_label, sizeof panel->x_label);
        rt_property_label(&any->y, panel->y_label, sizeof panel->y_label);
    }
    snprintf(figure->title, sizeof figure->title, "%.56s against %.56s", panel->y_label, panel->x_label);
    panel->x_log = any->x_log;
    panel->y_log = any->y_log;
    panel->x_free = !any->along;
}

static int note(struct rt_figure *figure, const struct rt_any *any, struct rt_error *err)
{
    struct rt_text text = {0};
    size_t shown = 0;

    for (size_t i = 0; i < figure->records->count; i++)
        shown += figure->shown[i];
    rt_text_printf(&text, "%zu run%s", shown, shown == 1 ? "" : "s");
    if (any->where)
        rt_text_printf(&text, " with %.200s", any->where);
    rt_figure_note(figure, "%s.", rt_text_string(&text));
    rt_text_clear(&text);
    if (figure->left_out.count) {
        rt_left_outs_append(&figure->left_out, 3, &text);
        rt_figure_note(figure, "%s.", rt_text_string(&text));
    }
    const int rc = rt_text_check(&text, err);
    rt_text_free(&text);
    return rc;
}

int rt_any_build(struct rt_figure *figure, const struct rt_any *any, const struct rt_records *records,
                 struct rt_error *err)
{
    struct series_set *set = NULL;
    int rc;

    *figure = (struct rt_figure){.name = any->name, .panel_count = 1, .records = records};
    label(figure, any);
    if ((rc = rt_alloc(&figure->shown, records->count, sizeof *figure->shown, "figure", err)) ||
        (rc = rt_alloc(&set, 1, sizeof *set, "series", err)))
        return rc;
    *set = (struct series_set){.figure = figure, .any = any};
    if (!(rc = choose_by(set, records, err)) && !(rc = find_series(set, records, err)))
        rc = any->along ? build_along(set, records, err) : build_points(set, records, err);
    rt_free(&set);
    if (rc)
        return rc;
    const size_t dropped = any->x_log || any->y_log ? drop_for_log(figure, any) : 0;
    if (dropped)
        rt_figure_note(figure, "%zu points at 0 are not on the logarithmic axis.", dropped);
    if (figure->series_count > 6)
        figure->legend = RT_LEGEND_BELOW;
    return note(figure, any, err);
}
