/* rethink theorem1: the network of 2n + d weights that fits any labels, built on real images. */
#include "cli/theorem1.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "cli/experiment_args.h"
#include "cli/output.h"
#include "cli/rows.h"
#include "config/limits.h"
#include "data/dataset.h"

enum { DRAWS_MAX = 16, DEPTH_MAX = (int)RT_IMAGES_LIMIT + 1 };

/* ---- what is asked for ---- */

static int read_experiment(struct rt_theorem1_work *work, struct rt_error *err)
{
    RT_TRY(rt_experiment_without_network(&work->experiment, work->arguments, false, err));
    work->experiment.test_size.given = true;
    work->experiment.test_size.value = 1;
    return rt_experiment_check(&work->experiment, err);
}

static int load(struct rt_theorem1_work *work, struct rt_error *err)
{
    const struct rt_dataset *dataset = &work->dataset;
    long threads;

    RT_TRY(rt_argument_integer(work->arguments, "threads", 1, 256, 0, &threads, err));
    RT_TRY(rt_dataset_load(&work->dataset, rt_argument(work->arguments, "data"), &work->experiment,
                           (int)threads, err));
    if (dataset->noise)
        return rt_fail(err, RT_ECONFIG,
                       "data_corruption_type: %s has no pixels that are bytes, as theorem1 needs",
                       work->experiment.data_corruption_type);
    work->images = (struct rt_theorem1_images){
        .pixels = dataset->pixels,
        .labels = dataset->labels,
        .count = dataset->train_count,
        .inputs = (size_t)dataset->channels * (size_t)(dataset->side * dataset->side),
    };
    RT_TRY(rt_alloc(&work->a, work->images.inputs, sizeof *work->a, "a projection", err));
    RT_TRY(rt_alloc(&work->z, work->images.count, sizeof *work->z, "projections", err));
    RT_TRY(rt_alloc(&work->residual, work->images.count, sizeof *work->residual, "residuals", err));
    RT_TRY(rt_alloc(&work->points, work->images.count, sizeof *work->points, "projections", err));
    return rt_team_create(&work->team, (int)threads, err);
}

static int add_size(struct rt_theorem1_work *work, size_t n, struct rt_error *err)
{
    if (work->size_count == RT_THEOREM1_SIZES_MAX)
        return rt_fail(err, RT_EUSAGE, "--n: more than %d numbers", RT_THEOREM1_SIZES_MAX);
    work->sizes[work->size_count++] = n;
    return RT_OK;
}

/* 10, 100, 1000, ... and all images. */
static int choose_sizes(struct rt_theorem1_work *work, struct rt_error *err)
{
    const struct rt_theorem1_ties *ties = &work->ties;
    size_t most = work->images.count;

    if (ties->contradiction) {
        most = ties->later;
        rt_log_warn(
            "only the first %zu images can be fitted: images %u and %u are the same and have the labels "
            "%d and %d",
            most, ties->earlier, ties->later, work->images.labels[ties->earlier],
            work->images.labels[ties->later]);
    }
    for (size_t n = 10; n < most; n *= 10)
        RT_TRY(add_size(work, n, err));
    return add_size(work, most, err);
}

static int check_size(const struct rt_theorem1_work *work, size_t n, struct rt_error *err)
{
    const struct rt_theorem1_ties *ties = &work->ties;
    const struct rt_theorem1_images *images = &work->images;

    if (n > images->count)
        return rt_fail(err, RT_EDATA, "--n %zu: %s has %zu training images", n, work->dataset.name,
                       images->count);
    if (ties->contradiction && n > ties->later)
        return rt_fail(
            err, RT_EDATA,
            "--n %zu: images %u and %u are the same and have the labels %d and %d, which no function "
            "fits; up to --n %u it can be done",
            n, ties->earlier, ties->later, images->labels[ties->earlier], images->labels[ties->later],
            ties->later);
    if (work->depth > 2 && (size_t)work->depth > n)
        return rt_fail(err, RT_EUSAGE, "--depth %ld: more layers than the %zu images of --n", work->depth, n);
    return RT_OK;
}

