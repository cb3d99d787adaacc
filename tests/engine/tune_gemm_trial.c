/* What is tried: the choice, half and twice its splits, and other tiles at the split that the model prefers. */
#include "tune_gemm_trial.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "tune_gemm_reference.h"

enum {
    LOOPS = 12,  /* launches in a graph */
    REPEATS = 5, /* of the graph; the median counts */
    TILES_MAX = 64
};

/* ---- what is tried ---- */

static struct rt_cuda_conv conv_of(const struct tuner *t, const struct layer *l)
{
    const int out = (l->side + 2 * l->padding - l->kernel) / l->stride + 1;

    return (struct rt_cuda_conv){.batch_max = t->batch,
                                 .in_h = l->side,
                                 .in_w = l->side,
                                 .in_c = l->in_c,
                                 .in_ld = l->padded ? (l->in_c + 3) / 4 * 4 : l->in_c,
                                 .out_h = out,
                                 .out_w = out,
                                 .out_c = l->out_c,
                                 .out_ld = l->out_c,
                                 .kernel = l->kernel,
                                 .stride = l->stride,
                                 .padding = l->padding,
                                 .padded_input = l->padded,
                                 .bias = l->bias,
                                 .relu = l->bias,
                                 .gate = true,
                                 .update = true,
                                 .math = t->bf16   ? RT_CUDA_BF16
                                         : l->fp32 ? RT_CUDA_FP32
                                                   : RT_CUDA_TF32};
}

/* The tile with the split that the model expects to be fastest, and its cycles. */
static double best_split(const struct tuner *t, const struct rt_cuda_product *p, struct rt_cuda_tile *tile)
{
    struct rt_cuda_tile one = *tile;
    double least = INFINITY;

    for (one.splits = 1; one.splits <= 128 && one.splits <= rt_cuda_tile_stages(p, tile); one.splits++) {
        const double cycles = rt_cuda_tile_cost(p, &one, t->device->multiprocessors);

        if (cycles < least) {
            least = cycles;
            tile->splits = one.splits;
        }
    }
    return least;
}

static bool same_tile(const struct rt_cuda_tile *a, const struct rt_cuda_tile *b)
{
    return a->m == b->m && a->n == b->n && a->k == b->k && a->warps_m == b->warps_m &&
           a->warps_n == b->warps_n && a->stages == b->stages && a->taps == b->taps && a->splits == b->splits;
}

static void add_candidate(struct trial *c, const struct rt_cuda_tile *tile)
{
    for (int i = 0; i < c->count; i++)
        if (same_tile(&c->candidates[i].tile, tile))
            return;
    if (c->count < CANDIDATES_MAX)
        c->candidates[c->count++].tile = *tile;
}

/* The tiles of gemm.cu, or those of the other kernels, cheapest first. */
static void add_tiles(const struct tuner *t, struct trial *c, bool others, int most)
{
    int all;
    const struct rt_cuda_tile *tiles = rt_cuda_tiles(c->conv.math, &all);
    struct rt_cuda_tile sorted[TILES_MAX];
    double cycles[TILES_MAX];
    int count = 0;

    for (int i = 0; i < all && count < TILES_MAX; i++) {
        struct rt_cuda_tile tile = tiles[i];
        double cost;
        int at = count;

        if ((tile.taps != 0) != others || !rt_cuda_tile_fits(&c->product, &tile) ||
            rt_cuda_tile_shared_bytes(&c->product, &tile) > t->device->shared_max)
            continue;
        cost = best_split(t, &c->product, &tile);
        for (; at > 0 && cycles[at - 1] > cost; at--) {
            sorted[at] = sorted[at - 1];
            cycles[at] = cycles[at - 1];
        }
        sorted[at] = tile;
        cycles[at] = cost;
        count++;
    }
    for (int i = 0; i < count && i < most; i++)
        add_candidate(c, &sorted[i]);
}

