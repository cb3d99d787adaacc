/* rethink rademacher: how well networks and linear functions fit random signs. */
#include "cli/rademacher.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "cli/output.h"
#include "cli/rows.h"
#include "cli/sweep_args.h"
#include "config/limits.h"
#include "data/source.h"
#include "run/run.h"
#include "runs/statistics.h"
#include "theory/linear.h"

static const char n_default[] = "200,1000", features_default[] = "10,100,1000", models_default[] = "MLP1";

/* What fill() adds to: the sweep calls it back without a context. */
static struct rt_rademacher *filling;

/* ---- what is asked for ---- */

static int read_list(long *list, int *count, const struct rt_arguments *arguments, const char *name,
                     const char *fallback, long high, struct rt_error *err)
{
    const char *given = rt_argument(arguments, name), *at = given ? given : fallback;

    for (*count = 0; *at || !*count; ++*count) {
        char *end;

        errno = 0;
        const long value = strtol(at, &end, 10);
        if (end == at || (*end && *end != ',') || strspn(at, " \t\n\v\f\r"))
            return rt_fail(err, RT_EUSAGE, "--%s '%.40s': whole numbers joined by commas are expected", name,
                           at);
        if (errno || value < 1 || value > high)
            return rt_fail(err, RT_EUSAGE, "--%s %.*s is out of range: 1 to %ld", name, (int)(end - at), at,
                           high);
        if (*count == RT_RADEMACHER_LIST_MAX)
            return rt_fail(err, RT_EUSAGE, "--%s: more than %d numbers", name, RT_RADEMACHER_LIST_MAX);
        list[*count] = value;
        at = end + (*end == ',');
    }
    return RT_OK;
}

/* --seed N, or --set seed=N: the first draw's. */
static int read_seed(struct rt_rademacher *work, struct rt_error *err)
{
    struct rt_assignment assignment;
    struct rt_experiment experiment;
    int at = 0;

    rt_experiment_defaults(&experiment);
    for (;;) {
        RT_TRY(rt_assignment_next(&assignment, work->arguments, &at, err));
        if (!assignment.text)
            break;
        if (!strncmp(assignment.text, "seed=", strlen("seed=")))
            RT_TRY(rt_experiment_set(&experiment, assignment.text, err));
    }
    if (!experiment.seed.given || experiment.seed.value + work->draws - 1 > UINT32_MAX)
        return rt_fail(err, RT_EUSAGE,
                       "--seed: the first draw's, a number up to %u less --draws; the others follow",
                       UINT32_MAX);
    work->seed = (uint32_t)experiment.seed.value;
    return RT_OK;
}

static int read_arguments(struct rt_rademacher *work, struct rt_error *err)
{
    static const char *const own[] = {"train_size",
                                      "label_noise",
                                      "label_corruption_prob",
                                      "label_file",
                                      "data_corruption_type",
                                      "augment",
                                      "preprocessing",
                                      "crop",
                                      "flip",
                                      "rotate",
                                      "reseed_on_resume"};
    long draws;

    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (rt_assignment_sets(work->arguments, own[i]))
            return rt_fail(err, RT_EUSAGE, "--set %s: rademacher sets it itself (--n says how many images)",
                           own[i]);
    RT_TRY(rt_argument_integer(work->arguments, "draws", 1, RT_RADEMACHER_DRAWS_MAX, 5, &draws, err));
    work->draws = (int)draws;
    RT_TRY(read_list(work->n, &work->n_count, work->arguments, "n", n_default, (long)RT_IMAGES_LIMIT, err));
    RT_TRY(read_list(work->features, &work->feature_count, work->arguments, "features", features_default,
                     (long)RT_IMAGES_LIMIT, err));
    return read_seed(work, err);
}

/* ---- the runs ---- */

/* The user's own settings, but for the seed; null-ended. */
static int own_axes(const char **axes, struct rt_assignment *assignments, const struct rt_arguments *arguments,
                    struct rt_error *err)
{
    int at = 0, count = 0;

