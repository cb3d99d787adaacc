#include "support/asynchronous.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"

struct rt_asynchronous_control rt_asynchronous;

void rt_asynchronous_reset(int stride)
{
    rt_asynchronous.stride = stride;
    rt_asynchronous.fail_at = rt_asynchronous.fail_read = rt_asynchronous.fail_write = -1;
    rt_asynchronous.stop_at = -1;
    rt_asynchronous.stop = NULL;
    rt_asynchronous.pause_us = 0;
    atomic_store(&rt_asynchronous.trained, 0);
    atomic_store(&rt_asynchronous.most, 0);
    atomic_store(&rt_asynchronous.late, 0);
    atomic_store(&rt_asynchronous.broken, 0);
}

struct device {
    struct rt_device base;
    struct rt_device *inner;
};

struct store {
    struct rt_store base;
    struct rt_store *inner;
};

struct plan {
    struct rt_plan base;
    struct rt_plan *inner;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t moved;
    /* under the mutex */
    int wanted, done; /* batches of the pass: advanced; finished */
    bool failed, ending;
    struct rt_step *steps;             /* [pass_max] by batch */
    struct rt_image_outcome *outcomes; /* [pass_max] by image */
    long trained, collected, reads, writes;
};

/* ---- the device's side ---- */

static bool breaks_now(const struct plan *plan)
{
    return plan->base.options.training && rt_asynchronous.fail_at >= 0 &&
           plan->trained >= rt_asynchronous.fail_at;
}

/* One batch, without the lock: the caller's thread touches neither the inner plan nor this batch's results. */
static void work(struct plan *plan, int batch)
{
    plan->steps[batch] = (struct rt_step){0};
    if (rt_asynchronous.pause_us)
        usleep((useconds_t)rt_asynchronous.pause_us);
    rt_plan_advance(plan->inner, 1);
    if (rt_plan_collect(plan->inner, &plan->steps[batch],
                        plan->inner->pass.outcomes
                            ? plan->outcomes + (size_t)batch * (size_t)plan->inner->pass.batch_size
                            : NULL,
                        NULL))
        atomic_fetch_add(&rt_asynchronous.broken, 1);
}

static void *serve(void *context)
{
    struct plan *plan = context;

    pthread_mutex_lock(&plan->mutex);
    while (!plan->ending) {
        const int batch = plan->done;

        if (plan->failed || batch == plan->wanted) {
            pthread_cond_wait(&plan->moved, &plan->mutex);
            continue;
        }
        if (breaks_now(plan)) {
            plan->failed = true;
        } else {
            pthread_mutex_unlock(&plan->mutex);
            work(plan, batch);
            pthread_mutex_lock(&plan->mutex);
            plan->done++;
            plan->trained++;
            if (plan->base.options.training)
                atomic_fetch_add(&rt_asynchronous.trained, 1);
        }
        pthread_cond_broadcast(&plan->moved);
    }
    pthread_mutex_unlock(&plan->mutex);
    return NULL;
}

/* ---- the caller's side ---- */

/* Waits until that many batches are done; the failure, if the device broke before, or does now. Leaves the
 * mutex held. */
static int wait_for(struct plan *plan, int batches, bool breaks, struct rt_error *err)
{
    pthread_mutex_lock(&plan->mutex);
    plan->failed = plan->failed || breaks;
    while (!plan->failed && plan->done < batches)
        pthread_cond_wait(&plan->moved, &plan->mutex);
    return plan->failed ? rt_fail(err, RT_EDEVICE, "device asynchronous: broken on purpose") : RT_OK;
}

static int count(struct rt_error *err)
{
    (void)err;
    return 1;
}

static int open_device(struct rt_device **out, const struct rt_device_options *options, struct rt_error *err)
{
    struct device *device;
    int rc;

    RT_TRY(rt_alloc(&device, 1, sizeof *device, "a device", err));
    if ((rc = rt_device_open(&device->inner, &rt_engine_native, options, err))) {
        rt_free(&device);
        return rc;
    }
    device->base.options = device->inner->options;
    *out = &device->base;
    return RT_OK;
}