static int choose_candidates(const struct tuner *t, struct trial *c, struct rt_error *err)
{
    const struct rt_cuda_device *device = t->device;
    const struct rt_cuda_tile choice =
        rt_cuda_tile_choose(&c->product, device->multiprocessors, device->shared_max);
    struct rt_cuda_tile split = choice;

    add_candidate(c, &choice);
    if ((split.splits = choice.splits / 2) > 0)
        add_candidate(c, &split);
    if ((split.splits = choice.splits * 2) <= rt_cuda_tile_stages(&c->product, &choice))
        add_candidate(c, &split);
    add_tiles(t, c, false, PLAIN_MAX);
    add_tiles(t, c, true, OTHERS_MAX);
    for (int i = 0; i < c->count; i++) {
        struct candidate *one = &c->candidates[i];

        RT_TRY(rt_cuda_conv_plan(&one->plan, &c->conv, c->pass, device->multiprocessors, device->shared_max,
                                 &one->tile, err));
        for (int k = 0; k < one->plan.count; k++) {
            c->launches[2 * i + k].kernel = one->plan.kernels[k];
            c->launches[2 * i + k].modes = RT_CUDA_TRAINS;
        }
        if (one->plan.workspace_bytes > c->work_bytes)
            c->work_bytes = one->plan.workspace_bytes;
    }
    return RT_OK;
}

/* ---- tensors ---- */

/* Uniform in [-1, 1), a function of the index. */
static void fill_random(float *values, size_t count, uint64_t seed)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t z = (i + 1) * 0x9e3779b97f4a7c15u + seed * 0xd1342543de82ef95u;

        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
        z = (z ^ z >> 27) * 0x94d049bb133111ebu;
        values[i] = (float)((z ^ z >> 31) >> 40) / 8388608.0f - 1.0f;
    }
}

/* Rounds values to bfloat16, to nearest, ties to even, and stores them as such too. */
static int make_elements(uint16_t **elements, float *values, size_t count, struct rt_error *err)
{
    RT_TRY(rt_alloc_aligned(elements, count, sizeof **elements, "elements", err));
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;

        memcpy(&bits, &values[i], sizeof bits);
        bits = (bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000u;
        memcpy(&values[i], &bits, sizeof bits);
        (*elements)[i] = (uint16_t)(bits >> 16);
    }
    return RT_OK;
}

/* `count` elements at the start of `values` -> floats. */
static void widen(float *values, size_t count)
{
    for (size_t i = count; i-- > 0;) {
        uint16_t element;
        uint32_t bits;

        memcpy(&element, (const char *)values + i * sizeof element, sizeof element);
        bits = (uint32_t)element << 16;
        memcpy(&values[i], &bits, sizeof bits);
    }
}

static size_t element_bytes(const struct trial *c)
{
    return c->conv.math == RT_CUDA_BF16 ? sizeof(uint16_t) : sizeof(float);
}

/* Of the result: elements, or floats for weights. */
static size_t out_bytes(const struct trial *c)
{
    return c->out_floats * (c->pass == RT_CUDA_WEIGHT_GRADIENT ? sizeof(float) : element_bytes(c));
}

static int make_tensors(struct trial *c, struct rt_error *err)
{
    const struct rt_cuda_conv *v = &c->conv;
    const size_t channels = (size_t)v->out_c, ld = (size_t)v->in_ld;

    c->x_floats = (size_t)v->batch_max * (size_t)v->in_h * (size_t)v->in_w * ld;
    c->y_floats = (size_t)v->batch_max * (size_t)v->out_h * (size_t)v->out_w * (size_t)v->out_ld;
    c->w_floats = (size_t)v->kernel * (size_t)v->kernel * (size_t)v->in_c * channels;
    c->out_floats = c->pass == RT_CUDA_FORWARD          ? c->y_floats
                    : c->pass == RT_CUDA_INPUT_GRADIENT ? c->x_floats
                                                        : c->w_floats;
    RT_TRY(rt_alloc_aligned(&c->x, c->x_floats, sizeof *c->x, "x", err));
    RT_TRY(rt_alloc_aligned(&c->dy, c->y_floats, sizeof *c->dy, "dy", err));
    RT_TRY(rt_alloc_aligned(&c->w, c->w_floats, sizeof *c->w, "w", err));
    RT_TRY(rt_alloc_aligned(&c->bias, channels, sizeof *c->bias, "bias", err));
    RT_TRY(rt_alloc_aligned(&c->got, c->out_floats + channels, sizeof *c->got, "results", err));
    RT_TRY(rt_alloc_aligned(&c->again, c->out_floats + channels, sizeof *c->again, "results", err));
    RT_TRY(rt_alloc_aligned(&c->want, c->out_floats, sizeof *c->want, "the reference", err));
    RT_TRY(rt_alloc_aligned(&c->want_bias, channels, sizeof *c->want_bias, "the reference", err));
    fill_random(c->x, c->x_floats, 1);
    fill_random(c->dy, c->y_floats, 2);
    fill_random(c->w, c->w_floats, 3);
    fill_random(c->bias, channels, 4);
    for (size_t i = 0; i < c->x_floats; i++)
        if (i % ld >= (size_t)v->in_c)
            c->x[i] = 0;
    if (v->math != RT_CUDA_BF16)
        return RT_OK;
    RT_TRY(make_elements(&c->x16, c->x, c->x_floats, err));
    RT_TRY(make_elements(&c->w16, c->w, c->w_floats, err));
    return make_elements(&c->dy16, c->dy, c->y_floats, err);
}

