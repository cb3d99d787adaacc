#include "train/snapshot.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"

#define LOADER_NAME "loader.generator"
#define HISTORY_PREFIX "history."

static const struct {
    const char *name;
    enum rt_dtype dtype;
} history_tensors[RT_HISTORY_COUNT] = {
#define TENSOR(name, type, size, dtype) {HISTORY_PREFIX #name, RT_DTYPE_##dtype},
    RT_HISTORY_ARRAYS(TENSOR)
#undef TENSOR
};

enum { GENERATOR_WORDS = RT_MT_WORDS + 1, NAME_SIZE = RT_NAME_MAX + 32 /* the state's name */ };

typedef char tensor_name[NAME_SIZE];
typedef uint64_t tensor_shape[4];

static const struct rt_safetensors_metadata pytorch_metadata = {"format", "pt"}; /* some loaders insist on it */
static const uint64_t loader_shape[2] = {2, GENERATOR_WORDS};
static const uint32_t loader_size_bytes = 2 * GENERATOR_WORDS * sizeof(uint32_t);

static size_t value_size(const struct rt_tensor *tensor)
{
    return tensor->role == RT_TENSOR_BATCHES ? sizeof(int64_t) : sizeof(float);
}

static enum rt_dtype value_dtype(const struct rt_tensor *tensor)
{
    return tensor->role == RT_TENSOR_BATCHES ? RT_DTYPE_I64 : RT_DTYPE_F32;
}

static int state_count(const struct rt_plan *plan)
{
    return plan->options.training ? plan->options.optimizer->state_count : 0;
}

static size_t state_size_bytes(const struct rt_plan *plan)
{
    size_t bytes = 0;

    for (int i = 0; i < plan->graph->tensor_count; i++) {
        const struct rt_tensor *tensor = &plan->graph->tensors[i];
        const size_t size = tensor->count * value_size(tensor);

        bytes +=
            (size_t)(rt_tensor_is_parameter(tensor->role) ? 1 + state_count(plan) : 1) * ((size + 7) / 8 * 8);
    }
    return bytes;
}

/* Where the next tensor goes. */
struct layout {
    char *storage;
    tensor_name *name;
    tensor_shape *shape;
};

static void lay_out(struct layout *layout, struct rt_safetensors *file, const struct rt_tensor *tensor,
                    const char *prefix /* the state's name, or "" */)
{
    struct rt_safetensor *out = &file->tensors[file->tensor_count++];

    snprintf(*layout->name, NAME_SIZE, "%s%s%s", prefix, *prefix ? "." : "", tensor->name);
    for (int i = 0; i < tensor->rank; i++)
        (*layout->shape)[i] = (uint64_t)tensor->shape[i];
    *out = (struct rt_safetensor){
        .name = *layout->name,
        .dtype = value_dtype(tensor),
        .rank = (size_t)tensor->rank,
        .shape = *layout->shape,
        .data = layout->storage,
        .size_bytes = tensor->count * value_size(tensor),
    };
    layout->storage += (out->size_bytes + 7) / 8 * 8;
    layout->name++;
    layout->shape++;
}

static void lay_out_all(struct rt_snapshot *snapshot)
{
    const struct rt_graph *graph = snapshot->plan->graph;
    struct layout layout = {snapshot->storage, snapshot->names, snapshot->shapes};

    snapshot->model.tensors = snapshot->tensors;
    snapshot->optimizer.tensors = snapshot->model.tensors + graph->tensor_count;
    snapshot->model.metadata = (struct rt_safetensors_metadata *)(uintptr_t)&pytorch_metadata;
    snapshot->model.metadata_count = 1;
    for (int i = 0; i < graph->tensor_count; i++)
        lay_out(&layout, &snapshot->model, &graph->tensors[i], "");
    for (int k = 0; k < state_count(snapshot->plan); k++)
        for (int i = 0; i < graph->tensor_count; i++)
            if (rt_tensor_is_parameter(graph->tensors[i].role))
                lay_out(&layout, &snapshot->optimizer, &graph->tensors[i],
                        snapshot->plan->options.optimizer->states[k]);
    snapshot->optimizer.tensors[snapshot->optimizer.tensor_count++] = (struct rt_safetensor){
        .name = LOADER_NAME,
        .dtype = RT_DTYPE_U32,
        .rank = 2,
        .shape = loader_shape,
        .data = snapshot->loader,
        .size_bytes = loader_size_bytes,
    };
    snapshot->history_first = snapshot->optimizer.tensor_count;
    for (int i = 0; i < RT_HISTORY_COUNT && snapshot->history && snapshot->history->rows; i++)
        snapshot->optimizer.tensors[snapshot->history_first + (size_t)i] = (struct rt_safetensor){
            .name = history_tensors[i].name,
            .dtype = history_tensors[i].dtype,
            .rank = 1,
            .shape = &snapshot->history_images,
            .data = snapshot->history->row[i],
            .size_bytes = (size_t)snapshot->history_images * rt_history_kinds[i].size_bytes,
        };
}