static void close_device(struct rt_device *base)
{
    struct device *device = (struct device *)base;

    rt_device_close(&device->inner);
    rt_free(&device);
}

static int make_store(struct rt_store **out, struct rt_device *device, const struct rt_dataset *dataset,
                      struct rt_error *err)
{
    struct store *store;
    int rc;

    RT_TRY(rt_alloc(&store, 1, sizeof *store, "a store", err));
    if ((rc = rt_store_create(&store->inner, ((struct device *)device)->inner, dataset, err))) {
        rt_free(&store);
        return rc;
    }
    *out = &store->base;
    return RT_OK;
}

static void drop_store(struct rt_store *base)
{
    struct store *store = (struct store *)base;

    rt_store_free(&store->inner);
    rt_free(&store);
}

static void free_plan(struct rt_plan *base)
{
    struct plan *plan = (struct plan *)base;

    if (plan->inner) {
        pthread_mutex_lock(&plan->mutex);
        plan->ending = true;
        pthread_cond_broadcast(&plan->moved);
        pthread_mutex_unlock(&plan->mutex);
        pthread_join(plan->thread, NULL);
        pthread_cond_destroy(&plan->moved);
        pthread_mutex_destroy(&plan->mutex);
    }
    rt_plan_free(&plan->inner);
    rt_free(&plan->steps);
    rt_free(&plan->outcomes);
    rt_free(&plan);
}

static int create(struct rt_plan **out, struct rt_device *device, const struct rt_graph *graph,
                  const struct rt_plan_options *options, struct rt_error *err)
{
    struct rt_plan_options inner = *options;
    struct plan *plan;
    int rc;

    if (inner.parameters_of)
        inner.parameters_of = ((struct plan *)inner.parameters_of)->inner;
    RT_TRY(rt_alloc(&plan, 1, sizeof *plan, "a plan", err));
    plan->base = (struct rt_plan){.device = device, .graph = graph, .options = *options};
    if ((rc = rt_alloc(&plan->steps, options->pass_max, sizeof *plan->steps, "steps", err)) ||
        (rc = rt_alloc(&plan->outcomes, options->pass_max, sizeof *plan->outcomes, "outcomes", err)) ||
        (rc = rt_plan_create(&plan->inner, ((struct device *)device)->inner, graph, &inner, err))) {
        free_plan(&plan->base);
        return rc;
    }
    pthread_mutex_init(&plan->mutex, NULL);
    pthread_cond_init(&plan->moved, NULL);
    if (pthread_create(&plan->thread, NULL, serve, plan)) {
        rt_plan_free(&plan->inner); /* free_plan joins nothing then */
        free_plan(&plan->base);
        return rt_fail(err, RT_EMEMORY, "a thread");
    }
    *out = &plan->base;
    return RT_OK;
}

static int begin(struct rt_plan *base, const struct rt_pass *pass, struct rt_error *err)
{
    struct plan *plan = (struct plan *)base;
    struct rt_pass inner = *pass;
    int rc = wait_for(plan, plan->wanted, false, err);

    inner.store = ((const struct store *)pass->store)->inner;
    if (!rc)
        rc = rt_plan_begin(plan->inner, &inner, err);
    plan->wanted = plan->done = pass->first;
    pthread_mutex_unlock(&plan->mutex);
    return rc;
}

/* Whether another plan's tensors are read while that one is at work. */
static void watch_owner(const struct plan *plan)
{
    const struct rt_plan *owner = plan->base.options.parameters_of;

    if (owner && rt_plan_in_flight(owner))
        atomic_fetch_add(&rt_asynchronous.broken, 1);
}

