/* rethink kernel: minimum-norm solutions with a kernel, solved directly, on pixels and on random features. */
#include "cli/kernel.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "cli/experiment_args.h"
#include "cli/output.h"
#include "cli/rows.h"
#include "data/dataset.h"
#include "theory/minimum_norm.h"

enum { SEARCH_IMAGES = 5000, IMAGES_MAX = 1000000, FILTERS_MAX = 1000000 };
#define RIDGE_MAX 1e6

struct work {
    const struct rt_arguments *arguments;
    struct rt_experiment experiment;
    struct rt_dataset dataset;
    struct rt_team *team;
    const struct rt_features *features;
    struct rt_points points;
    struct rt_kernel kernel; /* width NaN: searched */
    double ridge;            /* NaN: searched */
    long search_images, threads, filters;
    struct rt_kernel_problem problem;
    struct rt_kernel_search search;
    struct rt_kernel_result result;
    bool searched;
    double features_s;
};

/* ---- what is asked for ---- */

static int read_experiment(struct work *work, struct rt_error *err)
{
    struct rt_experiment *experiment = &work->experiment;

    RT_TRY(rt_experiment_without_network(experiment, work->arguments, true, err));
    if (rt_argument_flag(work->arguments, "sgd") && !experiment->train_size.given)
        RT_TRY(rt_experiment_set(experiment, "train_size=500", err));
    /* whole images, where they are not scrambled within the window that networks see */
    experiment->augment = !strcmp(experiment->data_corruption_type, "none");
    return rt_experiment_check(experiment, err);
}

/* "auto": NaN; else a number above 0, or, of the ridge, from 0 to what single precision can add to K. */
static int read_number(const struct work *work, const char *option, bool ridge, double usual, double *value,
                       struct rt_error *err)
{
    const char *text = rt_argument(work->arguments, option);
    char *end;

    *value = usual;
    if (!text)
        return RT_OK;
    if (!strcmp(text, "auto")) {
        *value = NAN;
        return RT_OK;
    }
    *value = strtod(text, &end);
    if (end == text || *end || !isfinite(*value) || !(ridge ? *value >= 0 && *value <= RIDGE_MAX : *value > 0))
        return rt_fail(err, RT_EUSAGE, "--%s: expected auto or a number %s, got '%s'", option,
                       ridge ? "from 0 to 1e6" : "above 0", text);
    return RT_OK;
}

/* Options of --sgd alone, and those that it has no use for. */
static int check_sgd(const struct rt_arguments *arguments, struct rt_error *err)
{
    static const char *const only[] = {"steps", "rate", "off-span"};
    static const char *const never[] = {"kernel", "width", "ridge", "solver", "search-size"};
    const bool sgd = rt_argument_flag(arguments, "sgd");

    for (size_t i = 0; i < sizeof only / sizeof *only && !sgd; i++)
        if (rt_argument(arguments, only[i]))
            return rt_fail(err, RT_EUSAGE, "--%s: only with --sgd", only[i]);
    for (size_t i = 0; i < sizeof never / sizeof *never && sgd; i++)
        if (rt_argument(arguments, never[i]))
            return rt_fail(err, RT_EUSAGE, "--%s: not with --sgd, which trains the linear model", never[i]);
    return RT_OK;
}

#define LIST_NAME(name, ...) " " #name
#define SOLVER_NAME(symbol, name, help) " " name

static int find_solver(enum rt_kernel_solver *solver, const char *given, struct rt_error *err)
{
#define SOLVER(symbol, name, help)                                                                             \
    if (!strcmp(given, name)) {                                                                                \
        *solver = RT_KERNEL_##symbol;                                                                          \
        return RT_OK;                                                                                          \
    }
    RT_KERNEL_SOLVERS(SOLVER)
#undef SOLVER
    return rt_fail(err, RT_EUSAGE, "--solver %s: expected one of" RT_KERNEL_SOLVERS(SOLVER_NAME), given);
}