int rt_snapshot_create(struct rt_snapshot *snapshot, struct rt_plan *plan, const struct rt_history *history,
                       struct rt_error *err)
{
    const size_t most =
        (size_t)(1 + state_count(plan)) * (size_t)plan->graph->tensor_count + 1 + RT_HISTORY_COUNT;
    int rc;

    *snapshot = (struct rt_snapshot){.plan = plan, .history = history};
    snapshot->history_images = history ? (uint64_t)history->mark.images : 0;
    if (plan->device->engine->real_size != sizeof(float))
        return rt_fail(err, RT_ECONFIG, "engine %s does not compute in float: its state is not saved",
                       plan->device->engine->name);
    if ((rc = rt_alloc(&snapshot->storage, state_size_bytes(plan), 1, "a checkpoint's tensors", err)) ||
        (rc = rt_alloc(&snapshot->names, most, sizeof(tensor_name), "tensor names", err)) ||
        (rc = rt_alloc(&snapshot->shapes, most, sizeof(tensor_shape), "tensor shapes", err)) ||
        (rc = rt_alloc(&snapshot->tensors, most, sizeof(struct rt_safetensor), "a list of tensors", err)) ||
        (rc = rt_alloc(&snapshot->loader, 1, loader_size_bytes, "the loader's state", err))) {
        rt_snapshot_free(snapshot);
        return rc;
    }
    lay_out_all(snapshot);
    return RT_OK;
}

void rt_snapshot_free(struct rt_snapshot *snapshot)
{
    rt_free(&snapshot->storage);
    rt_free(&snapshot->names);
    rt_free(&snapshot->shapes);
    rt_free(&snapshot->tensors);
    rt_free(&snapshot->loader);
    *snapshot = (struct rt_snapshot){0};
}

static void put_generator(uint32_t *words, const struct rt_mt *generator)
{
    memcpy(words, generator->state, sizeof generator->state);
    words[RT_MT_WORDS] = generator->next;
}

/* Reads one state of all tensors that have it into the storage of `tensors`; returns how many. */
static int read_state(struct rt_snapshot *snapshot, enum rt_state state, const struct rt_safetensor *tensors,
                      int *count, struct rt_error *err)
{
    const struct rt_graph *graph = snapshot->plan->graph;

    for (int i = 0; i < graph->tensor_count; i++) {
        if (state != RT_STATE_TENSOR && !rt_tensor_is_parameter(graph->tensors[i].role))
            continue;
        RT_TRY(rt_plan_read(snapshot->plan, state, i, (void *)(uintptr_t)tensors[*count].data, /* our own */
                            err));
        (*count)++;
    }
    return RT_OK;
}

int rt_snapshot_take(struct rt_snapshot *snapshot, const struct rt_loader_state *loader, bool within_epoch,
                     struct rt_error *err)
{
    uint32_t *words = snapshot->loader;
    int count = 0;

    RT_TRY(read_state(snapshot, RT_STATE_TENSOR, snapshot->model.tensors, &count, err));
    count = 0;
    for (int k = 0; k < state_count(snapshot->plan); k++)
        RT_TRY(read_state(snapshot, RT_STATE_OPTIMIZER + (enum rt_state)k, snapshot->optimizer.tensors, &count,
                          err));
    snapshot->optimizer.tensor_count =
        snapshot->history_first +
        (within_epoch && snapshot->history && snapshot->history->rows ? (size_t)RT_HISTORY_COUNT : 0);
    put_generator(words, &loader->epoch_start);
    put_generator(words + GENERATOR_WORDS, &loader->now);
    return RT_OK;
}

/* ---- loading ---- */

enum { SHOWN_MAX = 10 }; /* warnings of one file's tensors: a stranger's may have any number */

