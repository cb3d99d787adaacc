#include "train/snapshot.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"

#define MOMENTUM_PREFIX "momentum."
#define LOADER_NAME "loader.generator"

enum { GENERATOR_WORDS = RT_MT_WORDS + 1, NAME_SIZE = RT_NAME_MAX + sizeof MOMENTUM_PREFIX };

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

static size_t state_size_bytes(const struct rt_graph *graph)
{
    size_t bytes = 0;

    for (int i = 0; i < graph->tensor_count; i++) {
        const struct rt_tensor *tensor = &graph->tensors[i];
        const size_t size = tensor->count * value_size(tensor);

        bytes += (rt_tensor_is_parameter(tensor->role) ? 2 : 1) * ((size + 7) / 8 * 8);
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
                    const char *prefix)
{
    struct rt_safetensor *out = &file->tensors[file->tensor_count++];

    snprintf(*layout->name, NAME_SIZE, "%s%s", prefix, tensor->name);
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
    for (int i = 0; i < graph->tensor_count; i++)
        if (rt_tensor_is_parameter(graph->tensors[i].role))
            lay_out(&layout, &snapshot->optimizer, &graph->tensors[i], MOMENTUM_PREFIX);
    snapshot->optimizer.tensors[snapshot->optimizer.tensor_count++] = (struct rt_safetensor){
        .name = LOADER_NAME,
        .dtype = RT_DTYPE_U32,
        .rank = 2,
        .shape = loader_shape,
        .data = snapshot->loader,
        .size_bytes = loader_size_bytes,
    };
}

int rt_snapshot_create(struct rt_snapshot *snapshot, struct rt_plan *plan, struct rt_error *err)
{
    const size_t most = 2 * (size_t)plan->graph->tensor_count + 1;
    int rc;

    *snapshot = (struct rt_snapshot){.plan = plan};
    if (plan->engine->real_size != sizeof(float))
        return rt_fail(err, RT_ECONFIG, "engine %s does not compute in float: its state is not saved",
                       plan->engine->name);
    if ((rc = rt_alloc(&snapshot->storage, state_size_bytes(plan->graph), 1, "a checkpoint's tensors", err)) ||
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

void rt_snapshot_take(struct rt_snapshot *snapshot, const struct rt_loader_state *loader)
{
    const struct rt_graph *graph = snapshot->plan->graph;
    const struct rt_safetensor *momentum = snapshot->optimizer.tensors;
    uint32_t *words = snapshot->loader;

    for (int i = 0; i < graph->tensor_count; i++) {
        rt_plan_export(snapshot->plan, RT_STATE_TENSOR, i,
                       (void *)(uintptr_t)snapshot->model.tensors[i].data); /* our own storage */
        if (rt_tensor_is_parameter(graph->tensors[i].role))
            rt_plan_export(snapshot->plan, RT_STATE_MOMENTUM, i, (void *)(uintptr_t)(momentum++)->data);
    }
    put_generator(words, &loader->epoch_start);
    put_generator(words + GENERATOR_WORDS, &loader->now);
}

/* ---- loading ---- */

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

/* Warns when `name` is missing from the file or differs from what the graph has; 1 then, else 0. */
static int check_tensor(const struct rt_safetensors *file, const char *path, const char *name,
                        const struct rt_tensor *tensor)
{
    const struct rt_safetensor *found = rt_safetensors_find(file, name);
    struct rt_text text = {0};

    if (found && fits(tensor, found))
        return 0;
    rt_text_printf(&text, "%s: %s tensor %s ", path, found ? "unfit" : "missing", name);
    if (found) {
        append_shape(&text, found);
        rt_text_append(&text, ", expected ");
    }
    append_wanted_shape(&text, tensor);
    rt_log_warn("%s", rt_text_string(&text));
    rt_text_free(&text);
    return 1;
}

/* Holds a file's tensors against the graph's; `momentum` for those of the optimiser's file. */
static int check_file(const struct rt_graph *graph, const struct rt_safetensors *file, const char *path,
                      bool momentum, struct rt_error *err)
{
    const char *prefix = momentum ? MOMENTUM_PREFIX : "";
    tensor_name name;
    int mismatches = 0;

    for (int i = 0; i < graph->tensor_count; i++) {
        if (momentum && !rt_tensor_is_parameter(graph->tensors[i].role))
            continue;
        snprintf(name, sizeof name, "%s%s", prefix, graph->tensors[i].name);
        mismatches += check_tensor(file, path, name, &graph->tensors[i]);
    }
    for (size_t i = 0; i < file->tensor_count; i++) {
        const char *found = file->tensors[i].name;

        if (momentum && !strcmp(found, LOADER_NAME))
            continue;
        if (!strncmp(found, prefix, strlen(prefix)) && rt_graph_find_tensor(graph, found + strlen(prefix)) >= 0)
            continue;
        rt_log_warn("%s: unexpected tensor %s", path, found);
        mismatches++;
    }
    if (mismatches)
        return rt_fail(err, RT_EDATA, "%s: %d tensor%s not this model's (see above); nothing was loaded", path,
                       mismatches, mismatches == 1 ? " is" : "s are");
    return RT_OK;
}

/* Copies checked tensors into the plan; through `aligned`, for a file's bytes may lie anywhere. */
static void import_file(struct rt_plan *plan, const struct rt_safetensors *file, bool momentum, void *aligned)
{
    const struct rt_graph *graph = plan->graph;
    tensor_name name;

    for (int i = 0; i < graph->tensor_count; i++) {
        const struct rt_safetensor *found;

        if (momentum && !rt_tensor_is_parameter(graph->tensors[i].role))
            continue;
        snprintf(name, sizeof name, "%s%s", momentum ? MOMENTUM_PREFIX : "", graph->tensors[i].name);
        found = rt_safetensors_find(file, name);
        memcpy(aligned, found->data, found->size_bytes);
        rt_plan_import(plan, momentum ? RT_STATE_MOMENTUM : RT_STATE_TENSOR, i, aligned);
    }
}

static int load_file(struct rt_plan *plan, const struct rt_safetensors *file, const char *path, bool momentum,
                     struct rt_error *err)
{
    size_t largest = 0;
    void *aligned;

    RT_TRY(check_file(plan->graph, file, path, momentum, err));
    for (size_t i = 0; i < file->tensor_count; i++)
        largest = file->tensors[i].size_bytes > largest ? file->tensors[i].size_bytes : largest;
    RT_TRY(rt_alloc(&aligned, largest, 1, "a tensor", err));
    import_file(plan, file, momentum, aligned);
    rt_free(&aligned);
    return RT_OK;
}

int rt_snapshot_load_model(struct rt_plan *plan, const struct rt_safetensors *model, const char *path,
                           struct rt_error *err)
{
    return load_file(plan, model, path, false, err);
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
    RT_TRY(load_file(plan, optimizer, path, true, err));
    *loader = loaded;
    return RT_OK;
}