static int read_options(struct work *work, struct rt_error *err)
{
    const struct rt_arguments *arguments = work->arguments;
    const char *kernel = rt_argument(arguments, "kernel"), *features = rt_argument(arguments, "features");
    const char *solver = rt_argument(arguments, "solver");

    work->kernel.index = RT_KERNEL_gaussian;
    if (kernel && !rt_kernel_find(&work->kernel.index, kernel))
        return rt_fail(err, RT_EUSAGE, "--kernel %s: expected one of" RT_CHOSEN_KERNELS(LIST_NAME), kernel);
    if (!(work->features = rt_features_find(features ? features : "pixels")))
        return rt_fail(err, RT_EUSAGE, "--features %s: expected one of" RT_FEATURES(LIST_NAME), features);
    RT_TRY(find_solver(&work->problem.solver, solver ? solver : "cholesky", err));
    RT_TRY(read_number(work, "width", false, NAN, &work->kernel.width, err));
    if (!rt_kernel_is_radial(work->kernel.index)) {
        if (rt_argument(arguments, "width"))
            return rt_fail(err, RT_EUSAGE, "--width: the linear kernel has none");
        work->kernel.width = 1;
    }
    RT_TRY(read_number(work, "ridge", true, 0, &work->ridge, err));
    RT_TRY(rt_argument_integer(arguments, "filters", 1, FILTERS_MAX, RT_KERNEL_PAPER_FILTERS, &work->filters,
                               err));
    RT_TRY(
        rt_argument_integer(arguments, "search-size", 5, IMAGES_MAX, SEARCH_IMAGES, &work->search_images, err));
    RT_TRY(rt_argument_integer(arguments, "threads", 1, 256, 0, &work->threads, err));
    RT_TRY(check_sgd(arguments, err));
    if (work->problem.solver == RT_KERNEL_CHOLESKY && !rt_argument_flag(arguments, "sgd"))
        RT_TRY(rt_lapack_open(&work->problem.lapack, err));
    return read_experiment(work, err);
}

/* ---- what people watch ---- */

static double shown_s;

static void show_progress(const char *what, double done)
{
    const double now = rt_clock_wall_s();
    char line[80];

    if (now - shown_s < 0.2)
        return;
    shown_s = now;
    snprintf(line, sizeof line, "%s: %.0f %%", what, 100 * done);
    rt_log_redraw(line, false);
}

static void say_start(const struct work *work)
{
    const struct rt_dataset *dataset = &work->dataset;
    struct rt_label_counts counts;

    rt_dataset_count_labels(dataset, 0, dataset->train_count, &counts);
    rt_log_info("%s, %zu training and %zu test images, %lld training labels wrong; %s", dataset->name,
                dataset->train_count, dataset->test_count, (long long)counts.changed, work->points.what);
}

static void say_search(const struct work *work)
{
    const struct rt_kernel_search *search = &work->search;

    rt_log_info("search: the first %ld training images, tested on the %ld after them", search->fit,
                search->held_out);
    for (int i = 0; i < search->count; i++) {
        const struct rt_kernel_trial *trial = &search->trials[i];
        const bool best = trial->width == search->best.width && trial->ridge == search->best.ridge;
        char outcome[32] = "singular";

        if (trial->error <= 1)
            snprintf(outcome, sizeof outcome, "error %.4f", trial->error);
        if (rt_kernel_is_radial(work->kernel.index))
            rt_log_info("  width %-12.6g ridge %-8.3g %s%s", trial->width, trial->ridge, outcome,
                        best ? "  <- best" : "");
        else
            rt_log_info("  ridge %-8.3g %s%s", trial->ridge, outcome, best ? "  <- best" : "");
    }
}

/* ---- the result ---- */

/* None where pixels are scrambled, or with another kernel. */
static struct rt_kernel_paper paper_of(const struct work *work)
{
    if (work->kernel.index != RT_KERNEL_gaussian || strcmp(work->experiment.data_corruption_type, "none") != 0)
        return (struct rt_kernel_paper){.error = NAN, .norm = NAN, .with = ""};
    return rt_kernel_paper(&work->dataset, work->features->name, work->filters, work->ridge);
}

static double share(long part, long whole)
{
    return whole ? (double)part / (double)whole : NAN;
}

