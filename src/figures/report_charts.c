/* The report's interactive curves: the same series as the drawn figures, as JSON for the page's script. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "figures/html.h"
#include "figures/report_charts.h"

enum { POINTS_MAX = 1200 }; /* of one series: what a wide screen can show */

static bool is_shown(enum rt_mark mark)
{
    return mark == RT_MARK_LINE || mark == RT_MARK_THIN || mark == RT_MARK_PUBLISHED;
}

static void append_numbers(struct rt_text *json, const double *numbers, size_t count, size_t stride, int digits)
{
    rt_text_append(json, "[");
    for (size_t i = 0; i < count; i += stride)
        rt_text_printf(json, "%s%.*g", i ? "," : "", digits, numbers[i]);
    if ((count - 1) % stride != 0) /* the last point always */
        rt_text_printf(json, ",%.*g", digits, numbers[count - 1]);
    rt_text_append(json, "]");
}

static void append_series(struct rt_text *json, const struct rt_series *series)
{
    const size_t stride = (series->count + POINTS_MAX - 1) / POINTS_MAX;

    rt_text_append(json, "{\"label\":");
    rt_html_append_json(json, series->label);
    rt_text_printf(json, ",\"color\":\"%s\",\"kind\":\"%s\",\"dash\":%d,\"x\":", series->style.color,
                   series->mark == RT_MARK_PUBLISHED ? "published"
                   : series->mark == RT_MARK_THIN    ? "thin"
                                                     : "line",
                   series->dash);
    append_numbers(json, series->x, series->count, stride, 6);
    rt_text_append(json, ",\"y\":");
    append_numbers(json, series->y, series->count, stride, 5);
    rt_text_append(json, "}");
}

static void append_chart(struct rt_text *json, const struct rt_figure *figure)
{
    rt_text_append(json, "{\"name\":");
    rt_html_append_json(json, figure->name);
    rt_text_append(json, ",\"title\":");
    rt_html_append_json(json, figure->title);
    rt_text_append(json, ",\"note\":");
    rt_html_append_json(json, figure->note);
    rt_text_append(json, ",\"x\":");
    rt_html_append_json(json, figure->panels[0].x_label);
    rt_text_append(json, ",\"y\":");
    rt_html_append_json(json, figure->panels[0].y_label);
    rt_text_append(json, ",\"series\":[");
    bool first = true;
    for (size_t i = 0; i < figure->series_count; i++) {
        if (!is_shown(figure->series[i].mark) || figure->series[i].count == 0)
            continue;
        rt_text_append(json, first ? "" : ",\n");
        first = false;
        append_series(json, &figure->series[i]);
    }
    rt_text_append(json, "]}");
}

static bool has_curves(const struct rt_figure *figure)
{
    for (size_t i = 0; i < figure->series_count; i++)
        if ((figure->series[i].mark == RT_MARK_LINE || figure->series[i].mark == RT_MARK_THIN) &&
            figure->series[i].count > 0)
            return true;
    return false;
}

int rt_report_append_charts(struct rt_text *choices, struct rt_text *json, const struct rt_records *records,
                            const struct rt_figure_options *options, struct rt_error *err)
{
    struct rt_figure_kind *kinds = NULL;
    bool first = true;
    int rc = 0;

    RT_TRY(rt_alloc(&kinds, RT_FIGURE_KINDS_MAX, sizeof *kinds, "figures", err));
    const int count = rt_figure_kinds(kinds, records);
    rt_text_append(json, "[");
    for (int i = 0; i < count && !rc; i++) {
        struct rt_figure figure;
        rc = rt_figure_build(&figure, &kinds[i], records, options, err);
        if (!rc && has_curves(&figure)) {
            rt_text_append(json, first ? "\n" : ",\n");
            append_chart(json, &figure);
            rt_text_printf(choices, "<option value=\"%s\">", figure.name);
            rt_html_append_text(choices, figure.title);
            rt_text_append(choices, "</option>\n");
            first = false;
        }
        rt_figure_free(&figure);
    }
    rt_text_append(json, "]");
    rt_free(&kinds);
    return rc;
}
