/* Figures and report together, as a sweep leaves them. */
#include <stdio.h>

#include "base/log.h"
#include "cli/results.h"
#include "cli/sweep_args.h"
#include "figures/figures.h"
#include "figures/report.h"
#include "figures/samples.h"
#include "figures/smooth.h"

enum { SAMPLES_SEED = 42 };

static void say_drawn(void *context, const struct rt_figure_kind *kind)
{
    const struct rt_drawing *drawing = context;

    if (!drawing->quiet)
        rt_log_info("%s/%s.png", drawing->figures, kind->name);
}

static void say_sample(const char *path)
{
    rt_log_info("%s", path);
}

void rt_draw_samples(const struct rt_records *records, const char *figures, bool quiet)
{
    struct rt_error cause = {0};

    if (records->count == 0)
        return;
    const struct rt_result *result = &records->runs[0].result;
    const bool folder = rt_path_is_folder(result->provenance.data.source);
    if (rt_samples_write(folder ? result->provenance.data.source : result->provenance.data.name, figures,
                         SAMPLES_SEED, quiet ? NULL : say_sample, &cause))
        rt_log_warn("no sample images: %s", cause.message);
}

void rt_draw_run_samples(const struct rt_dataset *dataset, const char *run_dir)
{
    struct rt_error failure;
    char path[RT_PATH_MAX];

    if (rt_path_join(path, run_dir, "samples.png", &failure) || rt_samples_write_grid(dataset, path, &failure))
        rt_log_warn("%s", failure.message);
}

static int write_report(const struct rt_drawing *drawing, const struct rt_records *records,
                        const struct rt_figure_options *options, struct rt_error *err)
{
    char path[RT_PATH_MAX];

    RT_TRY(rt_path_join(path, drawing->figures, "report.html", err));
    const struct rt_report_options report = {.runs = drawing->runs,
                                             .figures = drawing->figures,
                                             .path = path,
                                             .data = drawing->data,
                                             .images_runs = drawing->images_runs,
                                             .under_way = drawing->under_way,
                                             .drawing = *options};
    RT_TRY(rt_report_write(records, &report, err));
    if (!drawing->quiet)
        rt_log_info("%s", path);
    return RT_OK;
}

int rt_draw_all(const struct rt_drawing *drawing, struct rt_error *err)
{
    struct rt_records records = {0};
    struct rt_left_outs left_out = {0};
    const struct rt_figure_options options = {drawing->reference, false, RT_SMOOTH_WINDOW};

    RT_TRY(rt_records_read(&records, drawing->runs, err));
    int rc = rt_records_keep_data(&records, NULL, err);
    if (!drawing->quiet)
        rt_results_say_left_out(&records.left_out);
    if (!rc)
        rc = rt_folder_make(drawing->figures, err);
    if (!rc && drawing->draw)
        rc = rt_figures_draw(&records, drawing->figures, NULL, 0, &options, say_drawn, (void *)(size_t)drawing,
                             &left_out, err);
    if (!rc && !drawing->quiet)
        rt_results_say_left_out(&left_out);
    rt_left_outs_free(&left_out);
    if (!rc && drawing->draw && !drawing->under_way)
        rt_draw_samples(&records, drawing->figures, drawing->quiet);
    if (!rc)
        rc = write_report(drawing, &records, &options, err);
    rt_records_free(&records);
    return rc;
}
