#include "figures/figures.h"

#include <stdio.h>
#include <string.h>

#include "figures/gnuplot.h"

const struct rt_figure_kind rt_figures[] = {
#define RT_FIGURE_KIND(name, builder, model, help) {#name, model, help, rt_figure_build_##builder},
    RT_FIGURES(RT_FIGURE_KIND)
#undef RT_FIGURE_KIND
        {0},
};

int rt_figure_build(struct rt_figure *figure, const struct rt_figure_kind *kind,
                    const struct rt_records *records, const struct rt_figure_options *options,
                    struct rt_error *err)
{
    *figure = (struct rt_figure){.name = kind->name, .panel_count = 1};
    return kind->build(figure, kind, records, options, err);
}

static bool is_named(const char *name, const char *const *names, int name_count)
{
    for (int i = 0; i < name_count; i++)
        if (!strcmp(names[i], name))
            return true;
    return name_count == 0;
}

int rt_figures_draw(const struct rt_records *records, const char *directory, const char *const *names,
                    int name_count, const struct rt_figure_options *options,
                    void (*drawn)(void *context, const struct rt_figure_kind *kind), void *context,
                    struct rt_error *err)
{
    for (const struct rt_figure_kind *kind = rt_figures; kind->name; kind++) {
        if (!is_named(kind->name, names, name_count))
            continue;
        struct rt_figure figure;
        int rc = rt_figure_build(&figure, kind, records, options, err);
        if (!rc && rt_figure_has_data(&figure)) {
            if (!(rc = rt_figure_draw(&figure, directory, err)))
                drawn(context, kind);
        } else if (!rc && name_count > 0) {
            rc = rt_fail(err, RT_EDATA, "%s: no run here has what it shows (%s)", kind->name, kind->help);
        }
        rt_figure_free(&figure);
        if (rc)
            return rc;
    }
    return RT_OK;
}