static int fill_rows(const struct work *work, struct rt_results *rows, struct rt_error *err)
{
    static const char *const names[] = {
        "data",         "features",    "kernel",     "width",           "ridge",     "n",
        "wrong_labels", "train_error", "test_error", "test_error_true", "filters",   "paper",
        "norm",         "residual",    "steps",      "seconds",         "memory_gb", NULL};
    const struct rt_kernel_result *r = &work->result;
    const struct rt_kernel_paper paper = paper_of(work);
    struct rt_label_counts counts;

    rt_dataset_count_labels(&work->dataset, 0, work->dataset.train_count, &counts);
    RT_TRY(rt_rows_begin(rows, names, err));
    RT_TRY(rt_rows_add(rows, err));
    rt_rows_text(rows, "data", work->dataset.name);
    rt_rows_text(rows, "features", work->features->name);
    rt_rows_text(rows, "kernel", rt_kernel_name(work->kernel.index));
    rt_rows_real(rows, "width", rt_kernel_is_radial(work->kernel.index) ? work->kernel.width : NAN);
    rt_rows_real(rows, "ridge", work->ridge);
    rt_rows_whole(rows, "filters", strcmp(work->features->name, "conv") != 0 ? NAN : (double)work->filters);
    rt_rows_whole(rows, "n", (double)r->train);
    rt_rows_whole(rows, "wrong_labels", (double)counts.changed);
    rt_rows_real(rows, "train_error", share(r->train_wrong, r->train));
    rt_rows_real(rows, "test_error", share(r->test_wrong, r->test));
    rt_rows_real(rows, "test_error_true", share(r->test_wrong_true, r->test));
    rt_rows_real(rows, "paper", paper.alike ? paper.error : NAN);
    rt_rows_real(rows, "norm", r->norm);
    rt_rows_real(rows, "residual", r->convergence.residual);
    rt_rows_whole(rows, "steps", r->convergence.steps);
    rt_rows_real(rows, "seconds", work->features_s + r->matrix_s + r->factor_s + r->solve_s + r->predict_s);
    rt_rows_real(rows, "memory_gb", (double)rt_peak_memory_bytes() / 1e9);
    return RT_OK;
}

/* ---- for people ---- */

enum { READING_COLUMNS = 100 };

static void append_quality(const struct work *work, struct rt_text *text)
{
    const struct rt_kernel_result *r = &work->result;
    const struct rt_kernel_paper paper = paper_of(work);

    rt_text_printf(text, "  training error %.2f %%\n", 100 * share(r->train_wrong, r->train));
    rt_text_printf(text, "  test error     %.2f %% of %ld images", 100 * share(r->test_wrong, r->test),
                   r->test);
    if (r->test_wrong_true != r->test_wrong)
        rt_text_printf(text, " (against true labels: %.2f %%)", 100 * share(r->test_wrong_true, r->test));
    if (paper.error <= 1)
        rt_text_printf(text, "; in the paper%s: %g %%", paper.with, 100 * paper.error);
    rt_text_printf(text, "\n  norm           %.6g", r->norm);
    if (paper.norm > 0)
        rt_text_printf(text, "; in the paper%s: about %g", paper.with, paper.norm);
    rt_text_printf(text, "\n  residual       %.2g of |Y|, after %d step%s of %s\n", r->convergence.residual,
                   r->convergence.steps, r->convergence.steps == 1 ? "" : "s",
                   work->problem.solver == RT_KERNEL_CG ? "conjugate gradients" : "refinement");
    if (r->shift > 0)
        rt_text_printf(
            text,
            "  conditioning   pivots were not positive in single precision: %.0e was added to the factor's "
            "diagonal, not to K's\n",
            r->shift);
}

static void describe(const struct work *work, struct rt_text *text)
{
    const struct rt_kernel_result *r = &work->result;

    rt_text_printf(text, "%s kernel, %s; %ld training images\n", rt_kernel_name(work->kernel.index),
                   work->points.what, r->train);
    if (rt_kernel_is_radial(work->kernel.index))
        rt_text_printf(text, "  width          %.6g\n", work->kernel.width);
    rt_text_printf(text, "  ridge          %.3g\n", work->ridge);
    append_quality(work, text);
    rt_text_printf(
        text, "  seconds        features %.1f, matrix %.1f, Cholesky %.1f, solution %.1f, prediction %.1f\n",
        work->features_s, r->matrix_s, r->factor_s, r->solve_s, r->predict_s);
    rt_text_printf(text, "  memory         %.2f GB%s\n\n", (double)rt_peak_memory_bytes() / 1e9,
                   r->stored ? "" : " (the matrix is not stored, but computed again for each product)");
    rt_text_append_folded(
        text,
        "The paper: the model of least norm in a kernel's features fits all labels, without training and "
        "without regularisation, and still generalises. So what it finds of networks needs neither depth nor "
        "SGD; random labels (--labels random) are fitted as well, and nothing is learnt from them.",
        0, READING_COLUMNS);
    if (!strcmp(work->dataset.name, "mnist"))
        rt_text_append_folded(text,
                              "Gabor wavelets (--features gabor) raise the norm from 220 to 390 and halve "
                              "the test error: the norm does not explain it either.",
                              0, READING_COLUMNS);
}

