/* Streams, launches, captured graphs and events: what is launched runs at once, a graph in the order that was
 * asked for. */
#include "fake_cuda.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Launches of a graph, by number, that something waits for. */
struct frontier {
    int nodes[8], count;
};

struct launch {
    const struct function *function;
    struct index grid;
    int threads;
    uint64_t arguments[16];
    struct frontier after;
    bool aside;  /* not of the stream that the capture began on */
    bool waited; /* something comes after it */
};

struct graph {
    struct launch *launches;
    int count;
};

struct stream {
    struct graph *captured; /* which launches go to */
    long capture;           /* which: graphs come to lie where others lay */
    bool owner;             /* the capture began on it */
    struct frontier after;  /* what its next launch waits for */
    pthread_t host;         /* runs a function of the host ... */
    bool hosted;            /* ... until somebody waits */
};

struct event {
    struct stream *stream;  /* recorded on */
    struct graph *captured; /* recorded in a capture */
    long capture;
    struct frontier after;
};

/* Adds a launch to those that are waited for, and drops the ones that it has waited for itself. */
static void wait_for(struct frontier *frontier, const struct graph *graph, int node)
{
    const struct frontier *before = &graph->launches[node].after;
    int kept = 0;

    for (int i = 0; i < frontier->count; i++) {
        bool known = false;

        if (frontier->nodes[i] == node)
            return;
        for (int k = 0; k < before->count; k++)
            known |= before->nodes[k] == frontier->nodes[i];
        if (!known)
            frontier->nodes[kept++] = frontier->nodes[i];
    }
    frontier->count = kept;
    if (kept == 8)
        fake_die("a launch waits for more than 8 others", NULL);
    frontier->nodes[frontier->count++] = node;
}

PUBLIC cuStreamCreateWithPriority(struct stream **stream, unsigned flags, int priority);
PUBLIC cuStreamCreateWithPriority(struct stream **stream, unsigned flags, int priority)
{
    (void)flags;
    (void)priority;
    CALLED(false);
    *stream = calloc(1, sizeof **stream);
    return 0;
}

static void wait_for_host(struct stream *stream)
{
    if (stream && stream->hosted)
        pthread_join(stream->host, NULL);
    if (stream)
        stream->hosted = false;
}

struct host_call {
    void (*function)(void *);
    void *context;
};

static void *call_host(void *from)
{
    const struct host_call call = *(struct host_call *)from;

    free(from);
    call.function(call.context);
    return NULL;
}

/* On a thread of its own; the launches behind it do not wait for it here. */
PUBLIC cuLaunchHostFunc(struct stream *stream, void (*function)(void *), void *context);
PUBLIC cuLaunchHostFunc(struct stream *stream, void (*function)(void *), void *context)
{
    struct host_call *call;

    CALLED(false);
    if (stream->captured)
        return 900;
    wait_for_host(stream);
    call = malloc(sizeof *call);
    *call = (struct host_call){function, context};
    stream->hosted = !pthread_create(&stream->host, NULL, call_host, call);
    if (!stream->hosted)
        free(call);
    return stream->hosted ? 0 : 2;
}

PUBLIC cuStreamDestroy_v2(struct stream *stream);
PUBLIC cuStreamDestroy_v2(struct stream *stream)
{
    wait_for_host(stream);
    CALLED(false);
    free(stream);
    return 0;
}

PUBLIC cuStreamSynchronize(struct stream *stream);
PUBLIC cuStreamSynchronize(struct stream *stream)
{
    wait_for_host(stream);
    CALLED(true);
    return stream && stream->captured ? 900 : 0;
}

PUBLIC cuLaunchKernel(const struct function *function, unsigned grid_x, unsigned grid_y, unsigned grid_z,
                      unsigned block_x, unsigned block_y, unsigned block_z, unsigned shared_bytes,
                      struct stream *stream, void **parameters, void **extra);
PUBLIC cuLaunchKernel(const struct function *function, unsigned grid_x, unsigned grid_y, unsigned grid_z,
                      unsigned block_x, unsigned block_y, unsigned block_z, unsigned shared_bytes,
                      struct stream *stream, void **parameters, void **extra)
{
    struct launch launch = {.function = function, .grid = {grid_x, grid_y, grid_z}, .threads = (int)block_x};

    (void)extra;
    CALLED(false);
    if (!block_x || block_x * block_y * block_z > THREADS_MAX || block_y != 1 || block_z != 1 ||
        shared_bytes > SHARED_MAX || !grid_x || !grid_y || !grid_z || grid_y > 65535 || grid_z > 65535)
        return 1;
    for (int i = 0; parameters[i]; i++) {
        if (i == 16)
            return 1;
        memcpy(&launch.arguments[i], parameters[i], sizeof(uint64_t));
    }
    if (stream && stream->captured) {
        struct graph *g = stream->captured;

        launch.after = stream->after;
        launch.aside = !stream->owner;
        for (int i = 0; i < launch.after.count; i++)
            g->launches[launch.after.nodes[i]].waited = true;
        stream->after = (struct frontier){{g->count}, 1};
        g->launches = realloc(g->launches, (size_t)(g->count + 1) * sizeof *g->launches);
        g->launches[g->count++] = launch;
    } else {
        fake_run_kernel(launch.function, launch.grid, launch.threads, launch.arguments);
    }
    return 0;
}

static long captures;

PUBLIC cuStreamBeginCapture_v2(struct stream *stream, int mode);
PUBLIC cuStreamBeginCapture_v2(struct stream *stream, int mode)
{
    (void)mode;
    CALLED(false);
    stream->captured = calloc(1, sizeof *stream->captured);
    stream->capture = __atomic_add_fetch(&captures, 1, __ATOMIC_SEQ_CST);
    stream->owner = true;
    stream->after.count = 0;
    return 0;
}