static int read_sizes(struct rt_theorem1_work *work, struct rt_error *err)
{
    const char *at = rt_argument(work->arguments, "n");

    while (at && *at) {
        char *end;

        errno = 0;
        const long n = strtol(at, &end, 10);
        if (end == at || (*end && *end != ',') || strspn(at, " \t\n\v\f\r"))
            return rt_fail(err, RT_EUSAGE, "--n '%.40s': whole numbers joined by commas are expected", at);
        if (errno || n < 1)
            return rt_fail(err, RT_EUSAGE, "--n %.*s: at least one image is needed", (int)(end - at), at);
        RT_TRY(add_size(work, (size_t)n, err));
        at = end + (*end == ',');
    }
    if (!work->size_count && rt_argument(work->arguments, "n"))
        return rt_fail(err, RT_EUSAGE, "--n: whole numbers joined by commas are expected");
    if (!work->size_count)
        RT_TRY(choose_sizes(work, err));
    for (int i = 0; i < work->size_count; i++)
        RT_TRY(check_size(work, work->sizes[i], err));
    return RT_OK;
}

/* A projection at which different images are apart: nearly always the first that is drawn. */
static int choose_projection(struct rt_theorem1_work *work, struct rt_error *err)
{
    struct rt_mt mt;

    rt_mt_seed(&mt, (uint32_t)work->experiment.seed.value);
    for (int i = 0; i < DRAWS_MAX; i++) {
        rt_theorem1_draw(work->a, work->images.inputs, &mt);
        rt_theorem1_project(work->z, &work->images, work->a, work->team);
        rt_theorem1_sort(work->points, work->z, work->images.count);
        rt_theorem1_find_ties(&work->ties, &work->images, work->points);
        if (!work->ties.collision)
            return RT_OK;
    }
    return rt_fail(err, RT_EDATA, "%s: none of %d projections keeps all images apart", work->dataset.name,
                   DRAWS_MAX);
}

/* ---- the networks ---- */

static struct rt_theorem1_way measure(const struct rt_theorem1_work *work, size_t n)
{
    struct rt_theorem1_way way = {0};

    for (size_t i = 0; i < n; i++) {
        const double residual = fabs(work->residual[i]);

        if (!(residual <= way.largest))
            way.largest = residual;
        way.rms += residual * residual;
        way.right += residual < 0.5;
    }
    way.rms = sqrt(way.rms / (double)n);
    return way;
}

static int fit(struct rt_theorem1_work *work, size_t n, struct rt_theorem1_fit *fit, struct rt_error *err)
{
    struct rt_theorem1 network;

    RT_TRY(rt_theorem1_create_for(&network, &work->images, work->points, n, work->a, (size_t)work->depth, err));
    *fit = (struct rt_theorem1_fit){
        .n = n, .units = network.units, .widest = network.widest, .fixed = network.fixed};
    for (int i = 0; i < RT_THEOREM1_SOLUTION_COUNT; i++) {
        const double start = rt_clock_wall_s();

        rt_theorem1_solve(&network, (enum rt_theorem1_solution)i);
        rt_theorem1_evaluate(&network, &work->images, n, work->residual, work->team);
        fit->ways[i] = measure(work, n);
        fit->ways[i].seconds = rt_clock_wall_s() - start;
    }
    fit->largest_weight = rt_theorem1_largest_weight(&network);
    rt_theorem1_free(&network);
    return RT_OK;
}

static int draw(const struct rt_theorem1_work *work, const char *folder, struct rt_error *err)
{
    struct rt_text title = {0};
    char name[RT_OUTPUT_NAME_MAX];
    int rc;

    rt_output_name(name, "theorem1", work->dataset.name);
    rt_theorem1_append_title(work, &title);
    if (!(rc = rt_theorem1_draw_fits(work->fits, work->size_count, name, rt_text_string(&title), folder, err)))
        rt_log_info("%s/%s.png", folder, name);
    rt_text_free(&title);
    return rc;
}

