/* Devices, stores, and the engine's table. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "engine/cuda/cache.h"
#include "engine/cuda/compiler.h"
#include "engine/cuda/cuda.h"

static int count_devices(struct rt_error *err)
{
    const struct rt_cu *cu = rt_cuda_driver(err);

    return cu ? cu->devices : 0;
}

static int ask_device(struct rt_cuda_device *device, struct rt_error *err)
{
    const struct rt_cu *cu = device->cu;
    const char *what = "cannot ask the device what it is";
    int major, minor, shared;

    RT_CU_TRY(cu, device_get, (&device->handle, device->base.options.ordinal), what, err);
    RT_CU_TRY(cu, device_name, (device->name, (int)sizeof device->name, device->handle), what, err);
    RT_CU_TRY(cu, device_memory, (&device->memory, device->handle), what, err);
    RT_CU_TRY(cu, device_attribute, (&major, RT_CU_COMPUTE_MAJOR, device->handle), what, err);
    RT_CU_TRY(cu, device_attribute, (&minor, RT_CU_COMPUTE_MINOR, device->handle), what, err);
    RT_CU_TRY(cu, device_attribute, (&device->multiprocessors, RT_CU_MULTIPROCESSORS, device->handle), what,
              err);
    RT_CU_TRY(cu, device_attribute, (&shared, RT_CU_MAX_SHARED_PER_BLOCK_OPTIN, device->handle), what, err);
    device->arch = 10 * major + minor;
    device->shared_max = (size_t)shared;
    snprintf(device->target, sizeof device->target, "%s, sm_%d", device->name, device->arch);
    if (major < 8)
        return rt_fail(err, RT_ECONFIG,
                       "cuda:%d: %s has compute capability %d.%d; 8.0 or later is needed (Ampere, 2020)",
                       device->base.options.ordinal, device->name, major, minor);
    return RT_OK;
}

/* Nothing is allocated on it. */
static int check_device(int ordinal, char *words, size_t size, struct rt_error *err)
{
    struct rt_cuda_device device = {.cu = rt_cuda_driver(err), .base.options.ordinal = ordinal};
    char compiler[RT_ERROR_MESSAGE_MAX];

    if (!device.cu)
        return RT_ECONFIG;
    RT_TRY(ask_device(&device, err));
    if (!rt_cuda_cache_has_ready())
        RT_TRY(rt_cuda_compiler_find(device.cu->version, compiler, sizeof compiler, err));
    snprintf(words, size, "%s", device.target);
    return RT_OK;
}

static void close_device(struct rt_device *base)
{
    struct rt_cuda_device *device = (struct rt_cuda_device *)base;

    if (device->context) {
        if (!rt_cuda_enter(device, NULL))
            rt_cuda_unload(device);
        device->cu->context_release(device->handle);
    }
    pthread_mutex_destroy(&device->images_lock);
    pthread_mutex_destroy(&device->lock);
    rt_free(&device->modules);
    rt_free(&device);
}

static int open_device(struct rt_device **out, const struct rt_device_options *options, struct rt_error *err)
{
    const struct rt_cu *cu = rt_cuda_driver(err);
    struct rt_cuda_device *device;
    int rc;

    if (!cu)
        return RT_ECONFIG;
    if (options->ordinal >= cu->devices)
        return rt_fail(err, RT_ECONFIG, "cuda:%d: there %s %d device%s here (cuda:0%s)", options->ordinal,
                       cu->devices == 1 ? "is" : "are", cu->devices, cu->devices == 1 ? "" : "s",
                       cu->devices == 1 ? "" : " and on");
    RT_TRY(rt_alloc(&device, 1, sizeof *device, "a device", err));
    device->base.options = *options;
    device->base.engine = &rt_engine_cuda;
    device->base.options.threads = 1;
    device->cu = cu;
    pthread_mutex_init(&device->lock, NULL);
    pthread_mutex_init(&device->images_lock, NULL);
    rc = ask_device(device, err);
    if (!rc && !(rc = RT_CU_CALL(cu, context_retain, (&device->context, device->handle),
                                 "cannot open the device", err)))
        rc = rt_cuda_enter(device, err);
    if (rc) {
        close_device(&device->base);
        return rc;
    }
    *out = &device->base;
    return RT_OK;
}

static void describe(const struct rt_device *base, char *words, size_t size)
{
    const struct rt_cuda_device *device = (const struct rt_cuda_device *)base;
    const int version = device->cu->version;
    char compiler[RT_ERROR_MESSAGE_MAX];
    struct rt_error err = {0};

    if (rt_cuda_compiler_find(version, compiler, sizeof compiler, &err))
        snprintf(compiler, sizeof compiler, "%s", err.message);
    snprintf(words, size, "%.0f GiB, driver of CUDA %d.%d, %s", (double)device->memory / 0x1p30, version / 1000,
             version % 1000 / 10, compiler);
}

static const char *target(const struct rt_device *base)
{
    return ((const struct rt_cuda_device *)base)->target;
}

/* ---- stores ---- */

/* The uploaded images of a data set, reference-counted: stores whose data sets share pixels on the host
 * (data/shared.h) share them on the device too. */
struct rt_cuda_images {
    const void *host; /* key: the data set's pixels or noise, on the host */
    rt_cu_pointer pixels;
    int users;
    struct rt_cuda_images *next;
};

