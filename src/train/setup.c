#include "train/setup.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/utf8.h"
#include "net/models.h"
#include "run/result.h"

static int build_graph(struct rt_setup *setup, const struct rt_experiment *experiment, struct rt_error *err)
{
    const struct rt_model *model = rt_model_find(experiment->model_name);
    const struct rt_model_options options = {.batch_norm = experiment->bn,
                                             .dropout = (float)experiment->dropout,
                                             .channels = setup->dataset.channels};

    if (!model)
        return rt_fail(err, RT_ECONFIG, "model_name: there is no model '%s'", experiment->model_name);
    return rt_model_build(&setup->graph, model, &options, err);
}

/* Checks each batch size of an epoch first: engines do not. */
static int check_batches(const struct rt_setup *setup, const struct rt_experiment *experiment,
                         struct rt_error *err)
{
    const size_t images = setup->dataset.train_count, batch = (size_t)experiment->batch_size;
    const size_t rest = images % batch;

    if (images >= batch)
        RT_TRY(rt_graph_check_batch(&setup->graph, (int)batch, true, err));
    return rest ? rt_graph_check_batch(&setup->graph, (int)rest, true, err) : RT_OK;
}

static int open_device(struct rt_setup *setup, const struct rt_experiment *experiment, const char *engine,
                       int threads, struct rt_error *err)
{
    struct rt_device_options options = {.threads = threads};
    const struct rt_engine *found;

    if ((setup->device = setup->lent))
        return rt_store_create(&setup->store, setup->device, &setup->dataset, err);
    RT_TRY(rt_engine_choose(&found, &options.ordinal, engine, experiment->device, err));
    RT_TRY(rt_device_open(&setup->device, found, &options, err));
    return rt_store_create(&setup->store, setup->device, &setup->dataset, err);
}

/* The images with their true labels, which the evaluator asks about too; the device has their pixels already.
 */
static int store_true_labels(struct rt_setup *setup, struct rt_error *err)
{
    const struct rt_dataset *dataset = &setup->dataset;

    if (!dataset->labels_true || !memcmp(dataset->labels, dataset->labels_true, setup->store->count))
        return RT_OK;
    setup->dataset_true = *dataset;
    setup->dataset_true.labels = dataset->labels_true;
    RT_TRY(rt_store_create(&setup->store_true, setup->device, &setup->dataset_true, err));
    setup->evaluator.store_true = setup->store_true;
    return RT_OK;
}

int rt_setup_network(struct rt_setup *setup, const struct rt_experiment *experiment, const char *engine,
                     int threads, bool training, struct rt_error *err)
{
    const struct rt_plan_options options = {
        .batch_max = training ? (int)experiment->batch_size : 1,
        .pass_max = training ? setup->dataset.train_count : 1,
        .training = training,
        .winograd = experiment->winograd,
        .profile = setup->profile,
        .seed = (uint64_t)experiment->seed.value,
        .precision = experiment->precision,
        .optimizer = &rt_optimizers[experiment->optimizer],
    };

    RT_TRY(build_graph(setup, experiment, err));
    if (training)
        RT_TRY(check_batches(setup, experiment, err));
    RT_TRY(open_device(setup, experiment, engine, threads, err));
    RT_TRY(rt_plan_create(&setup->plan, setup->device, &setup->graph, &options, err));
    RT_TRY(rt_evaluator_create(&setup->evaluator, setup->store, setup->plan, err));
    return store_true_labels(setup, err);
}

void rt_setup_free(struct rt_setup *setup)
{
    rt_evaluator_free(&setup->evaluator);
    rt_plan_free(&setup->plan);
    rt_store_free(&setup->store_true);
    rt_store_free(&setup->store);
    if (setup->device != setup->lent)
        rt_device_close(&setup->device);
    rt_graph_free(&setup->graph);
    rt_dataset_free(&setup->dataset);
}

void rt_setup_describe(const struct rt_setup *setup, struct rt_provenance *provenance)
{
    const struct rt_dataset *dataset = &setup->dataset;

    *provenance = (struct rt_provenance){
        .version = RT_VERSION,
        .data = {.official = dataset->official,
                 .train_size = (int64_t)dataset->train_count,
                 .test_size = (int64_t)dataset->test_count},
        .threads = setup->device->options.threads,
        .parameters = (int64_t)rt_graph_parameter_count(&setup->graph),
    };
    snprintf(provenance->data.name, sizeof provenance->data.name, "%.255s", dataset->name);
    snprintf(provenance->data.source, sizeof provenance->data.source, "%.255s", dataset->source);
    rt_utf8_make_plain(provenance->data.source); /* a path may be any bytes */
    rt_dataset_count_labels(dataset, 0, dataset->train_count, &provenance->data.train_labels);
    rt_dataset_count_labels(dataset, dataset->train_count, dataset->test_count, &provenance->data.test_labels);
    rt_copy_text(provenance->data.digest, sizeof provenance->data.digest, dataset->digest);
    rt_copy_text(provenance->data.corruption_digest, sizeof provenance->data.corruption_digest,
                 dataset->corruption_digest);
    rt_copy_text(provenance->engine, sizeof provenance->engine, setup->device->engine->name);
    rt_copy_text(provenance->target, sizeof provenance->target, rt_device_target(setup->device));
    rt_provenance_describe_machine(provenance);
}