static int run(struct rt_theorem1_work *work, struct rt_error *err)
{
    const struct rt_arguments *arguments = work->arguments;
    const char *folder = rt_argument(arguments, "output");
    const struct rt_result_format *format;
    bool people;

    RT_TRY(rt_rows_format(&format, &people, arguments, err));
    RT_TRY(rt_argument_integer(arguments, "depth", 2, DEPTH_MAX, 2, &work->depth, err));
    RT_TRY(read_experiment(work, err));
    RT_TRY(load(work, err));
    RT_TRY(choose_projection(work, err));
    RT_TRY(read_sizes(work, err));
    for (int i = 0; i < work->size_count; i++)
        RT_TRY(fit(work, work->sizes[i], &work->fits[i], err));
    RT_TRY(rt_theorem1_say(work, format, people, err));
    return folder ? draw(work, folder, err) : RT_OK;
}

static int run_demo(const struct rt_arguments *arguments, struct rt_error *err)
{
    struct rt_text text = {0};

    if (arguments->given_count > 1)
        return rt_fail(err, RT_EUSAGE, "--demo is of three points and goes with no other option");
    RT_TRY(rt_theorem1_demo(&text, err));
    return rt_output_text(&text, err);
}

static int run_theorem1(const struct rt_arguments *arguments, struct rt_error *err)
{
    struct rt_theorem1_work *work = NULL;
    int rc;

    if (rt_argument_flag(arguments, "demo"))
        return run_demo(arguments, err);
    RT_TRY(rt_alloc(&work, 1, sizeof *work, "theorem 1", err));
    work->arguments = arguments;
    rc = run(work, err);
    rt_free(&work->a);
    rt_free(&work->z);
    rt_free(&work->residual);
    rt_free(&work->points);
    rt_team_free(&work->team);
    rt_dataset_free(&work->dataset);
    rt_free(&work);
    return rc;
}

static const struct rt_option options_table[] = {
    {"demo", 0, NULL, NULL, "three points, with every step of the substitution"},
    {"n", 0, "LIST", NULL, "the first n images, for each n (default: 10,100,1000,... and all)"},
    RT_OPTION_FITTED_LABELS,
    {"depth", 0, "K", NULL, "K layers of weights, the hidden ones of width about n / (K - 1) (default: 2)"},
    {"seed", 0, "N", NULL, "seed of the projection and of random labels (default: 42)"},
    {"set", 0, "KEY=VALUE", "@keys", "a config key of labels, or data_corruption_type; may be repeated"},
    RT_OPTION_DATA,
    RT_OPTION_THREADS,
    RT_OPTION_FORMAT,
    {"output", 'o', "DIR", "@dirs", "draw residual and largest weight against n there (default: not drawn)"},
    {0},
};

const struct rt_command rt_command_theorem1 = {
    .name = "theorem1",
    .operands = "",
    .summary = "Build the paper's two-layer network of 2n + d weights that fits any labels of n images.",
    .description =
        "Theorem 1: c(x) = sum_j w_j max(<a, x> - b_j, 0) fits any labels of n points in d dimensions. a is "
        "drawn at random, so that the projections z_i = <a, x_i> of all images differ; thresholds b lie "
        "half-way between neighbouring z; then the matrix max(z_i - b_j, 0) is lower triangular, and w follows "
        "by forward substitution. Nothing is trained.\n\n"
        "Each n has three rows: forward substitution in double (n^2/2 steps), and what elimination leaves of "
        "it, the differences of neighbouring rows (n steps), in double and in double-double (106 bits). Every "
        "image is passed through the network unit by unit in the same arithmetic; residuals are c(x) - y, "
        "where y is the label, and accuracy is the share of images whose nearest label is their own. `seconds` "
        "are of w and of all passes.\n\n"
        "--depth K builds the corollary's network: K - 1 hidden layers, each with one block of the units, a "
        "unit that hands on z and two that hand on the sum. `weights` counts a, b and w; `fixed`, the "
        "connections of weight 1, -1 or -w that hand on.\n\n"
        "Equal images with different labels cannot be fitted by any function: their first pair ends the range "
        "of n.",
    .examples = "rethink theorem1 --demo\n"
                "rethink theorem1 --labels random                   # 10, 100, ... and all images\n"
                "rethink theorem1 --n 50000 --depth 10              # ten layers, nine of them hidden\n"
                "rethink theorem1 -o figures --format csv > theorem1.csv\n",
    .options = options_table,
    .run = run_theorem1,
};
