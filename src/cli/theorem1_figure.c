#include <stdio.h>

#include "cli/theorem1.h"
#include "figures/gnuplot.h"

enum { TICKS_MAX = 8 }; /* that stand beside each other */

/* A series with a point for each n whose value a logarithmic axis can show. */
static int add(struct rt_figure *figure, int panel, int style, const char *label,
               const struct rt_theorem1_fit *fits, int count, int way, struct rt_error *err)
{
    struct rt_series *series;

    RT_TRY(rt_figure_add(figure, RT_MARK_POINTS, rt_palette[style], (size_t)count, label, &series, err));
    series->panel = panel;
    series->count = 0;
    for (int i = 0; i < count; i++) {
        const double y = way < 0 ? fits[i].largest_weight : fits[i].ways[way].largest;

        if (!(y > 0))
            continue;
        series->x[series->count] = (double)fits[i].n;
        series->y[series->count++] = y;
    }
    return RT_OK;
}

static int fill(struct rt_figure *figure, const struct rt_theorem1_fit *fits, int count, struct rt_error *err)
{
    static const char *const y_labels[] = {"Largest residual |c(x) - y|", "Largest weight |w|"};
    char label[RT_FIGURE_TEXT_MAX];

    for (int i = 0; i < 2; i++) {
        struct rt_panel *panel = &figure->panels[i];

        snprintf(panel->x_label, sizeof panel->x_label, "Images n");
        snprintf(panel->y_label, sizeof panel->y_label, "%s", y_labels[i]);
        panel->x_log = panel->y_log = true;
        for (int k = 0; k < count && count <= TICKS_MAX; k++)
            panel->x_ticks[panel->x_tick_count++] = (double)fits[k].n;
    }
    for (int way = 0; way < RT_THEOREM1_SOLUTION_COUNT; way++) {
        snprintf(label, sizeof label, "%s, %s", rt_theorem1_method((enum rt_theorem1_solution)way),
                 rt_theorem1_arithmetic((enum rt_theorem1_solution)way));
        RT_TRY(add(figure, 0, way, label, fits, count, way, err));
    }
    return add(figure, 1, RT_THEOREM1_SOLUTION_COUNT, "weights", fits, count, -1, err);
}

int rt_theorem1_draw_fits(const struct rt_theorem1_fit *fits, int count, const char *name, const char *title,
                          const char *folder, struct rt_error *err)
{
    struct rt_figure figure = {.name = name, .panel_count = 2, .legend = RT_LEGEND_BELOW};
    int rc;

    snprintf(figure.title, sizeof figure.title, "%s", title);
    if (!(rc = fill(&figure, fits, count, err)))
        rc = rt_figure_draw(&figure, folder, err);
    rt_figure_free(&figure);
    return rc;
}