static void drop_images(struct rt_cuda_device *device, struct rt_cuda_images *images)
{
    struct rt_cuda_images **link = &device->images;

    pthread_mutex_lock(&device->images_lock);
    if (!--images->users) {
        while (*link != images)
            link = &(*link)->next;
        *link = images->next;
        if (images->pixels && !rt_cuda_enter(device, NULL))
            device->cu->memory_free(images->pixels);
        rt_free(&images);
    }
    pthread_mutex_unlock(&device->images_lock);
}

static void drop_store(struct rt_store *base)
{
    struct rt_cuda_store *store = (struct rt_cuda_store *)base;
    struct rt_cuda_device *device = (struct rt_cuda_device *)base->device;

    if (store->images)
        drop_images(device, store->images);
    if (store->labels && !rt_cuda_enter(device, NULL))
        device->cu->memory_free(store->labels);
    rt_free(&store);
}

static int upload(const struct rt_cuda_device *device, rt_cu_pointer *to, const void *bytes, size_t size,
                  struct rt_error *err)
{
    const char *what = "cannot send the data set to the device";
    const rt_cu_result code = device->cu->memory_alloc(to, size);
    size_t free_bytes = 0, total = 0;

    if (code == RT_CU_ERROR_OUT_OF_MEMORY) {
        device->cu->memory_info(&free_bytes, &total);
        return rt_fail(err, RT_EMEMORY,
                       "cuda: no room for the data set on the device: it needs %zu MiB, and %zu of %zu MiB are "
                       "free; use a "
                       "smaller train_size, or fewer runs side by side (cuMemAlloc)",
                       (size >> 20) + 1, free_bytes >> 20, total >> 20);
    }
    RT_TRY(rt_cuda_check(code, "memory_alloc", what, err));
    RT_CU_TRY(device->cu, upload, (*to, bytes, size, NULL), what, err);
    return RT_CU_CALL(device->cu, stream_synchronize, (NULL), what, err);
}

/* Takes a reference to the images at `host`, uploading `size` bytes on first use. */
static int get_images(struct rt_cuda_device *device, struct rt_cuda_images **out, const void *host, size_t size,
                      struct rt_error *err)
{
    struct rt_cuda_images *images;
    int rc = RT_OK;

    pthread_mutex_lock(&device->images_lock);
    for (images = device->images; images && images->host != host;)
        images = images->next;
    if (!images && !(rc = rt_alloc(&images, 1, sizeof *images, "a data set's images", err))) {
        images->host = host;
        if ((rc = upload(device, &images->pixels, host, size, err))) {
            if (images->pixels)
                device->cu->memory_free(images->pixels);
            rt_free(&images);
        } else {
            images->next = device->images;
            device->images = images;
        }
    }
    if (!rc) {
        images->users++;
        *out = images;
    }
    pthread_mutex_unlock(&device->images_lock);
    return rc;
}

static int create_store(struct rt_store **out, struct rt_device *base, const struct rt_dataset *dataset,
                        struct rt_error *err)
{
    struct rt_cuda_device *device = (struct rt_cuda_device *)base;
    const size_t count = dataset->train_count + dataset->test_count;
    const size_t image = dataset->noise
                             ? (size_t)(dataset->channels * dataset->height * dataset->width) * sizeof(float)
                             : (size_t)(dataset->channels * dataset->side * dataset->side);
    struct rt_cuda_store *store;
    int rc;

    RT_TRY(rt_alloc(&store, 1, sizeof *store, "a store", err));
    store->base.device = base;
    if ((rc = rt_cuda_enter(device, err)) ||
        (rc =
             get_images(device, &store->images, dataset->noise ? (const void *)dataset->noise : dataset->pixels,
                        count * image, err)) ||
        (rc = upload(device, &store->labels, dataset->labels, count, err))) {
        drop_store(&store->base);
        return rc;
    }
    store->pixels = store->images->pixels;
    *out = &store->base;
    return RT_OK;
}

static size_t room(const struct rt_device *base)
{
    const struct rt_cuda_device *device = (const struct rt_cuda_device *)base;
    size_t free_bytes = 0, total;

    if (rt_cuda_enter(device, NULL) || RT_CU_CALL(device->cu, memory_info, (&free_bytes, &total), "", NULL))
        return 0;
    return free_bytes;
}

/* ---- the table ---- */

static int stride(const struct rt_plan *plan)
{
    (void)plan;
    return 64;
}

static size_t memory_bytes(const struct rt_plan *base)
{
    const struct rt_cuda_plan *plan = (const struct rt_cuda_plan *)base;

    return plan->bytes + plan->parameter_bytes + plan->pinned_bytes;
}

const struct rt_engine rt_engine_cuda = {
    .name = "cuda",
    .device = "cuda",
    .real_size = sizeof(float),
    .precisions = 1U << RT_PRECISION_FP32 | 1U << RT_PRECISION_TF32 | 1U << RT_PRECISION_BF16,
    .precision = RT_PRECISION_TF32,
    .count = count_devices,
    .check = check_device,
    .open = open_device,
    .close = close_device,
    .store = create_store,
    .drop = drop_store,
    .create = rt_cuda_create_plan,
    .free = rt_cuda_free_plan,
    .begin = rt_cuda_begin,
    .advance = rt_cuda_advance,
    .collect = rt_cuda_collect,
    .write = rt_cuda_write,
    .read = rt_cuda_read,
    .probe = rt_cuda_probe,
    .stride = stride,
    .memory_bytes = memory_bytes,
    .profile = rt_cuda_profile,
    .profile_slows = true,
    .work = rt_cuda_work,
    .target = target,
    .describe = describe,
    .room = room,
    .ceilings = rt_cuda_ceilings,
};
