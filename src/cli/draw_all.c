/* Figures and report together, as a sweep leaves them. */
#include <stdio.h>

#include "base/log.h"
#include "cli/sweep_args.h"
#include "figures/figures.h"
#include "figures/smooth.h"

static void say_drawn(void *context, const struct rt_figure_kind *kind)
{
    const struct rt_drawing *drawing = context;
    if (!drawing->quiet)
        rt_log_info("%s/%s.png", drawing->figures, kind->name);
}

int rt_draw_all(const struct rt_drawing *drawing, struct rt_error *err)
{
    struct rt_records records = {0};
    const struct rt_figure_options options = {drawing->reference, false, RT_SMOOTH_WINDOW};
    RT_TRY(rt_records_read(&records, drawing->runs, err));
    if (records.skipped && !drawing->quiet)
        rt_log_warn("%d run%s left out: %s", records.skipped, records.skipped > 1 ? "s" : "",
                    records.first_skipped.message);
    rt_records_keep_data(&records, NULL);
    const int rc =
        rt_figures_draw(&records, drawing->figures, NULL, 0, &options, say_drawn, (void *)(size_t)drawing, err);
    rt_records_free(&records);
    return rc;
}
