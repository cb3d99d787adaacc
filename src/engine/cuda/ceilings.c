/* What the card reaches in small kernels of its own (kernels/ceilings.cu): each is made longer until it takes
 * some milliseconds, and the best of a few runs counts. */
#include <string.h>

#include "base/clock.h"
#include "engine/cuda/cuda.h"

enum {
    RUNS = 5,
    THREADS = 256,
    BLOCKS = 8,     /* of the products' kernels, on each multiprocessor */
    SUMS = 32,      /* as kernels/ceilings.cu */
    TILES = 16,     /* ... of 16 x 8 x 8, in bfloat16 16 x 8 x 16 */
    LAUNCHES = 200, /* in a graph */
    ROUNDS_MAX = 1 << 20,
    CHUNK = THREADS * 16,   /* bytes that a block copies */
    COPIED_MAX = 512 << 20, /* past every second-level cache */
};

static const double long_enough_s = 4e-3;
static const char what[] = "cannot measure the device's ceilings";

enum kernel { STREAM, MULTIPLY_FP32, MULTIPLY_TF32, MULTIPLY_BF16, NOTHING, KERNELS };

struct ceilings {
    struct rt_cuda_device *device;
    const struct rt_cu *cu;
    struct rt_cuda_launch launches[KERNELS];
    rt_cu_pointer memory; /* two halves: read, written */
    size_t half;
    rt_cu_stream stream;
    rt_cu_event begin, end;
};

static int launch(struct ceilings *c, enum kernel kernel, unsigned blocks, int rounds, struct rt_error *err)
{
    rt_cu_pointer from = c->memory, to = c->memory + c->half;

    void *parameters[] = {&from, &to, &rounds, NULL};

    return RT_CU_CALL(
        c->cu, launch,
        (c->launches[kernel].function, blocks, 1, 1, THREADS, 1, 1, 0, c->stream, parameters, NULL), what, err);
}

static int open(struct ceilings *c, struct rt_error *err)
{
    static const char *const entries[KERNELS] = {"stream", "multiply_fp32", "multiply_tf32", "multiply_bf16",
                                                 "nothing"};
    const size_t least = (size_t)c->device->multiprocessors * BLOCKS * THREADS * sizeof(float);
    size_t free_bytes, total;

    for (int i = 0; i < KERNELS; i++)
        c->launches[i] = (struct rt_cuda_launch){
            .kernel = {.source = "ceilings.cu", .entry = entries[i], .block = THREADS}, .modes = 1};
    rt_cuda_option(&c->launches[MULTIPLY_BF16].kernel, "RT_BF16", 1);
    RT_TRY(rt_cuda_enter(c->device, err));
    RT_TRY(rt_cuda_load(c->device, c->launches, KERNELS, 1, err));
    RT_CU_TRY(c->cu, memory_info, (&free_bytes, &total), what, err);
    for (c->half = COPIED_MAX; c->half > free_bytes / 4 && c->half / 2 >= least;)
        c->half /= 2;
    RT_CU_TRY(c->cu, stream_create, (&c->stream, RT_CU_STREAM_NON_BLOCKING, 0), what, err);
    RT_CU_TRY(c->cu, event_create, (&c->begin, 0), what, err);
    RT_CU_TRY(c->cu, event_create, (&c->end, 0), what, err);
    RT_CU_TRY(c->cu, memory_alloc, (&c->memory, 2 * c->half), what, err);
    return RT_CU_CALL(c->cu, fill, (c->memory, 0x3f, 2 * sizeof(float), c->stream), what, err); /* 0.747 */
}

static void close(struct ceilings *c)
{
    if (c->memory)
        c->cu->memory_free(c->memory);
    if (c->end)
        c->cu->event_destroy(c->end);
    if (c->begin)
        c->cu->event_destroy(c->begin);
    if (c->stream)
        c->cu->stream_destroy(c->stream);
}

/* Seconds of a launch, by the device's clock; *host_s: by the host's. */
static int time_launch(struct ceilings *c, enum kernel kernel, unsigned blocks, int rounds, double *seconds,
                       double *host_s, struct rt_error *err)
{
    const double start = rt_clock_wall_s();
    float milliseconds = 0;

    RT_CU_TRY(c->cu, event_record, (c->begin, c->stream), what, err);
    RT_TRY(launch(c, kernel, blocks, rounds, err));
    RT_CU_TRY(c->cu, event_record, (c->end, c->stream), what, err);
    RT_CU_TRY(c->cu, event_synchronize, (c->end), what, err);
    *host_s = rt_clock_wall_s() - start;
    RT_CU_TRY(c->cu, event_elapsed, (&milliseconds, c->begin, c->end), what, err);
    *seconds = 1e-3 * (double)milliseconds;
    return RT_OK;
}