    for (int i = 0; i <= RT_SETTINGS_MAX; i++) {
        RT_TRY(rt_assignment_next(&assignments[i], arguments, &at, err));
        if (!assignments[i].text)
            break;
        if (strncmp(assignments[i].text, "seed=", strlen("seed=")) != 0)
            axes[count++] = assignments[i].text;
    }
    axes[count] = NULL;
    return RT_OK;
}

static int add_run(struct rt_sweep *sweep, int model, int n, int draw, struct rt_error *err)
{
    const char *name = filling->models[model];
    const long images = filling->n[n];
    const uint32_t seed = filling->seed + (uint32_t)draw;
    struct rt_assignment assignments[RT_SETTINGS_MAX + 1];
    const char *axes[RT_SETTINGS_MAX + 2];
    char base[RT_TEXT_MAX], called[RT_TEXT_MAX], size[64], drawn[64];
    struct rt_rademacher_run *run = &filling->runs[filling->run_count];
    struct rt_error cause = {0};

    snprintf(base, sizeof base, "%s_1.0_none", name);
    snprintf(called, sizeof called, "experiment_name=%.100s_rademacher_n%ld_seed%u", name, images, seed);
    snprintf(size, sizeof size, "train_size=%ld", images);
    snprintf(drawn, sizeof drawn, "seed=%u", seed);
    const char *const settings[] = {called,           "label_noise=two_classes", size, drawn,
                                    "test_size=1000", "batch_size=20",           NULL};
    RT_TRY(own_axes(axes, assignments, filling->arguments, err));
    const struct rt_grid grid = {.base = base, .settings = settings, .axes = axes, .stages = 1};
    const int before = sweep->count;
    if (rt_sweep_add_grid(sweep, &grid, &cause))
        return rt_assignment_blame(filling->arguments, &cause, err);
    if (sweep->count != before + 1)
        return rt_fail(err, RT_EUSAGE, "--set KEY=V1,V2: one value each; the grid here is of --n and --draws");
    run->experiment = sweep->runs[before].experiment;
    run->model = model;
    run->n = n;
    run->draw = draw;
    filling->run_count++;
    return rt_run_path(run->directory, sweep->options.runs, &run->experiment, err);
}

static int use_model(struct rt_sweep *sweep, const struct rt_arguments *arguments, const char *model,
                     struct rt_error *err)
{
    (void)sweep;
    (void)arguments;
    if (filling->model_count == RT_RADEMACHER_LIST_MAX)
        return rt_fail(err, RT_EUSAGE, "--models: more than %d", RT_RADEMACHER_LIST_MAX);
    filling->models[filling->model_count++] = model;
    return RT_OK;
}

/* Where the runs are carried out by others, they are not finished yet. */
static bool is_elsewhere(const struct rt_arguments *arguments)
{
    const char *name = rt_argument(arguments, "launcher");
    const struct rt_launcher *launcher = name ? rt_launcher_find(NULL, name) : NULL;

    return launcher && !launcher->here;
}

static int check_data(const struct rt_arguments *arguments, struct rt_error *err)
{
    struct rt_source source;
    int rc = RT_OK;

    if (is_elsewhere(arguments))
        return RT_OK;
    RT_TRY(rt_source_open(&source, rt_argument(arguments, "data"), err));
    for (int i = 0; i < filling->n_count && !rc; i++)
        if ((size_t)filling->n[i] > source.train_count)
            rc = rt_fail(err, RT_EDATA, "--n %ld: %s has %zu training images", filling->n[i], source.kind->name,
                         source.train_count);
    rt_source_close(&source);
    return rc;
}

static int fill(struct rt_sweep *sweep, const struct rt_arguments *arguments, struct rt_error *err)
{
    RT_TRY(check_data(arguments, err));
    RT_TRY(rt_sweep_args_models(arguments, models_default, use_model, sweep, err));
    RT_TRY(rt_alloc(&filling->runs, (size_t)(filling->model_count * filling->n_count * filling->draws),
                    sizeof *filling->runs, "runs", err));
    for (int model = 0; model < filling->model_count; model++)
        for (int n = 0; n < filling->n_count; n++)
            for (int draw = 0; draw < filling->draws; draw++)
                RT_TRY(add_run(sweep, model, n, draw, err));
    return RT_OK;
}

/* ---- what is said ---- */