static void append_shape(struct rt_text *text, const struct rt_safetensor *tensor)
{
    rt_text_append(text, "[");
    for (size_t i = 0; i < tensor->rank; i++)
        rt_text_printf(text, "%s%llu", i ? ", " : "", (unsigned long long)tensor->shape[i]);
    rt_text_printf(text, "] %s", rt_dtype_name(tensor->dtype));
}

static void append_wanted_shape(struct rt_text *text, const struct rt_tensor *tensor)
{
    rt_text_append(text, "[");
    for (int i = 0; i < tensor->rank; i++)
        rt_text_printf(text, "%s%d", i ? ", " : "", tensor->shape[i]);
    rt_text_printf(text, "] %s", rt_dtype_name(value_dtype(tensor)));
}

static bool fits(const struct rt_tensor *tensor, const struct rt_safetensor *found)
{
    if (found->dtype != value_dtype(tensor) || found->rank != (size_t)tensor->rank)
        return false;
    for (int i = 0; i < tensor->rank; i++)
        if (found->shape[i] != (uint64_t)tensor->shape[i])
            return false;
    return true;
}

/* What training goes on counting from must leave room to count. */
static bool is_countable(const struct rt_tensor *tensor, const struct rt_safetensor *found, int64_t *count)
{
    *count = 0;
    if (tensor->role == RT_TENSOR_BATCHES)
        memcpy(count, found->data, sizeof *count);
    return *count >= 0 && *count <= (int64_t)1 << 53;
}

/* Counts a tensor that is missing from the file or differs from what the graph has, and warns of the first
 * ones. */
static void check_tensor(const struct rt_safetensors *file, const char *path, const char *name,
                         const struct rt_tensor *tensor, size_t *mismatches)
{
    const struct rt_safetensor *found = rt_safetensors_find(file, name);
    const bool fitting = found && fits(tensor, found);
    struct rt_text text = {0};
    int64_t count;

    if ((fitting && is_countable(tensor, found, &count)) || ++*mismatches > SHOWN_MAX)
        return;
    if (fitting) {
        rt_log_warn("%s: tensor %s is %lld, expected a count", path, name, (long long)count);
        return;
    }
    rt_text_printf(&text, "%s: %s tensor %s ", path, found ? "unfit" : "missing", name);
    if (found) {
        append_shape(&text, found);
        rt_text_append(&text, ", expected ");
    }
    append_wanted_shape(&text, tensor);
    rt_log_warn("%s", rt_text_string(&text));
    rt_text_free(&text);
}

/* What a file should contain: the tensors themselves, or states of the optimiser. */
struct contents {
    struct rt_plan *plan;
    const struct rt_safetensors *file;
    const char *path;
    bool optimizer;
};

static int contents_count(const struct contents *c)
{
    return c->optimizer ? state_count(c->plan) : 1;
}

/* Whether the file should have tensor i, and under which name. */
static bool wants(const struct contents *c, int k, int i, tensor_name name)
{
    const struct rt_tensor *tensor = &c->plan->graph->tensors[i];

    if (c->optimizer)
        snprintf(name, NAME_SIZE, "%s.%s", c->plan->options.optimizer->states[k], tensor->name);
    else
        snprintf(name, NAME_SIZE, "%s", tensor->name);
    return !c->optimizer || rt_tensor_is_parameter(tensor->role);
}

static bool is_expected(const struct contents *c, const char *found)
{
    if (c->optimizer && !strcmp(found, LOADER_NAME))
        return true;
    for (int i = 0; i < RT_HISTORY_COUNT && c->optimizer; i++)
        if (!strcmp(found, history_tensors[i].name))
            return true; /* rt_snapshot_load_history takes it */
    if (!c->optimizer)
        return rt_graph_find_tensor(c->plan->graph, found) >= 0;
    for (int k = 0; k < state_count(c->plan); k++) {
        const char *state = c->plan->options.optimizer->states[k];
        const size_t length = strlen(state);

        if (!strncmp(found, state, length) && found[length] == '.' &&
            rt_graph_find_tensor(c->plan->graph, found + length + 1) >= 0)
            return true;
    }
    return false;
}

