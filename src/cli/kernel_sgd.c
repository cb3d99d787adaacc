#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "cli/kernel.h"
#include "cli/output.h"
#include "cli/rows.h"
#include "theory/span.h"

enum { STEPS = 1000000, STEPS_MAX = 1000000000 };

static int read_positive(const struct rt_arguments *arguments, const char *option, double usual, double *value,
                         struct rt_error *err)
{
    const char *text = rt_argument(arguments, option);
    char *end;

    *value = usual;
    if (!text)
        return RT_OK;
    *value = strtod(text, &end);
    if (end == text || *end || !isfinite(*value) || !(*value > 0))
        return rt_fail(err, RT_EUSAGE, "--%s: expected a number above 0, got '%s'", option, text);
    return RT_OK;
}

static int fill_rows(const struct rt_span *span, struct rt_results *rows, struct rt_error *err)
{
    static const char *const names[] = {"n",        "step", "epoch",       "distance", "outside",
                                        "residual", "norm", "train_error", NULL};

    RT_TRY(rt_rows_begin(rows, names, err));
    for (int i = 0; i < span->count; i++) {
        const struct rt_span_point *p = &span->points[i];

        RT_TRY(rt_rows_add(rows, err));
        rt_rows_whole(rows, "n", (double)span->images);
        rt_rows_whole(rows, "step", (double)p->step);
        rt_rows_real(rows, "epoch", (double)p->step / (double)span->images);
        rt_rows_real(rows, "distance", p->distance);
        rt_rows_real(rows, "outside", p->outside);
        rt_rows_real(rows, "residual", p->residual);
        rt_rows_real(rows, "norm", p->norm);
        rt_rows_real(rows, "train_error", (double)p->train_wrong / (double)span->images);
    }
    return RT_OK;
}

/* kernel_sgd.csv, for the report. */
static int save(const struct rt_results *rows, const char *data, const char *folder, struct rt_error *err)
{
    char name[RT_OUTPUT_NAME_MAX], file[RT_OUTPUT_NAME_MAX + 4];

    snprintf(file, sizeof file, "%s.csv", rt_output_name(name, "kernel_sgd", data));
    return rt_rows_save(rows, folder, file, err);
}

static int print(const struct rt_arguments *arguments, const struct rt_span *span, const char *data,
                 struct rt_error *err)
{
    const struct rt_result_format *format;
    struct rt_results rows = {0};
    struct rt_text text = {0};
    bool people;
    const char *folder = rt_argument(arguments, "output");
    int rc;

    RT_TRY(rt_rows_format(&format, &people, arguments, err));
    if (people)
        rt_text_printf(
            &text,
            "SGD from w = 0 on %ld images of %ld features, rate %.3g; |w_min| = %.6g, pivots of X X' "
            "within a factor of %.2g\n",
            span->images, span->features, span->rate, span->norm_min, span->condition);
    if (!(rc = fill_rows(span, &rows, err)) && !(rc = format->append(&text, &rows, err))) {
        if (people)
            rt_text_append(
                &text, "distance: |w - w_min| / |w_min|; outside: the part of w orthogonal to all images, "
                       "/ |w|; residual: |X w - Y| / |Y|\n"
                       "\nThe paper: from w = 0 SGD only adds multiples of images to w, so that it stays in "
                       "their span, where one solution\n"
                       "fits all labels: that of least norm. SGD thus regularises without being asked to, and "
                       "the distance goes to 0.\n");
        rc = rt_output_text(&text, err);
    }
    if (!rc && folder)
        rc = save(&rows, data, folder, err);
    rt_text_free(&text);
    rt_results_free(&rows);
    return rc;
}

int rt_kernel_follow_sgd(const struct rt_arguments *arguments, const struct rt_points *points, uint32_t seed,
                         struct rt_error *err)
{
    struct rt_span *span;
    double rate, outside;
    long steps;
    int rc;

    RT_TRY(rt_argument_integer(arguments, "steps", 1, STEPS_MAX, STEPS, &steps, err));
    RT_TRY(read_positive(arguments, "rate", NAN, &rate, err));
    RT_TRY(read_positive(arguments, "off-span", 0, &outside, err));
    if (points->blocks > 1)
        return rt_fail(err, RT_EUSAGE, "--sgd: not with %s", points->what);
    RT_TRY(rt_alloc(&span, 1, sizeof *span, "what SGD passes", err));
    if (!(rc = rt_span_follow(span, points, points->dataset->labels, rate, outside, steps, seed, err)))
        rc = print(arguments, span, points->dataset->name, err);
    rt_free(&span);
    return rc;
}
