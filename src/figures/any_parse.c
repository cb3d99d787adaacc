/* What a figure of one's own is asked to show: the words of --x, --y, --by and --log. */
#include "figures/any.h"

#include <stdio.h>
#include <string.h>

#include "figures/curve.h"

static const struct {
    const char *name, *label;
    enum rt_column column;
} clocks[] = {
#define CLOCK(symbol, name, label) {name, label, RT_COLUMN_##symbol},
    RT_CLOCKS(CLOCK)
#undef CLOCK
};

static bool find_clock(struct rt_any *any, const char *name)
{
    for (size_t i = 0; i < sizeof clocks / sizeof *clocks; i++) {
        if (!strcmp(clocks[i].name, name)) {
            any->clock = clocks[i].column;
            any->clock_label = clocks[i].label;
            return true;
        }
    }
    return false;
}

/* A metric by its name, or by split and word: test_acc, test_accuracy. */
static int find_metric(const char *name, const char *clock, enum rt_column *column, struct rt_error *err)
{
    struct rt_text all = {0};

    for (int i = 0; i < RT_METRIC_COUNT; i++) {
        char spelled[RT_PROPERTY_NAME_MAX];
        snprintf(spelled, sizeof spelled, "%s_%s", rt_metrics[i].split, rt_metrics[i].word);
        rt_text_printf(&all, "%s%s", i ? ", " : "", rt_metrics[i].name);
        if (!strcmp(name, rt_metrics[i].name) || !strcmp(name, spelled)) {
            *column = (enum rt_column)(RT_COLUMN_FIRST_METRIC + 1 + i);
            rt_text_free(&all);
            return RT_OK;
        }
    }
    rt_fail(err, RT_EUSAGE, "--y %.60s: along %s runs record only %s", name, clock, rt_text_string(&all));
    rt_text_free(&all);
    return RT_EUSAGE;
}

static int parse_log(struct rt_any *any, const char *log, struct rt_error *err)
{
    any->x_log = log && (!strcmp(log, "x") || !strcmp(log, "xy"));
    any->y_log = log && (!strcmp(log, "y") || !strcmp(log, "xy"));
    if (log && !any->x_log && !any->y_log)
        return rt_fail(err, RT_EUSAGE, "--log %.40s: expected x, y or xy", log);
    return RT_OK;
}

int rt_any_parse(struct rt_any *any, const char *x, const char *y, const char *by, const char *log,
                 struct rt_error *err)
{
    *any = (struct rt_any){0};
    RT_TRY(parse_log(any, log, err));
    if (by)
        RT_TRY(rt_columns_parse(&any->by, "--by", by, err));
    any->along = find_clock(any, x);
    if (any->along) {
        RT_TRY(find_metric(y, x, &any->metric, err));
        snprintf(any->name, sizeof any->name, "%s_against_%s",
                 rt_metrics[any->metric - RT_COLUMN_FIRST_METRIC - 1].name, x);
        return RT_OK;
    }
    RT_TRY(rt_property_find(&any->x, "--x", x, err));
    RT_TRY(rt_property_find(&any->y, "--y", y, err));
    if (!rt_property_is_number(&any->y))
        return rt_fail(err, RT_EUSAGE, "--y %.60s is no number", y);
    if (any->x_log && !rt_property_is_number(&any->x))
        return rt_fail(err, RT_EUSAGE, "--log x: %.60s is no number", x);
    snprintf(any->name, sizeof any->name, "%s_against_%s", any->y.name, any->x.name);
    return RT_OK;
}
