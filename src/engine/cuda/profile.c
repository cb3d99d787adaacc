/* Times per launch, with options.profile: steps run without graphs, on one stream, with an event after each
 * launch, synchronously. A host function holds the stream (the gate) until a step's first launches are
 * enqueued, or events would measure the host's launch latency. */
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "engine/cuda/cuda.h"

enum {
    GATE_LAUNCHES =
        200, /* enqueued before the gate opens: the driver queues about 1,000 commands, events among them */
    GATE_MS_MAX = 200, /* the longest wait */
};

static const char what[] = "cannot time a step";

int rt_cuda_profile_create(struct rt_cuda_plan *plan, struct rt_error *err)
{
    struct rt_cuda_profile *profile;

    if (!plan->base.options.profile)
        return RT_OK;
    RT_TRY(rt_alloc(&plan->profile, 1, sizeof *plan->profile, "times of launches", err));
    profile = plan->profile;
    RT_TRY(rt_alloc(&profile->times, (size_t)plan->launch_count + 1, sizeof *profile->times,
                    "times of launches", err));
    RT_TRY(rt_alloc(&profile->events, (size_t)plan->launch_count + 1, sizeof *profile->events,
                    "events of launches", err));
    for (int i = 0; i <= plan->launch_count; i++)
        RT_CU_TRY(plan->device->cu, event_create, (&profile->events[i], 0), "cannot make events", err);
    return RT_OK;
}

void rt_cuda_profile_free(struct rt_cuda_plan *plan, bool entered)
{
    struct rt_cuda_profile *profile = plan->profile;

    for (int i = 0; profile && profile->events && i <= plan->launch_count && entered; i++)
        if (profile->events[i])
            plan->device->cu->event_destroy(profile->events[i]);
    if (profile) {
        rt_free(&profile->events);
        rt_free(&profile->times);
    }
    rt_free(&plan->profile);
}

/* Runs in a driver thread, which must not call the driver. */
static void wait_at_gate(void *open)
{
    const struct timespec pause = {0, 20000};

    for (int i = 0; i < GATE_MS_MAX * 50 && !__atomic_load_n((int *)open, __ATOMIC_ACQUIRE); i++)
        nanosleep(&pause, NULL);
}

static void open_gate(struct rt_cuda_profile *profile)
{
    __atomic_store_n(&profile->open, 1, __ATOMIC_RELEASE);
}

static int enqueue(struct rt_cuda_plan *plan, unsigned modes, bool keep, int *last, struct rt_error *err)
{
    struct rt_cuda_profile *profile = plan->profile;
    const struct rt_cu *cu = plan->device->cu;
    int count = 0;

    RT_CU_TRY(cu, event_record, (profile->events[plan->launch_count], plan->stream), what, err);
    *last = plan->launch_count;
    for (int i = 0; i < plan->launch_count; i++) {
        if (!(plan->launches[i].modes & modes))
            continue;
        RT_TRY(rt_cuda_launch_one(plan, &plan->launches[i], plan->stream, keep, err));
        RT_CU_TRY(cu, event_record, (profile->events[i], plan->stream), what, err);
        *last = i;
        if (++count == GATE_LAUNCHES)
            open_gate(profile);
    }
    return RT_OK;
}

/* A launch's time is from the previous event to its own. */
static int add_times(struct rt_cuda_plan *plan, unsigned modes, long images, struct rt_error *err)
{
    struct rt_cuda_profile *profile = plan->profile;
    rt_cu_event before = profile->events[plan->launch_count];

    for (int i = 0; i < plan->launch_count; i++) {
        float milliseconds = 0;

        if (!(plan->launches[i].modes & modes))
            continue;
        RT_CU_TRY(plan->device->cu, event_elapsed, (&milliseconds, before, profile->events[i]), what, err);
        profile->times[i].seconds += 1e-3 * (double)milliseconds;
        profile->times[i].images += (uint64_t)images;
        before = profile->events[i];
    }
    return RT_OK;
}

int rt_cuda_profile_step(struct rt_cuda_plan *plan, int batch, unsigned modes, bool keep, struct rt_error *err)
{
    struct rt_cuda_profile *profile = plan->profile;
    int last = 0, rc;

    __atomic_store_n(&profile->open, 0, __ATOMIC_RELEASE);
    RT_CU_TRY(plan->device->cu, launch_host, (plan->stream, wait_at_gate, &profile->open), what, err);
    rc = enqueue(plan, modes, keep, &last, err);
    open_gate(profile);
    if (rc) {
        plan->device->cu->stream_synchronize(plan->stream); /* the gate's host function reads the profile */
        return rc;
    }
    RT_CU_TRY(plan->device->cu, event_synchronize, (profile->events[last]), "the device failed in a step", err);
    return add_times(plan, modes, plan->records[batch].count, err);
}

static bool is_product(const struct rt_cuda_launch *launch)
{
    const char *source = launch->kernel.source;

    return launch->node->op->multiply_adds && (!strcmp(source, "gemm.cu") || !strncmp(source, "conv_", 5));
}

bool rt_cuda_profile(const struct rt_plan *base, int index, struct rt_stage_time *time)
{
    const struct rt_cuda_plan *plan = (const struct rt_cuda_plan *)base;
    const struct rt_cuda_launch *launch;
    double seconds;

    if (!plan->profile || index >= plan->launch_count)
        return false;
    launch = &plan->launches[index];
    seconds = plan->profile->times[index].seconds;
    *time = (struct rt_stage_time){.node = launch->node, .kernel = launch->kernel.entry};
    if (launch->modes & (RT_CUDA_BACKWARD | RT_CUDA_UPDATES | RT_CUDA_KEEPS))
        time->backward_s = seconds;
    else
        time->forward_s = seconds;
    if (is_product(launch))
        time->multiply_adds =
            plan->profile->times[index].images * launch->node->op->multiply_adds(base->graph, launch->node);
    return true;
}
