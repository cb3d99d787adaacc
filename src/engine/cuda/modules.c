/* Modules: machine code from the cache or from NVRTC, compiled in parallel, loaded once per device. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/thread.h"
#include "engine/cuda/cache.h"
#include "engine/cuda/compiler.h"
#include "engine/cuda/cuda.h"

enum { THREADS_MAX = 16, SHARED_STATIC_MAX = 48 << 10 };

/* One source with one set of options: one module. */
struct job {
    const struct rt_cuda_kernel *kernel;
    char key[RT_DIGEST_HEX];
    char *code;
    size_t size;
    bool cached;
    struct rt_error err;
};

struct work {
    struct rt_cuda_device *device;
    struct job *jobs;
    int count, next;
};

static int compile_job(const struct rt_cuda_device *device, struct job *job, struct rt_error *err)
{
    RT_TRY(rt_cuda_compile(job->kernel->source, job->kernel->options, device->arch, device->cu->version,
                           &job->code, &job->size, err));
    rt_cuda_cache_write(job->key, job->code, job->size);
    return RT_OK;
}

static void *compile_some(void *context)
{
    struct work *work = context;

    for (int i; (i = __atomic_fetch_add(&work->next, 1, __ATOMIC_RELAXED)) < work->count;) {
        struct job *job = &work->jobs[i];

        job->cached = rt_cuda_cache_read(job->key, &job->code, &job->size);
        if (!job->cached)
            compile_job(work->device, job, &job->err);
    }
    return NULL;
}

static void compile_all(struct work *work)
{
    pthread_t threads[THREADS_MAX];
    const int cores = rt_core_count();
    int wanted = cores < THREADS_MAX ? cores : THREADS_MAX, started = 0;

    wanted = wanted < work->count ? wanted : work->count;
    while (started < wanted - 1 && !pthread_create(&threads[started], NULL, compile_some, work))
        started++;
    compile_some(work); /* this thread too, also where none could be started */
    for (int i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
}

static rt_cu_module find_module(const struct rt_cuda_device *device, const char *key)
{
    for (int i = 0; i < device->module_count; i++)
        if (!strcmp(device->modules[i].key, key))
            return device->modules[i].module;
    return NULL;
}

/* Cached code that this driver cannot load is recompiled. */
static int load_job(struct rt_cuda_device *device, struct job *job, struct rt_error *err)
{
    static bool warned;
    struct rt_cuda_module *module;

    rt_cu_result code;

    if (job->err.status)
        return rt_fail(err, job->err.status, "%s", job->err.message);
    RT_TRY(rt_realloc(&device->modules, (size_t)device->module_count + 1, sizeof *device->modules,
                      "a device's kernels", err));
    module = &device->modules[device->module_count];
    memcpy(module->key, job->key, sizeof module->key);
    code = device->cu->module_load(&module->module, job->code);
    if (code && code != RT_CU_ERROR_OUT_OF_MEMORY && job->cached) {
        if (!__atomic_exchange_n(&warned, true, __ATOMIC_RELAXED))
            rt_log_warn(
                "cuda: the driver cannot load compiled kernels of the cache (code %d); they are compiled "
                "anew",
                code);
        rt_free(&job->code);
        RT_TRY(compile_job(device, job, err));
        code = device->cu->module_load(&module->module, job->code);
    }
    RT_TRY(rt_cuda_check(code, "module_load", job->kernel->source, err));
    device->module_count++;
    return RT_OK;
}

/* Lists the modules that `launches` need and the device has not loaded, without duplicates. */
static int list_jobs(struct work *work, const struct rt_cuda_launch *launches, int count, unsigned modes,
                     struct rt_error *err)
{
    char key[RT_DIGEST_HEX];

    RT_TRY(rt_alloc(&work->jobs, (size_t)count, sizeof *work->jobs, "kernels to compile", err));
    for (int i = 0; i < count; i++) {
        const struct rt_cuda_kernel *kernel = &launches[i].kernel;
        bool known;

        if (launches[i].function || !(launches[i].modes & modes))
            continue;
        RT_TRY(rt_cuda_cache_key(key, kernel->source, kernel->options, work->device->arch, err));
        known = find_module(work->device, key) != NULL;
        for (int j = 0; j < work->count && !known; j++)
            known = !strcmp(work->jobs[j].key, key);
        if (known)
            continue;
        work->jobs[work->count].kernel = kernel;
        memcpy(work->jobs[work->count++].key, key, sizeof key);
    }
    return RT_OK;
}

static int find_function(struct rt_cuda_device *device, struct rt_cuda_launch *launch, struct rt_error *err)
{
    char key[RT_DIGEST_HEX];

    rt_cu_module module;

    RT_TRY(rt_cuda_cache_key(key, launch->kernel.source, launch->kernel.options, device->arch, err));
    module = find_module(device, key);
    RT_CU_TRY(device->cu, module_function, (&launch->function, module, launch->kernel.entry),
              launch->kernel.entry, err);
    if (launch->kernel.shared_bytes > SHARED_STATIC_MAX)
        RT_CU_TRY(device->cu, function_set,
                  (launch->function, RT_CU_FUNCTION_SHARED_BYTES, (int)launch->kernel.shared_bytes),
                  launch->kernel.entry, err);
    return RT_OK;
}

static int load(struct rt_cuda_device *device, struct work *work, struct rt_cuda_launch *launches, int count,
                unsigned modes, struct rt_error *err)
{
    RT_TRY(list_jobs(work, launches, count, modes, err));
    if (work->count)
        compile_all(work);
    for (int i = 0; i < work->count; i++)
        RT_TRY(load_job(device, &work->jobs[i], err));
    for (int i = 0; i < count; i++)
        if (!launches[i].function && (launches[i].modes & modes))
            RT_TRY(find_function(device, &launches[i], err));
    return RT_OK;
}

int rt_cuda_load(struct rt_cuda_device *device, struct rt_cuda_launch *launches, int count, unsigned modes,
                 struct rt_error *err)
{
    struct work work = {.device = device};
    int rc;

    pthread_mutex_lock(&device->lock);
    rc = load(device, &work, launches, count, modes, err);
    pthread_mutex_unlock(&device->lock);
    for (int i = 0; work.jobs && i < count; i++)
        rt_free(&work.jobs[i].code);
    rt_free(&work.jobs);
    return rc;
}

void rt_cuda_unload(struct rt_cuda_device *device)
{
    for (int i = 0; i < device->module_count; i++)
        device->cu->module_unload(device->modules[i].module);
    rt_free(&device->modules);
    device->module_count = 0;
}