/* kernel_DATA_FEATURES_KERNEL.csv, for the report; of scrambled pixels with their corruption's name behind. */
static int save(const struct work *work, const struct rt_results *rows, struct rt_error *err)
{
    const char *folder = rt_argument(work->arguments, "output");
    const char *corruption = work->experiment.data_corruption_type;
    const bool scrambled = strcmp(corruption, "none") != 0;
    char file[512];

    if (!folder)
        return RT_OK;
    snprintf(file, sizeof file, "kernel_%s_%s_%s%s%s.csv", work->dataset.name, work->features->name,
             rt_kernel_name(work->kernel.index), scrambled ? "_" : "", scrambled ? corruption : "");
    return rt_rows_save(rows, folder, file, err);
}

static int report(const struct work *work, struct rt_error *err)
{
    const struct rt_result_format *format;
    struct rt_results rows = {0};
    struct rt_text text = {0};
    bool people;
    int rc;

    RT_TRY(rt_rows_format(&format, &people, work->arguments, err));
    if (!(rc = fill_rows(work, &rows, err))) {
        if (people)
            describe(work, &text);
        else
            rc = format->append(&text, &rows, err);
    }
    if (!rc && !(rc = rt_output_text(&text, err)))
        rc = save(work, &rows, err);
    rt_text_free(&text);
    rt_results_free(&rows);
    return rc;
}

/* ---- carrying out ---- */

static int search(struct work *work, struct rt_error *err)
{
    if (!isnan(work->kernel.width) && !isnan(work->ridge))
        return RT_OK;
    RT_TRY(rt_kernel_search(&work->search, &work->problem, work->kernel.index, work->kernel.width, work->ridge,
                            work->search_images, err));
    rt_log_clear();
    say_search(work);
    work->kernel.width = work->search.best.width;
    work->ridge = work->search.best.ridge;
    return RT_OK;
}

static int run(struct work *work, struct rt_error *err)
{
    const struct rt_result_format *format;
    struct rt_points_options options;
    bool people;
    double mark;

    RT_TRY(rt_rows_format(&format, &people, work->arguments, err));
    RT_TRY(read_options(work, err));
    RT_TRY(rt_dataset_load(&work->dataset, rt_argument(work->arguments, "data"), &work->experiment,
                           (int)work->threads, err));
    RT_TRY(rt_team_create(&work->team, (int)work->threads, err));
    options = (struct rt_points_options){.dataset = &work->dataset,
                                         .team = work->team,
                                         .filters = work->filters,
                                         .seed = (uint32_t)work->experiment.seed.value};
    mark = rt_clock_wall_s();
    RT_TRY(work->features->create(&work->points, &options, err));
    work->features_s = rt_clock_wall_s() - mark;
    if (rt_argument_flag(work->arguments, "sgd"))
        return rt_kernel_follow_sgd(work->arguments, &work->points, options.seed, err);
    work->problem.points = &work->points;
    work->problem.dataset = &work->dataset;
    work->problem.team = work->team;
    work->problem.progress = isatty(STDERR_FILENO) ? show_progress : NULL;
    if (!people)
        rt_log_set_level(RT_LOG_QUIET);
    say_start(work);
    RT_TRY(search(work, err));
    RT_TRY(rt_kernel_solve(&work->result, &work->problem, &work->kernel, work->ridge, err));
    rt_log_clear();
    if (!(work->result.convergence.residual <= 1e-5))
        rt_log_warn("kernel: the residual is still %.2g of |Y| after %d steps; set --ridge, or another width",
                    work->result.convergence.residual, work->result.convergence.steps);
    return report(work, err);
}

static int run_kernel(const struct rt_arguments *arguments, struct rt_error *err)
{
    struct work *work;
    int rc;

    RT_TRY(rt_alloc(&work, 1, sizeof *work, "a kernel", err));
    work->arguments = arguments;
    rc = run(work, err);
    rt_points_free(&work->points);
    rt_team_free(&work->team);
    rt_dataset_free(&work->dataset);
    rt_free(&work);
    return rc;
}