/* The best rate of `work` (of one round, or of one block of STREAM) a second. */
static int measure_rate(struct ceilings *c, enum kernel kernel, double work, double *rate, struct rt_error *err)
{
    const bool copies = kernel == STREAM;
    const int most = copies ? (int)(c->half / CHUNK) : ROUNDS_MAX;
    const unsigned blocks = (unsigned)(c->device->multiprocessors * BLOCKS);
    int size = copies ? most < 256 ? most : 256 : 1;
    double seconds, host_s;

    RT_TRY(time_launch(c, kernel, copies ? (unsigned)size : blocks, size, &seconds, &host_s, err));
    while (host_s < long_enough_s && size < most) {
        size = size <= most / 4 ? 4 * size : most;
        RT_TRY(time_launch(c, kernel, copies ? (unsigned)size : blocks, size, &seconds, &host_s, err));
    }
    *rate = 0;
    for (int i = 0; i < RUNS; i++) {
        RT_TRY(time_launch(c, kernel, copies ? (unsigned)size : blocks, size, &seconds, &host_s, err));
        if (seconds > 0 && work * size / seconds > *rate)
            *rate = work * size / seconds;
    }
    return RT_OK;
}

static int enqueue_launches(struct ceilings *c, struct rt_error *err)
{
    for (int i = 0; i < LAUNCHES; i++)
        RT_TRY(launch(c, NOTHING, 1, 0, err));
    return RT_OK;
}

static int time_graph(struct ceilings *c, rt_cu_graph_exec executable, double *launch_s, struct rt_error *err)
{
    for (int i = 0; i < RUNS; i++) {
        float milliseconds = 0;

        RT_CU_TRY(c->cu, event_record, (c->begin, c->stream), what, err);
        RT_CU_TRY(c->cu, graph_launch, (executable, c->stream), what, err);
        RT_CU_TRY(c->cu, event_record, (c->end, c->stream), what, err);
        RT_CU_TRY(c->cu, event_synchronize, (c->end), what, err);
        RT_CU_TRY(c->cu, event_elapsed, (&milliseconds, c->begin, c->end), what, err);
        if (i == 0 || 1e-3 * (double)milliseconds / LAUNCHES < *launch_s)
            *launch_s = 1e-3 * (double)milliseconds / LAUNCHES;
    }
    return RT_OK;
}

static int measure_launches(struct ceilings *c, double *launch_s, struct rt_error *err)
{
    rt_cu_graph_exec executable = NULL;
    rt_cu_graph graph = NULL;
    int rc, ended;

    RT_CU_TRY(c->cu, capture_begin, (c->stream, RT_CU_CAPTURE_RELAXED), what, err);
    rc = enqueue_launches(c, err);
    ended = RT_CU_CALL(c->cu, capture_end, (c->stream, &graph), what, rc ? NULL : err);
    rc = rc ? rc : ended;
    if (!rc && !(rc = RT_CU_CALL(c->cu, graph_instantiate, (&executable, graph, 0), what, err)))
        rc = time_graph(c, executable, launch_s, err);
    if (executable)
        c->cu->graph_exec_destroy(executable);
    if (graph)
        c->cu->graph_destroy(graph);
    return rc;
}

int rt_cuda_ceilings(struct rt_device *base, struct rt_ceilings *out, struct rt_error *err)
{
    struct rt_cuda_device *device = (struct rt_cuda_device *)base;
    struct ceilings c = {.device = device, .cu = device->cu};
    const double threads = (double)device->multiprocessors * BLOCKS * THREADS;
    int rc;

    *out = (struct rt_ceilings){0};
    if (!(rc = open(&c, err)) && !(rc = measure_rate(&c, STREAM, 2.0 * CHUNK, &out->bytes_per_s, err)) &&
        !(rc = measure_rate(&c, MULTIPLY_FP32, 2 * SUMS * threads, &out->fp32_flops, err)) &&
        !(rc = measure_rate(&c, MULTIPLY_TF32, 2.0 * 16 * 8 * 8 * TILES * threads / 32, &out->tf32_flops,
                            err)) &&
        !(rc =
              measure_rate(&c, MULTIPLY_BF16, 2.0 * 16 * 8 * 16 * TILES * threads / 32, &out->bf16_flops, err)))
        rc = measure_launches(&c, &out->launch_s, err);
    close(&c);
    return rc;
}