PUBLIC cuStreamEndCapture(struct stream *stream, struct graph **graph);
PUBLIC cuStreamEndCapture(struct stream *stream, struct graph **graph)
{
    const struct frontier last = stream->after;
    bool joined = true;

    *graph = stream->captured;
    stream->captured = NULL;
    stream->owner = false;
    CALLED(false);
    for (int i = 0; i < last.count; i++)
        (*graph)->launches[last.nodes[i]].waited = true;
    for (int i = 0; i < (*graph)->count; i++)
        joined &= (*graph)->launches[i].waited;
    return joined ? 0 : 904; /* another stream's launches for which the capturing one does not wait */
}

PUBLIC cuGraphInstantiateWithFlags(struct graph **executable, const struct graph *graph,
                                   unsigned long long flags);
PUBLIC cuGraphInstantiateWithFlags(struct graph **executable, const struct graph *graph,
                                   unsigned long long flags)
{
    (void)flags;
    CALLED(false);
    *executable = calloc(1, sizeof **executable);
    (*executable)->count = graph->count;
    (*executable)->launches = malloc((size_t)(graph->count + 1) * sizeof *graph->launches);
    memcpy((*executable)->launches, graph->launches, (size_t)graph->count * sizeof *graph->launches);
    return 0;
}

static int free_graph(struct graph *graph)
{
    free(graph->launches);
    free(graph);
    return 0;
}

PUBLIC cuGraphDestroy(struct graph *graph);
PUBLIC cuGraphDestroy(struct graph *graph)
{
    return free_graph(graph);
}

PUBLIC cuGraphExecDestroy(struct graph *graph);
PUBLIC cuGraphExecDestroy(struct graph *graph)
{
    return free_graph(graph);
}

static long order = -1; /* rt_fake_cuda_order; -1: the environment's */

EXPORT void rt_fake_cuda_order(long which);
EXPORT void rt_fake_cuda_order(long which)
{
    order = which;
}

long fake_order(void)
{
    return order >= 0 ? order : fake_setting("RT_FAKE_CUDA_ORDER", 0);
}

/* The next launch to run of those that wait for none that has not run. */
static int next_launch(const struct graph *graph, const bool *ran, long which, unsigned *draw)
{
    int best = -1, ready = 0;

    for (int i = 0; i < graph->count; i++) {
        const struct launch *launch = &graph->launches[i];
        bool can = !ran[i];

        for (int k = 0; k < launch->after.count && can; k++)
            can = ran[launch->after.nodes[k]];
        if (!can)
            continue;
        ready++;
        *draw = *draw * 1103515245U + 12345U;
        if (best < 0 || (which == 1 && !launch->aside && graph->launches[best].aside) ||
            (which == 2 && launch->aside && !graph->launches[best].aside) ||
            (which > 2 && (*draw >> 16) % (unsigned)ready == 0))
            best = i;
    }
    if (best < 0)
        fake_die("launches of a graph wait for one another", NULL);
    return best;
}

PUBLIC cuGraphLaunch(const struct graph *graph, struct stream *stream);
PUBLIC cuGraphLaunch(const struct graph *graph, struct stream *stream)
{
    const long which = fake_order();
    unsigned draw = (unsigned)which;
    bool *ran;

    (void)stream;
    CALLED(false);
    ran = calloc((size_t)graph->count + 1, sizeof *ran);
    for (int n = 0; n < graph->count; n++) {
        const int i = which ? next_launch(graph, ran, which, &draw) : n;

        ran[i] = true;
        fake_run_kernel(graph->launches[i].function, graph->launches[i].grid, graph->launches[i].threads,
                        graph->launches[i].arguments);
    }
    free(ran);
    return 0;
}

PUBLIC cuEventCreate(struct event **event, unsigned flags);
PUBLIC cuEventCreate(struct event **event, unsigned flags)
{
    (void)flags;
    CALLED(false);
    *event = calloc(1, sizeof **event);
    return 0;
}

PUBLIC cuEventDestroy_v2(struct event *event);
PUBLIC cuEventDestroy_v2(struct event *event)
{
    free(event);
    return 0;
}

PUBLIC cuEventRecord(struct event *event, struct stream *stream);
PUBLIC cuEventRecord(struct event *event, struct stream *stream)
{
    CALLED(false);
    event->stream = stream;
    event->captured = stream->captured;
    event->capture = stream->capture;
    event->after = stream->after;
    return 0;
}

/* Waiting for an event of a capture makes the stream a part of it, until the capture ends. */
PUBLIC cuStreamWaitEvent(struct stream *stream, const struct event *event, unsigned flags);
PUBLIC cuStreamWaitEvent(struct stream *stream, const struct event *event, unsigned flags)
{
    (void)flags;
    CALLED(false);
    if (!stream->owner && (stream->captured != event->captured || stream->capture != event->capture)) {
        stream->captured = event->captured;
        stream->capture = event->capture;
        stream->after.count = 0;
    }
    for (int i = 0; i < event->after.count && event->captured; i++)
        wait_for(&stream->after, stream->captured, event->after.nodes[i]);
    return 0;
}

PUBLIC cuEventSynchronize(struct event *event);
PUBLIC cuEventSynchronize(struct event *event)
{
    wait_for_host(event->stream);
    CALLED(true);
    return 0;
}

PUBLIC cuEventElapsedTime(float *milliseconds, struct event *begin, struct event *end);
PUBLIC cuEventElapsedTime(float *milliseconds, struct event *begin, struct event *end)
{
    (void)begin;
    (void)end;
    CALLED(false);
    *milliseconds = 0.5f;
    return 0;
}