#define FEATURES_HELP(name, help) "; " #name ": " help
#define KERNEL_HELP(name, radial, help) "; " #name ": " help
#define SOLVER_HELP(symbol, name, help) "; " name ": " help

static const struct rt_option options_table[] = {
    {"kernel", 0, "NAME", RT_CHOSEN_KERNELS(LIST_NAME),
     "k(x, y) (default: gaussian)" RT_CHOSEN_KERNELS(KERNEL_HELP)},
    {"features", 0, "NAME", RT_FEATURES(LIST_NAME), "what x is (default: pixels)" RT_FEATURES(FEATURES_HELP)},
    {"width", 0, "G|auto", "auto", "g, or searched on held-out training images (default)"},
    {"ridge", 0, "R|auto", "auto", "l2 regularisation (default: 0), or searched"},
    {"filters", 0, "N", NULL, "of conv: how many (default: 32000, the paper's)"},
    {"search-size", 0, "N", NULL, "training images to search on, a fifth of them held out (default: 5000)"},
    {"solver", 0, "NAME", RT_KERNEL_SOLVERS(SOLVER_NAME),
     "of the linear system (default: cholesky)" RT_KERNEL_SOLVERS(SOLVER_HELP)},
    {"sgd", 0, NULL, NULL,
     "instead, SGD from zero on the linear model: how far from the minimum-norm solution, after how many steps "
     "(500 images, where --train-size is not given)"},
    {"steps", 0, "N", NULL, "of --sgd: images visited (default: 1000000)"},
    {"rate", 0, "RATE", NULL, "of --sgd: learning rate (default: 1 / max |x|^2)"},
    {"off-span", 0, "R", NULL,
     "of --sgd: begin not at 0, but R |w_min| away from the span of the images, which SGD never corrects"},
    RT_OPTION_FITTED_LABELS,
    {"label-noise", 0, "P", NULL, "probability that a label is replaced by a random one"},
    {"train-size", 0, "N", NULL, "only the first N training images"},
    {"seed", 0, "N", NULL, "seed of corruption and of random filters (default: 42)"},
    {"set", 0, "KEY=VALUE", "@keys", "a config key of labels, sizes, or data_corruption_type; may be repeated"},
    RT_OPTION_DATA,
    {"output", 'o', "DIR", "@dirs",
     "write the numbers there too, for the report: kernel_DATA_FEATURES_KERNEL.csv, or kernel_sgd.csv "
     "(kernel_sgd_DATA.csv where it is not CIFAR-10)"},
    RT_OPTION_THREADS,
    RT_OPTION_FORMAT,
    {0},
};

const struct rt_command rt_command_kernel = {
    .name = "kernel",
    .operands = "",
    .summary = "Solve for the minimum-norm model of a kernel, directly, on all images.",
    .description =
        "Section 5 of the paper: the minimum-norm solution that fits all training labels, K alpha = Y with "
        "K_ij = k(x_i, x_j) and one-hot targets Y; the largest output is predicted. x are the features of "
        "whole images (of the central 28 x 28 where pixels are scrambled).\n\n"
        "Distances of pixels are exact. K is in single precision; Cholesky's factor is refined against it, in "
        "double, until the residual is 1e-6 of |Y|. CIFAR-10's 50,000 images take 10 GB, or 5 GB where "
        "there is no more: then K is computed again for each residual. Where K is singular, the message names "
        "the pivot. LAPACK is opened when it is needed: OpenBLAS, or what RETHINK_LAPACK names.\n\n"
        "The width is searched by factors of 2 around 1 / mean |x - y|^2 (Laplacian: 1 / mean |x - y|), and "
        "further while the best is the last. --ridge R solves (K + R t I) alpha = Y, t the mean of K's "
        "diagonal: 1 for the Gaussian and the Laplacian; auto tries 0, 1e-5, 1e-4, ... 1. The norm is sqrt(sum "
        "over classes of alpha' K alpha).",
    .examples = "rethink kernel                                        # Gaussian on pixels, all images\n"
                "rethink kernel --train-size 5000 --kernel laplacian\n"
                "rethink kernel --train-size 5000 --labels random\n"
                "rethink kernel --train-size 5000 --features conv --filters 1000 --ridge auto\n"
                "rethink kernel --sgd                                  # ends at the minimum-norm solution",
    .options = options_table,
    .run = run_kernel,
};