/* Compares a file's tensors with the graph's. */
static int check_file(const struct contents *c, struct rt_error *err)
{
    const struct rt_graph *graph = c->plan->graph;

    tensor_name name;
    size_t mismatches = 0;

    for (int k = 0; k < contents_count(c); k++)
        for (int i = 0; i < graph->tensor_count; i++)
            if (wants(c, k, i, name))
                check_tensor(c->file, c->path, name, &graph->tensors[i], &mismatches);
    for (size_t i = 0; i < c->file->tensor_count; i++)
        if (!is_expected(c, c->file->tensors[i].name) && ++mismatches <= SHOWN_MAX)
            rt_log_warn("%s: unexpected tensor %s", c->path, c->file->tensors[i].name);
    if (mismatches)
        return rt_fail(err, RT_EDATA, "%s: %zu tensor%s not this model's (%s above); nothing was loaded",
                       c->path, mismatches, mismatches == 1 ? " is" : "s are",
                       mismatches <= SHOWN_MAX ? "see" : "the first ones stand");
    return RT_OK;
}

/* Copies checked tensors into the plan; through `aligned`, for a file's bytes may lie anywhere. */
static int write_file(const struct contents *c, void *aligned, struct rt_error *err)
{
    tensor_name name;

    for (int k = 0; k < contents_count(c); k++)
        for (int i = 0; i < c->plan->graph->tensor_count; i++) {
            const struct rt_safetensor *found;

            if (!wants(c, k, i, name))
                continue;
            found = rt_safetensors_find(c->file, name);
            memcpy(aligned, found->data, found->size_bytes);
            RT_TRY(rt_plan_write(c->plan,
                                 c->optimizer ? RT_STATE_OPTIMIZER + (enum rt_state)k : RT_STATE_TENSOR, i,
                                 aligned, err));
        }
    return RT_OK;
}

static int load_file(const struct contents *c, struct rt_error *err)
{
    size_t largest = 0;

    void *aligned;
    int rc;

    RT_TRY(check_file(c, err));
    for (size_t i = 0; i < c->file->tensor_count; i++)
        largest = c->file->tensors[i].size_bytes > largest ? c->file->tensors[i].size_bytes : largest;
    RT_TRY(rt_alloc(&aligned, largest, 1, "a tensor", err));
    rc = write_file(c, aligned, err);
    rt_free(&aligned);
    return rc;
}

int rt_snapshot_load_model(struct rt_plan *plan, const struct rt_safetensors *model, const char *path,
                           struct rt_error *err)
{
    return load_file(&(struct contents){plan, model, path, false}, err);
}

static bool take_generator(struct rt_mt *generator, const uint32_t *words)
{
    memcpy(generator->state, words, sizeof generator->state);
    generator->next = words[RT_MT_WORDS];
    return generator->next <= RT_MT_WORDS;
}

static int load_loader(struct rt_loader_state *loader, const struct rt_safetensors *optimizer, const char *path,
                       struct rt_error *err)
{
    const struct rt_safetensor *found = rt_safetensors_find(optimizer, LOADER_NAME);
    uint32_t words[2 * GENERATOR_WORDS];

    if (!found || found->dtype != RT_DTYPE_U32 || found->size_bytes != sizeof words)
        return rt_fail(err, RT_EDATA, "%s: no tensor " LOADER_NAME " U32 [2, %d]", path, GENERATOR_WORDS);
    memcpy(words, found->data, sizeof words);
    if (!take_generator(&loader->epoch_start, words) || !take_generator(&loader->now, words + GENERATOR_WORDS))
        return rt_fail(err, RT_EDATA, "%s: " LOADER_NAME " is no state of a generator", path);
    return RT_OK;
}

int rt_snapshot_load_optimizer(struct rt_plan *plan, const struct rt_safetensors *optimizer, const char *path,
                               struct rt_loader_state *loader, struct rt_error *err)
{
    struct rt_loader_state loaded;

    RT_TRY(load_loader(&loaded, optimizer, path, err));
    RT_TRY(load_file(&(struct contents){plan, optimizer, path, true}, err));
    *loader = loaded;
    return RT_OK;
}

int rt_snapshot_load_history(struct rt_history *history, const struct rt_safetensors *optimizer,
                             const char *path, struct rt_error *err)
{
    for (int i = 0; i < RT_HISTORY_COUNT; i++) {
        const struct rt_safetensor *found = rt_safetensors_find(optimizer, history_tensors[i].name);
        const size_t size = (size_t)history->mark.images * rt_history_kinds[i].size_bytes;

        if (!found || found->dtype != history_tensors[i].dtype || found->size_bytes != size)
            return rt_fail(err, RT_EDATA, "%s: no tensor %s %s [%lld]", path, history_tensors[i].name,
                           rt_dtype_name(history_tensors[i].dtype), (long long)history->mark.images);
        memcpy(history->row[i], found->data, size);
    }
    return RT_OK;
}