void trial_free(const struct tuner *t, struct trial **trial)
{
    struct trial *c = *trial;

    if (!c)
        return;
    if (c->memory)
        t->device->cu->memory_free(c->memory);
    rt_cuda_unload(t->device);
    rt_free(&c->x);
    rt_free(&c->dy);
    rt_free(&c->w);
    rt_free(&c->bias);
    rt_free(&c->x16);
    rt_free(&c->w16);
    rt_free(&c->dy16);
    rt_free(&c->got);
    rt_free(&c->again);
    rt_free(&c->want);
    rt_free(&c->want_bias);
    rt_free(trial);
}

/* The next place in the trial's device memory, aligned to 256 bytes. */
static rt_cu_pointer take(struct trial *c, size_t bytes)
{
    const size_t at = c->device_bytes;

    c->device_bytes += (bytes + 255) / 256 * 256;
    return c->memory + at;
}

static int upload(const struct tuner *t, rt_cu_pointer to, const void *from, size_t bytes, struct rt_error *err)
{
    return RT_CU_CALL(t->device->cu, upload, (to, from, bytes, t->stream), "cannot copy a tensor", err);
}

/* Places, and the arguments of the pass; of tensors that are in memory once a set, also their values. */
static int place(const struct tuner *t, struct trial *c, struct rt_error *err)
{
    static const struct rt_cuda_update update = {.terms = {0}}; /* SGD: v = g; w stays */
    const bool bf16 = c->conv.math == RT_CUDA_BF16;
    const size_t floats = sizeof(float), element = element_bytes(c), channels = (size_t)c->conv.out_c * floats;
    const rt_cu_pointer w = take(c, c->w_floats * floats), bias = take(c, channels),
                        w16 = bf16 ? take(c, c->w_floats * element) : w, count = take(c, sizeof t->batch),
                        rates = take(c, sizeof update);

    c->bias_out = take(c, channels);
    c->work = take(c, c->work_bytes);
    for (int s = SETS - 1; s >= 0; s--) { /* the first set's result is the one that is read */
        const rt_cu_pointer x = take(c, c->x_floats * element), dy = take(c, c->y_floats * element);
        const rt_cu_pointer b = c->conv.bias ? bias : 0, bias_v = c->conv.bias ? c->bias_out : 0;

        c->out = take(c, out_bytes(c));
        const uint64_t by_pass[3][RT_CUDA_ARGUMENTS_GEMM_MAX] = {
            {x, w16, b, c->out, count, c->work},
            {dy, w16, x, c->out, count, c->work},
            {x, dy, 0, 0, w, b, c->out, bias_v, count, rates, c->work, bf16 ? w16 : 0}};

        memcpy(c->arguments[s], by_pass[c->pass], sizeof c->arguments[s]);
        if (!c->memory)
            continue;
        RT_TRY(upload(t, x, bf16 ? (const void *)c->x16 : c->x, c->x_floats * element, err));
        RT_TRY(upload(t, dy, bf16 ? (const void *)c->dy16 : c->dy, c->y_floats * element, err));
        RT_CU_TRY(t->device->cu, fill, (c->out, 0, out_bytes(c), t->stream), "cannot clear", err);
    }
    if (!c->memory)
        return RT_OK;
    RT_TRY(upload(t, w, c->w, c->w_floats * floats, err));
    if (bf16)
        RT_TRY(upload(t, w16, c->w16, c->w_floats * element, err));
    RT_TRY(upload(t, bias, c->bias, channels, err));
    RT_TRY(upload(t, count, &t->batch, sizeof t->batch, err));
    return upload(t, rates, &update, sizeof update, err);
}