/* The row of a class: over the draws, mean and deviation. */
static int add_row(struct rt_results *rows, const struct rt_rademacher *work, int n, const char *class,
                   const double *values, double expected, struct rt_error *err)
{
    const struct rt_summary summary = rt_summarize(values, work->draws);

    RT_TRY(rt_rows_add(rows, err));
    rt_rows_whole(rows, "n", (double)work->n[n]);
    rt_rows_text(rows, "class", class);
    rt_rows_whole(rows, "draws", work->draws);
    rt_rows_real(rows, "correlation", summary.mean);
    rt_rows_real(rows, "deviation", summary.deviation);
    rt_rows_real(rows, "expected", expected);
    return RT_OK;
}

static int add_networks(struct rt_results *rows, const struct rt_rademacher *work, int n, double *values,
                        struct rt_error *err)
{
    for (int model = 0; model < work->model_count; model++) {
        double tests = 0, weights = NAN;

        for (int i = 0; i < work->run_count; i++)
            if (work->runs[i].model == model && work->runs[i].n == n) {
                values[work->runs[i].draw] = work->runs[i].correlation;
                tests += work->runs[i].test_correlation;
                weights = work->runs[i].weights;
            }
        RT_TRY(add_row(rows, work, n, work->models[model], values, 1, err));
        rt_rows_whole(rows, "weights", weights);
        rt_rows_real(rows, "test_correlation", tests / work->draws);
    }
    return RT_OK;
}

static int add_linear(struct rt_results *rows, const struct rt_rademacher *work, int n, double *values,
                      struct rt_error *err)
{
    const struct rt_rademacher_linear *linear = work->linear + n * work->draws;
    char class[64];

    for (int k = 0; k < work->feature_count; k++) {
        const struct rt_linear_reach expected =
            rt_linear_expected((size_t)work->n[n], (size_t)work->features[k]);

        for (int i = 0; i < work->draws; i++)
            values[i] = linear[i].signs[k];
        snprintf(class, sizeof class, "sign of linear, %ld features", work->features[k]);
        RT_TRY(add_row(rows, work, n, class, values, expected.signs, err));
        rt_rows_whole(rows, "weights", (double)work->features[k]);
        for (int i = 0; i < work->draws; i++)
            values[i] = linear[i].bounded[k];
        snprintf(class, sizeof class, "linear, %ld features, mean square 1", work->features[k]);
        RT_TRY(add_row(rows, work, n, class, values, expected.bounded, err));
        rt_rows_whole(rows, "weights", (double)work->features[k]);
    }
    for (int i = 0; i < work->draws; i++)
        values[i] = linear[i].within_ball;
    return add_row(rows, work, n, "linear in pixels, |w| <= 1 / max|x|", values, linear->ball_expected, err);
}

static int fill_rows(struct rt_results *rows, const struct rt_rademacher *work, struct rt_error *err)
{
    static const char *const names[] = {"n",         "class",    "weights",          "draws", "correlation",
                                        "deviation", "expected", "test_correlation", NULL};
    double values[RT_RADEMACHER_DRAWS_MAX];

    RT_TRY(rt_rows_begin(rows, names, err));
    for (int n = 0; n < work->n_count; n++) {
        RT_TRY(add_networks(rows, work, n, values, err));
        RT_TRY(add_linear(rows, work, n, values, err));
    }
    return RT_OK;
}

static void append_reading(struct rt_text *text)
{
    rt_text_append(text, "\ncorrelation: (1/n) sum_i sigma_i h(x_i) with random signs sigma, of the h found in "
                         "the class; at most 1.\n"
                         "expected: of networks the bound, 1; of linear classes the mean over signs, about "
                         "sqrt(d / n), 1 from d = n on.\n"
                         "test_correlation: of the same networks on signs of new images.\n"
                         "\nThe paper: a class that fits random labels has a Rademacher complexity of about 1, "
                         "the largest there is.\n"
                         "The usual bound, test error <= training error + complexity, is then above 1 and says "
                         "nothing of the test error\n"
                         "of these networks, which on true labels do generalise; it says something of linear "
                         "functions of few features.\n");
}

static int say(const struct rt_rademacher *work, const struct rt_result_format *format, bool people,
               struct rt_error *err)
{
    struct rt_results rows = {0};
    struct rt_text text = {0};
    int rc;

