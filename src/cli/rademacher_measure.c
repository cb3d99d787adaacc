#include "cli/rademacher.h"

#include <string.h>

#include "base/memory.h"
#include "cli/evaluate.h"
#include "cli/experiment_args.h"
#include "data/shared.h"
#include "theory/linear.h"
#include "train/setup.h"
#include "train/snapshot.h"

/* ---- networks ---- */

static double correlation_of(const struct rt_evaluation *evaluation)
{
    return 2 * (double)evaluation->correct / (double)evaluation->count - 1;
}

static int evaluate(struct rt_setup *setup, struct rt_checkpoint *checkpoint, struct rt_rademacher_run *run,
                    const struct rt_rademacher *work, struct rt_datasets *datasets, struct rt_error *err)
{
    const struct rt_arguments *arguments = work->arguments;
    struct rt_evaluation train, test;

    RT_TRY(rt_checkpoint_read_newest(checkpoint, run->directory, err));
    RT_TRY(rt_experiment_set_device(&checkpoint->experiment, arguments, err));
    RT_TRY(rt_datasets_load(datasets, &setup->dataset, rt_argument(arguments, "data"), &checkpoint->experiment,
                            0, err));
    if (strcmp(checkpoint->provenance.data.corruption_digest, setup->dataset.corruption_digest) != 0)
        return rt_fail(err, RT_EDATA, "%s: was trained on other images than %s; give their --data, or --fresh",
                       run->directory, setup->dataset.source);
    RT_TRY(rt_setup_network(setup, &checkpoint->experiment, rt_argument(arguments, "engine"), 0, false, err));
    RT_TRY(rt_snapshot_load_model(setup->plan, &checkpoint->model, checkpoint->path, err));
    RT_TRY(rt_evaluator_run(&setup->evaluator, RT_SPLIT_TRAIN, &train, NULL, err));
    RT_TRY(rt_evaluator_run(&setup->evaluator, RT_SPLIT_TEST, &test, NULL, err));
    run->correlation = correlation_of(&train);
    run->test_correlation = correlation_of(&test);
    run->weights = (double)rt_graph_parameter_count(&setup->graph);
    return RT_OK;
}

static int measure_network(struct rt_rademacher_run *run, const struct rt_rademacher *work,
                           struct rt_datasets *datasets, struct rt_error *err)
{
    struct rt_checkpoint *checkpoint = NULL;
    struct rt_setup setup = {0};
    int rc;

    RT_TRY(rt_alloc(&checkpoint, 1, sizeof *checkpoint, "a checkpoint", err));
    rc = evaluate(&setup, checkpoint, run, work, datasets, err);
    rt_setup_free(&setup);
    rt_checkpoint_free(checkpoint);
    rt_free(&checkpoint);
    return rc;
}

/* ---- linear classes ---- */

/* The first n images as networks see them: (byte / 255 - mean) / std. */
static int normalise(double **x, const struct rt_dataset *dataset, size_t n, struct rt_error *err)
{
    const size_t plane = (size_t)(dataset->side * dataset->side), channels = (size_t)dataset->channels;

    RT_TRY(rt_alloc_aligned(x, n, channels * plane * sizeof **x, "images", err));
    for (size_t i = 0; i < n * channels; i++) {
        const double mean = dataset->mean[i % channels], std = dataset->std[i % channels];

        for (size_t p = 0; p < plane; p++)
            (*x)[i * plane + p] = (dataset->pixels[i * plane + p] / 255.0 - mean) / std;
    }
    return RT_OK;
}

static size_t most_features(const struct rt_rademacher *work)
{
    long most = 0;

    for (int i = 0; i < work->feature_count; i++)
        most = work->features[i] > most ? work->features[i] : most;
    return (size_t)most;
}

static int create_linear(struct rt_linear *linear, const struct rt_rademacher *work,
                         const struct rt_dataset *dataset, size_t n, struct rt_error *err)
{
    struct rt_team *team = NULL;
    struct rt_mt mt;
    double *x = NULL;
    int rc;

    rt_mt_seed(&mt, work->seed);
    RT_TRY(normalise(&x, dataset, n, err));
    if (!(rc = rt_team_create(&team, 0, err)))
        rc = rt_linear_create(linear, &x, n, (size_t)(dataset->channels * dataset->side * dataset->side),
                              most_features(work), &mt, team, err);
    rt_team_free(&team);
    rt_free(&x);
    return rc;
}

/* sigma: class 1 is +1, class 0 is -1. */
static void reach(struct rt_rademacher_linear *out, const struct rt_rademacher *work,
                  const struct rt_linear *linear, const uint8_t *labels, double *sigma, double *scratch)
{
    for (size_t i = 0; i < linear->images; i++)
        sigma[i] = labels[i] ? 1 : -1;
    for (int i = 0; i < work->feature_count; i++) {
        const struct rt_linear_reach got = rt_linear_reach(linear, (size_t)work->features[i], sigma, scratch);

        out->bounded[i] = got.bounded;
        out->signs[i] = got.signs;
    }
    out->within_ball = rt_linear_short(linear, sigma, scratch);
    out->ball_expected = linear->expected;
}

/* The signs of each draw are those that a network of it was trained on. */
static const struct rt_experiment *experiment_of(const struct rt_rademacher *work, int n, int draw)
{
    for (int i = 0; i < work->run_count; i++)
        if (work->runs[i].n == n && work->runs[i].draw == draw)
            return &work->runs[i].experiment;
    return NULL;
}

static int measure_linear(struct rt_rademacher *work, int n, struct rt_datasets *datasets, struct rt_error *err)
{
    struct rt_linear linear = {0};
    struct rt_dataset dataset = {0};
    double *sigma = NULL, *scratch = NULL;
    int rc = RT_OK;

    for (int draw = 0; draw < work->draws && !rc; draw++) {
        const struct rt_experiment *experiment = experiment_of(work, n, draw);

        rt_dataset_free(&dataset);
        if ((rc = rt_datasets_load(datasets, &dataset, rt_argument(work->arguments, "data"), experiment, 0,
                                   err)))
            break;
        if (!draw && ((rc = create_linear(&linear, work, &dataset, dataset.train_count, err)) ||
                      (rc = rt_alloc(&sigma, linear.images, sizeof *sigma, "signs", err)) ||
                      (rc = rt_alloc(&scratch, linear.images + linear.inputs, sizeof *scratch, "signs", err))))
            break;
        reach(&work->linear[n * work->draws + draw], work, &linear, dataset.labels, sigma, scratch);
    }
    rt_dataset_free(&dataset);
    rt_linear_free(&linear);
    rt_free(&sigma);
    rt_free(&scratch);
    return rc;
}

int rt_rademacher_measure(struct rt_rademacher *work, struct rt_error *err)
{
    struct rt_datasets *datasets = NULL;
    int rc;

    RT_TRY(rt_alloc(&work->linear, (size_t)(work->n_count * work->draws), sizeof *work->linear,
                    "linear classes", err));
    RT_TRY(rt_datasets_create(&datasets, err));
    rc = RT_OK;
    for (int n = 0; n < work->n_count && !rc; n++) { /* the images of an n are read once */
        for (int i = 0; i < work->run_count && !rc; i++)
            if (work->runs[i].n == n)
                rc = measure_network(&work->runs[i], work, datasets, err);
        if (!rc)
            rc = measure_linear(work, n, datasets, err);
    }
    rt_datasets_free(&datasets);
    return rc;
}
