#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "cli/evaluate.h"
#include "cli/experiment_args.h"
#include "cli/paper_table.h"
#include "cli/rows.h"
#include "data/shared.h"
#include "net/models.h"
#include "run/result.h"
#include "train/setup.h"
#include "train/snapshot.h"

static int evaluate(struct rt_setup *setup, struct rt_checkpoint *checkpoint, struct rt_paper_run *run,
                    struct rt_paper_work *work, struct rt_datasets *datasets, struct rt_error *err)
{
    const struct rt_arguments *arguments = work->arguments;
    const char *data = rt_argument(arguments, "data");
    struct rt_evaluation train, test;

    RT_TRY(rt_checkpoint_read_newest(checkpoint, run->directory, err));
    RT_TRY(rt_experiment_set_device(&checkpoint->experiment, arguments, err));
    RT_TRY(rt_datasets_load(datasets, &setup->dataset, data ? data : rt_checkpoint_data(checkpoint),
                            &checkpoint->experiment, 0, err));
    if (strcmp(checkpoint->provenance.data.corruption_digest, setup->dataset.corruption_digest) != 0)
        return rt_fail(err, RT_EDATA, "%s: was trained on other images than %s; give their --data, or --fresh",
                       run->directory, setup->dataset.source);
    if (*work->data && strcmp(work->data, setup->dataset.name) != 0)
        return rt_fail(err, RT_EDATA, "%s: was trained on %s, others on %s; a table is of one data set",
                       run->directory, setup->dataset.name, work->data);
    snprintf(work->data, sizeof work->data, "%s", setup->dataset.name);
    work->channels = setup->dataset.channels;
    RT_TRY(rt_setup_network(setup, &checkpoint->experiment, rt_argument(arguments, "engine"), 0, false, err));
    RT_TRY(rt_snapshot_load_model(setup->plan, &checkpoint->model, checkpoint->path, err));
    RT_TRY(rt_evaluator_run(&setup->evaluator, RT_SPLIT_TRAIN, &train, NULL, err));
    RT_TRY(rt_evaluator_run(&setup->evaluator, RT_SPLIT_TEST, &test, NULL, err));
    run->train = train.accuracy;
    run->test = test.accuracy_true;
    return RT_OK;
}

static int measure_run(struct rt_paper_run *run, struct rt_paper_work *work, struct rt_datasets *datasets,
                       struct rt_error *err)
{
    struct rt_checkpoint *checkpoint = NULL;
    struct rt_result *result = NULL;
    struct rt_setup setup = {0};
    int rc = RT_OK;

    if (!rt_path_exists(run->directory))
        return RT_OK;
    RT_TRY(rt_alloc(&result, 1, sizeof *result, "a result", err));
    if (!(rc = rt_result_read(result, run->directory, err)) && result->state == RT_RUN_finished &&
        !(rc = rt_alloc(&checkpoint, 1, sizeof *checkpoint, "a checkpoint", err))) {
        run->epochs = (double)result->epochs;
        rc = evaluate(&setup, checkpoint, run, work, datasets, err);
        run->finished = !rc;
        rt_setup_free(&setup);
        rt_checkpoint_free(checkpoint);
        rt_free(&checkpoint);
    }
    rt_free(&result);
    return rc;
}

/* Of its network, whether it was trained or not, for the images of the finished runs, or CIFAR-10's. */
static int count_parameters(struct rt_paper_work *work, int row, struct rt_error *err)
{
    const struct rt_paper_row *it = &work->table->rows[row];
    const struct rt_model_options options = {.batch_norm = rt_paper_row_normalises(it),
                                             .channels = work->channels};
    struct rt_graph graph = {0};

    RT_TRY(rt_model_build(&graph, rt_model_find(it->model), &options, err));
    work->results[row].parameters = (double)rt_graph_parameter_count(&graph);
    rt_graph_free(&graph);
    return RT_OK;
}

static void sum_up(struct rt_paper_work *work)
{
    for (int row = 0; row < work->table->count; row++) {
        struct rt_paper_result *result = &work->results[row];

        result->train = result->test = result->epochs = 0;
        for (int i = 0; i < work->run_count; i++) {
            const struct rt_paper_run *run = &work->runs[i];

            if (run->row != row || !run->finished)
                continue;
            result->finished++;
            result->train += 100 * run->train;
            result->test += 100 * run->test;
            result->epochs += run->epochs;
        }
        result->train /= result->finished; /* NaN without runs */
        result->test /= result->finished;
        result->epochs /= result->finished;
    }
}

int rt_paper_table_measure(struct rt_paper_work *work, struct rt_error *err)
{
    struct rt_datasets *datasets = NULL;
    int rc = RT_OK;

    RT_TRY(rt_datasets_create(&datasets, err));
    for (int i = 0; i < work->run_count && !rc; i++)
        rc = measure_run(&work->runs[i], work, datasets, err);
    rt_datasets_free(&datasets);
    for (int row = 0; row < work->table->count && !rc; row++)
        rc = count_parameters(work, row, err);
    if (!rc)
        sum_up(work);
    return rc;
}

int rt_paper_table_fill(struct rt_results *rows, const struct rt_paper_work *work, struct rt_error *err)
{
    static const char *const both[] = {"model", "parameters", "labels", "regulariser", "train", "paper_train",
                                       "test",  "paper_test", "epochs", "runs",        NULL};
    static const char *const one[] = {"model",       "parameters", "labels", "regulariser", "train",
                                      "paper_train", "paper_says", "epochs", "runs",        NULL};

    RT_TRY(rt_rows_begin(rows, work->table->test ? both : one, err));
    for (int i = 0; i < work->table->count; i++) {
        const struct rt_paper_row *row = &work->table->rows[i];
        const struct rt_paper_result *result = &work->results[i];

        RT_TRY(rt_rows_add(rows, err));
        rt_rows_text(rows, "model", row->title);
        rt_rows_whole(rows, "parameters", result->parameters);
        rt_rows_text(rows, "labels", row->labels);
        rt_rows_text(rows, "regulariser", row->regulariser);
        rt_rows_percent(rows, "train", result->train);
        rt_rows_percent(rows, "paper_train", row->train);
        if (work->table->test) {
            rt_rows_percent(rows, "test", result->test);
            rt_rows_percent(rows, "paper_test", row->test);
        } else {
            rt_rows_text(rows, "paper_says", row->note);
        }
        if (result->epochs == floor(result->epochs))
            rt_rows_whole(rows, "epochs", result->epochs);
        else /* a mean over seeds, or none */
            rt_rows_real(rows, "epochs", result->epochs);
        rt_rows_whole(rows, "runs", result->finished);
    }
    return RT_OK;
}
