/* The engines behind a flat interface for tests/parity/parity.py, as a shared library for ctypes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "engine/engine.h"
#include "support/network.h"
#include "support/plans.h"

enum {
    PROBE_TRAINING = 1,
    PROBE_INPUT_GRADIENT = 2,
    PROBE_WINOGRAD = 4,
    PROBE_OPTIMIZER = 8 /* bits from here */
};

_Static_assert(RT_STATE_TENSOR == 0 && RT_STATE_GRADIENT == 1 && RT_STATE_OPTIMIZER == 2,
               "engines.py has these numbers too");

struct probe {
    struct rt_graph graph;
    struct rt_plan *plan;
};

struct probe *probe_open(const char *engine, const char *network, const int shape[3], int batch_max, int flags,
                         uint64_t seed, int threads, char *message, int message_size);
void probe_close(struct probe *probe);
int probe_has_engine(const char *engine);
int probe_real_size(const struct probe *probe);
double probe_multiply_adds(const struct probe *probe);
int probe_output_count(const struct probe *probe);
int probe_tensor(const struct probe *probe, int i, char *name, int name_size, int *is_count, int *count);
int probe_initialize(struct probe *probe, uint32_t seed);
void probe_import(struct probe *probe, int state, int tensor, const void *values);
void probe_export(struct probe *probe, int state, int tensor, void *values);
void probe_run(struct probe *probe, const void *x, int count, void *y, const void *dy, void *dx);
void probe_train(struct probe *probe, const void *images, const uint8_t *labels, int count, int serial,
                 const double *sgd, double *loss_sum, int *correct);
void probe_evaluate(struct probe *probe, const void *images, const uint8_t *labels, int count, double *loss_sum,
                    int *correct, uint8_t *predictions);

static const struct rt_engine *find_engine(const char *name)
{
    return strcmp(name, rt_engine_reference_f64.name) == 0 ? &rt_engine_reference_f64 : rt_engine_find(name);
}

int probe_has_engine(const char *engine)
{
    return find_engine(engine) != NULL;
}

/* `network`: a model's name where shape is null, else layers as in tests/support/network.h. Null: see message.
 */
struct probe *probe_open(const char *engine, const char *network, const int shape[3], int batch_max, int flags,
                         uint64_t seed, int threads, char *message, int message_size)
{
    struct rt_plan_options options = {.batch_max = batch_max,
                                      .training = flags & PROBE_TRAINING,
                                      .input_gradient = flags & PROBE_INPUT_GRADIENT,
                                      .winograd = flags & PROBE_WINOGRAD,
                                      .optimizer = &rt_optimizers[flags >> PROBE_OPTIMIZER],
                                      .seed = seed};
    struct rt_error err = {0};
    struct probe *probe;
    int rc;

    if (rt_alloc(&probe, 1, sizeof *probe, "a probe", &err))
        return NULL;
    rc = shape ? rt_test_network(&probe->graph, (struct rt_shape){shape[0], shape[1], shape[2]}, network, &err)
               : rt_test_model(&probe->graph, network, &err);
    if (!rc)
        rc = rt_test_plan_create_on(&probe->plan, find_engine(engine), threads, &probe->graph, &options, &err);
    if (!rc)
        return probe;
    snprintf(message, (size_t)message_size, "%s", err.message);
    probe_close(probe);
    return NULL;
}

void probe_close(struct probe *probe)
{
    rt_test_plan_free(&probe->plan);
    rt_graph_free(&probe->graph);
    rt_free(&probe);
}

int probe_real_size(const struct probe *probe)
{
    return (int)probe->plan->device->engine->real_size;
}

double probe_multiply_adds(const struct probe *probe)
{
    return (double)rt_graph_multiply_adds(&probe->graph);
}

int probe_output_count(const struct probe *probe)
{
    return (int)rt_shape_count(probe->graph.nodes[probe->graph.node_count - 1].shape);
}

/* The i-th tensor's description; 0: there is none. is_count: its elements are int64, not real numbers. */
int probe_tensor(const struct probe *probe, int i, char *name, int name_size, int *is_count, int *count)
{
    const struct rt_tensor *tensor = i < probe->graph.tensor_count ? &probe->graph.tensors[i] : NULL;

    if (!tensor)
        return 0;
    snprintf(name, (size_t)name_size, "%s", tensor->name);
    *is_count = tensor->role == RT_TENSOR_BATCHES;
    *count = (int)tensor->count;
    return 1;
}

int probe_initialize(struct probe *probe, uint32_t seed)
{
    return rt_plan_initialize(probe->plan, seed, NULL);
}

void probe_import(struct probe *probe, int state, int tensor, const void *values)
{
    rt_plan_write(probe->plan, (enum rt_state)state, tensor, values, NULL);
}

void probe_export(struct probe *probe, int state, int tensor, void *values)
{
    rt_plan_read(probe->plan, (enum rt_state)state, tensor, values, NULL);
}

void probe_run(struct probe *probe, const void *x, int count, void *y, const void *dy, void *dx)
{
    rt_plan_probe(probe->plan, x, count, y, dy, dx, NULL);
}

/* sgd: learning rate, momentum, weight decay; null: gradients only. */
void probe_train(struct probe *probe, const void *images, const uint8_t *labels, int count, int serial,
                 const double *sgd, double *loss_sum, int *correct)
{
    const struct rt_test_batch batch = {images, labels, count, (uint64_t)serial};
    struct rt_step metrics = {0};

    if (sgd)
        rt_test_train(probe->plan, &batch, &(struct rt_update){sgd[0], sgd[1], sgd[2]}, &metrics);
    else
        rt_test_differentiate(probe->plan, &batch, &metrics);
    *loss_sum = metrics.loss_sum;
    *correct = (int)metrics.correct;
}

enum { OUTCOMES = 4096 };

void probe_evaluate(struct probe *probe, const void *images, const uint8_t *labels, int count, double *loss_sum,
                    int *correct, uint8_t *predictions)
{
    const struct rt_test_batch batch = {images, labels, count, 0};
    struct rt_image_outcome outcomes[OUTCOMES];
    struct rt_step metrics = {0};

    if (count > OUTCOMES)
        abort();
    rt_test_evaluate(probe->plan, &batch, &metrics, outcomes);
    for (int i = 0; i < count; i++)
        predictions[i] = outcomes[i].predicted;
    *loss_sum = metrics.loss_sum;
    *correct = (int)metrics.correct;
}