    if (!(rc = fill_rows(&rows, work, err)) && !(rc = format->append(&text, &rows, err))) {
        if (people)
            append_reading(&text);
        rc = rt_output_text(&text, err);
    }
    rt_text_free(&text);
    rt_results_free(&rows);
    return rc;
}

static int draw(const struct rt_rademacher *work, const char *folder, struct rt_error *err)
{
    char name[RT_OUTPUT_NAME_MAX];

    rt_output_name(name, "rademacher", rt_source_kind_of(rt_argument(work->arguments, "data"))->name);
    RT_TRY(rt_rademacher_draw(work, name, folder, err));
    rt_log_info("%s/%s.png", folder, name);
    return RT_OK;
}

static int run(struct rt_rademacher *work, struct rt_error *err)
{
    const char *folder = rt_argument(work->arguments, "output");
    const struct rt_result_format *format;
    bool people;

    RT_TRY(rt_rows_format(&format, &people, work->arguments, err));
    RT_TRY(read_arguments(work, err));
    filling = work;
    RT_TRY(rt_sweep_args_run(work->arguments, fill, err));
    if (rt_argument_flag(work->arguments, "dry-run") || is_elsewhere(work->arguments))
        return RT_OK;
    RT_TRY(rt_rademacher_measure(work, err));
    RT_TRY(say(work, format, people, err));
    return folder ? draw(work, folder, err) : RT_OK;
}

static int run_rademacher(const struct rt_arguments *arguments, struct rt_error *err)
{
    struct rt_rademacher *work = NULL;
    int rc;

    RT_TRY(rt_alloc(&work, 1, sizeof *work, "rademacher", err));
    work->arguments = arguments;
    rc = run(work, err);
    filling = NULL;
    rt_free(&work->runs);
    rt_free(&work->linear);
    rt_free(&work);
    return rc;
}

static const struct rt_option options_table[] = {
    {"n", 0, "LIST", NULL, "the first n training images, for each n (default: 200,1000)"},
    {"draws", 0, "N", NULL, "draws of signs, each with its seed: --seed and those after it (default: 5)"},
    {"features", 0, "LIST", NULL, "numbers of random features of the linear classes (default: 10,100,1000)"},
    {"models", 0, "LIST", RT_PUBLISHED_MODEL_WORDS, "networks, separated by commas (default: MLP1)"},
    RT_OPTION_FORMAT,
    RT_SWEEP_RUN_OPTIONS,
    {"output", 'o', "DIR", "@dirs", "draw the correlations against n there (default: not drawn)"},
    RT_OPTION_QUIET,
    {0},
};

const struct rt_command rt_command_rademacher = {
    .name = "rademacher",
    .operands = "",
    .summary = "Fit random signs: networks reach a Rademacher complexity of 1, small linear classes do not.",
    .description =
        "The empirical Rademacher complexity of a class is the mean, over random signs sigma of n images, of "
        "the largest correlation (1/n) sum_i sigma_i h(x_i) of a function h of the class. Networks are trained "
        "on labels 0 and 1 drawn at even odds (label_noise: two_classes), in batches of 20, to their "
        "interpolation threshold; h is +1 where the network says 1 and -1 otherwise, in evaluation mode, so "
        "that the correlation is twice the accuracy less 1.\n\n"
        "Linear classes see the same images and signs. Of d features, random projections of the image: the "
        "best function whose mean square on the images is at most 1 (by projection, exactly), and the sign of "
        "the least-squares fit. Of the pixels: the best with |w| <= 1 / max|x|, (1/n) |sum_i sigma_i x_i| / "
        "max|x|.\n\n"
        "The runs are a sweep: repeat the command to resume it; see 'rethink sweep --help'.",
    .examples = "rethink rademacher --data shapes10 -o figures         # about a minute\n"
                "rethink rademacher --models MLP1,MLP3 --n 200,1000,5000 --draws 10\n"
                "rethink rademacher --models WRN --set batch_size=50 --device cuda\n"
                "rethink rademacher --format csv > rademacher.csv      # of the runs that are there\n",
    .options = options_table,
    .run = run_rademacher,
};