/* Twice: first for the size alone. */
static int place_all(const struct tuner *t, struct trial *c, struct rt_error *err)
{
    RT_TRY(place(t, c, err));
    RT_CU_TRY(t->device->cu, memory_alloc, (&c->memory, c->device_bytes), "no room for the tensors", err);
    c->device_bytes = 0;
    RT_TRY(place(t, c, err));
    return RT_CU_CALL(t->device->cu, stream_synchronize, (t->stream), "cannot copy the tensors", err);
}

/* ---- running ---- */

static int launch(const struct tuner *t, struct trial *c, int candidate, int set, struct rt_error *err)
{
    const struct candidate *one = &c->candidates[candidate];
    void *parameters[RT_CUDA_ARGUMENTS_GEMM_MAX + 1] = {NULL};

    for (int i = 0; i < RT_CUDA_ARGUMENTS_GEMM_MAX; i++)
        parameters[i] = &c->arguments[set][i];
    for (int k = 0; k < one->plan.count; k++) {
        const struct rt_cuda_kernel *kernel = &one->plan.kernels[k];

        RT_CU_TRY(t->device->cu, launch,
                  (c->launches[2 * candidate + k].function, kernel->grid[0], kernel->grid[1], kernel->grid[2],
                   kernel->block, 1, 1, (unsigned)kernel->shared_bytes, t->stream, parameters, NULL),
                  kernel->entry, err);
    }
    return RT_OK;
}

/* One run into poisoned memory: NaN, but 3.003 in a momentum, which is read (and multiplied by 0). */
static int run_poisoned(const struct tuner *t, struct trial *c, int candidate, float *got, struct rt_error *err)
{
    const struct rt_cu *cu = t->device->cu;
    const unsigned char poison = c->pass == RT_CUDA_WEIGHT_GRADIENT ? 0x40 : 0xff;
    const size_t bytes = out_bytes(c), channels = (size_t)c->conv.out_c * sizeof *got;

    if (c->work_bytes)
        RT_CU_TRY(cu, fill, (c->work, 0xff, c->work_bytes, t->stream), "cannot poison", err);
    RT_CU_TRY(cu, fill, (c->out, poison, bytes, t->stream), "cannot poison", err);
    RT_CU_TRY(cu, fill, (c->bias_out, poison, channels, t->stream), "cannot poison", err);
    RT_TRY(launch(t, c, candidate, 0, err));
    RT_CU_TRY(cu, download, (got, c->out, bytes, t->stream), "cannot read a result", err);
    RT_CU_TRY(cu, download, (got + c->out_floats, c->bias_out, channels, t->stream), "cannot read a result",
              err);
    RT_CU_TRY(cu, stream_synchronize, (t->stream), "a product", err);
    if (bytes < c->out_floats * sizeof *got)
        widen(got, c->out_floats);
    return RT_OK;
}

static int check_candidate(const struct tuner *t, struct trial *c, int candidate, struct rt_error *err)
{
    struct candidate *one = &c->candidates[candidate];
    const bool dx = c->pass == RT_CUDA_INPUT_GRADIENT, dw = c->pass == RT_CUDA_WEIGHT_GRADIENT;
    static const double bounds[][2] = {{1e-5, 1e-5}, {6e-4, 6e-4}, {1.0 / 256, 1e-5}}; /* by math; of dw */
    const size_t channels = (size_t)(dx ? c->conv.in_c : c->conv.out_c);
    const size_t ld = (size_t)(dx ? c->conv.in_ld : dw ? c->conv.out_c : c->conv.out_ld);

    RT_TRY(run_poisoned(t, c, candidate, c->got, err));
    RT_TRY(run_poisoned(t, c, candidate, c->again, err));
    one->same = !memcmp(c->got, c->again, (c->out_floats + (size_t)c->conv.out_c) * sizeof *c->got);
    one->error = reference_error(c->got, c->want, c->out_floats / ld, channels, ld);
    if (dw && c->conv.bias)
        one->bias_error = reference_error(c->got + c->out_floats, c->want_bias, 1, channels, channels);
    one->good = one->same && one->error < bounds[c->conv.math][dw] && one->bias_error < 1e-5;
    return RT_OK;
}