static void advance(struct rt_plan *base, int batches)
{
    struct plan *plan = (struct plan *)base;
    const int in_flight = rt_plan_in_flight(base) + batches;

    watch_owner(plan);
    if (base->options.training) {
        if (in_flight > atomic_load(&rt_asynchronous.most))
            atomic_store(&rt_asynchronous.most, in_flight);
        if (rt_asynchronous.stop && atomic_load(rt_asynchronous.stop))
            atomic_fetch_add(&rt_asynchronous.late, batches);
    }
    pthread_mutex_lock(&plan->mutex);
    plan->wanted = base->advanced + batches;
    pthread_cond_broadcast(&plan->moved);
    pthread_mutex_unlock(&plan->mutex);
}

static int collect(struct rt_plan *base, struct rt_step *step, struct rt_image_outcome *outcomes,
                   struct rt_error *err)
{
    struct plan *plan = (struct plan *)base;
    const struct rt_step *done = &plan->steps[base->collected];
    const size_t first = (size_t)base->collected * (size_t)base->pass.batch_size;
    const int rc = wait_for(plan, base->collected + 1, false, err);

    if (!rc) {
        step->loss_sum += done->loss_sum;
        step->correct += done->correct;
        step->count += done->count;
        if (outcomes)
            memcpy(outcomes, plan->outcomes + first, (size_t)done->count * sizeof *outcomes);
        if (base->options.training && plan->collected++ == rt_asynchronous.stop_at)
            atomic_store(rt_asynchronous.stop, 1);
    }
    pthread_mutex_unlock(&plan->mutex);
    return rc;
}

static int write_state(struct rt_plan *base, enum rt_state state, int tensor, const void *values,
                       struct rt_error *err)
{
    struct plan *plan = (struct plan *)base;
    int rc;

    rc = wait_for(plan, plan->wanted, plan->writes++ == rt_asynchronous.fail_write, err);
    if (!rc)
        rc = rt_plan_write(plan->inner, state, tensor, values, err);
    pthread_mutex_unlock(&plan->mutex);
    return rc;
}

static int read_state(struct rt_plan *base, enum rt_state state, int tensor, void *values, struct rt_error *err)
{
    struct plan *plan = (struct plan *)base;
    int rc;

    if (rt_plan_in_flight(base))
        atomic_fetch_add(&rt_asynchronous.broken, 1);
    rc = wait_for(plan, plan->wanted, plan->reads++ == rt_asynchronous.fail_read, err);
    if (!rc)
        rc = rt_plan_read(plan->inner, state, tensor, values, err);
    pthread_mutex_unlock(&plan->mutex);
    return rc;
}

static int probe(struct rt_plan *base, const void *x, int images, void *y, const void *dy, void *dx,
                 struct rt_error *err)
{
    struct plan *plan = (struct plan *)base;
    int rc = wait_for(plan, plan->wanted, false, err);

    if (!rc)
        rc = rt_plan_probe(plan->inner, x, images, y, dy, dx, err);
    pthread_mutex_unlock(&plan->mutex);
    return rc;
}

static int stride(const struct rt_plan *plan)
{
    (void)plan;
    return rt_asynchronous.stride;
}

static size_t memory_bytes(const struct rt_plan *plan)
{
    return rt_plan_memory_bytes(((const struct plan *)plan)->inner);
}

static const char *target(const struct rt_device *device)
{
    return rt_device_target(((const struct device *)device)->inner);
}

const struct rt_engine rt_engine_asynchronous = {
    .name = "native", /* so that checkpoints are the native engine's, byte for byte */
    .device = "cpu",
    .real_size = sizeof(float),
    .precisions = 1U << RT_PRECISION_FP32,
    .precision = RT_PRECISION_FP32,
    .count = count,
    .open = open_device,
    .close = close_device,
    .store = make_store,
    .drop = drop_store,
    .create = create,
    .free = free_plan,
    .begin = begin,
    .advance = advance,
    .collect = collect,
    .write = write_state,
    .read = read_state,
    .probe = probe,
    .stride = stride,
    .memory_bytes = memory_bytes,
    .target = target,
};