static int compare_floats(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;

    return (x > y) - (x < y);
}

static int capture(const struct tuner *t, struct trial *c, int candidate, rt_cu_graph_exec *executable,
                   struct rt_error *err)
{
    const struct rt_cu *cu = t->device->cu;
    rt_cu_graph graph = NULL;
    int rc = RT_OK;

    RT_CU_TRY(cu, capture_begin, (t->stream, RT_CU_CAPTURE_RELAXED), "cannot capture", err);
    for (int i = 0; i < LOOPS && !rc; i++)
        rc = launch(t, c, candidate, i % SETS, err);
    RT_CU_TRY(cu, capture_end, (t->stream, &graph), "cannot capture", rc ? NULL : err);
    if (!rc)
        rc = RT_CU_CALL(cu, graph_instantiate, (executable, graph, 0), "cannot capture", err);
    cu->graph_destroy(graph);
    return rc;
}

static int time_graph(const struct tuner *t, rt_cu_graph_exec executable, double *us, struct rt_error *err)
{
    const struct rt_cu *cu = t->device->cu;
    const char *what = "cannot time a product";
    float milliseconds[REPEATS];

    RT_CU_TRY(cu, graph_launch, (executable, t->stream), what, err);
    for (int r = 0; r < REPEATS; r++) {
        RT_CU_TRY(cu, event_record, (t->begin, t->stream), what, err);
        RT_CU_TRY(cu, graph_launch, (executable, t->stream), what, err);
        RT_CU_TRY(cu, event_record, (t->end, t->stream), what, err);
        RT_CU_TRY(cu, stream_synchronize, (t->stream), what, err);
        RT_CU_TRY(cu, event_elapsed, (&milliseconds[r], t->begin, t->end), what, err);
    }
    qsort(milliseconds, REPEATS, sizeof *milliseconds, compare_floats);
    *us = 1e3 * milliseconds[REPEATS / 2] / LOOPS;
    return RT_OK;
}

static int time_candidate(const struct tuner *t, struct trial *c, int candidate, struct rt_error *err)
{
    rt_cu_graph_exec executable;
    int rc;

    RT_TRY(capture(t, c, candidate, &executable, err));
    rc = time_graph(t, executable, &c->candidates[candidate].us, err);
    t->device->cu->graph_exec_destroy(executable);
    return rc;
}

static int run_candidates(const struct tuner *t, struct trial *c, struct rt_error *err)
{
    const struct reference reference = {.conv = &c->conv,
                                        .pass = c->pass,
                                        .x = c->x,
                                        .w = c->w,
                                        .bias = c->bias,
                                        .dy = c->dy,
                                        .out = c->want,
                                        .bias_out = c->want_bias,
                                        .team = t->team};

    reference_run(&reference);
    RT_TRY(rt_cuda_load(t->device, c->launches, 2 * c->count, RT_CUDA_TRAINS, err));
    for (int i = 0; i < c->count; i++) {
        RT_TRY(check_candidate(t, c, i, err));
        if (!t->check)
            RT_TRY(time_candidate(t, c, i, err));
    }
    return RT_OK;
}

int trial_run(const struct tuner *t, const struct layer *layer, enum rt_cuda_conv_pass pass,
              struct trial **trial, struct rt_error *err)
{
    struct trial *c;

    RT_TRY(rt_alloc(trial, 1, sizeof **trial, "a trial", err));
    c = *trial;
    c->layer = layer;
    c->pass = pass;
    c->conv = conv_of(t, layer);
    c->product = rt_cuda_conv_product(&c->conv, pass);
    RT_TRY(choose_candidates(t, c, err));
    RT_TRY(make_tensors(c, err));
    RT_TRY(place_all(t, c, err));
    return run_candidates(t, c, err);
}
