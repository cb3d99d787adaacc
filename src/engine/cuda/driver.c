#include "engine/cuda/driver.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static struct rt_cu cu;
static struct rt_error reason; /* why there is no driver */
static pthread_once_t once = PTHREAD_ONCE_INIT;

static const struct {
    const char *name, *symbol;
    size_t at; /* offset in struct rt_cu */
} entries[] = {
#define RT_CU_ENTRY(name, symbol, parameters) {#name, #symbol, offsetof(struct rt_cu, name)},
    RT_CU_FUNCTIONS(RT_CU_ENTRY)
#undef RT_CU_ENTRY
};

enum { ENTRY_COUNT = sizeof entries / sizeof *entries };

/* The library's symbol for a call, for messages. */
static const char *symbol_of(const char *name)
{
    for (int i = 0; i < ENTRY_COUNT; i++)
        if (!strcmp(entries[i].name, name))
            return entries[i].symbol;
    return name;
}

int rt_cuda_check(rt_cu_result code, const char *call, const char *what, struct rt_error *err)
{
    const char *name = NULL, *text = NULL;

    if (!code)
        return RT_OK;
    if (cu.error_name && (cu.error_name(code, &name) || !name))
        name = NULL;
    if (cu.error_string && (cu.error_string(code, &text) || !text))
        text = NULL;
    return rt_fail(err, code == RT_CU_ERROR_OUT_OF_MEMORY ? RT_EMEMORY : RT_EDEVICE,
                   "cuda: %s: %s: %s (%d%s%s)", what, symbol_of(call), name ? name : "unknown error", code,
                   text ? ", " : "", text ? text : "");
}

static int find_symbols(void *library, const char *path)
{
    for (int i = 0; i < ENTRY_COUNT; i++) {
        void *found = dlsym(library, entries[i].symbol);

        if (!found)
            return rt_fail(&reason, RT_ECONFIG,
                           "cuda: the driver's library %s has no %s: it is too old; a driver of CUDA 11.4 "
                           "(470) or later is needed",
                           path, entries[i].symbol);
        memcpy((char *)&cu + entries[i].at, &found, sizeof found);
    }
    return RT_OK;
}

static int start(void)
{
    rt_cu_result code = cu.driver_version(&cu.version);

    if (!code && cu.version < RT_CU_DRIVER_MIN)
        return rt_fail(&reason, RT_ECONFIG,
                       "cuda: the driver is of CUDA %d.%d; 11.4 or later is needed (a driver of 470 or later)",
                       cu.version / 1000, cu.version % 1000 / 10);
    if (!code)
        code = cu.init(0);
    if (!code)
        code = cu.device_count(&cu.devices);
    if (code == RT_CU_ERROR_NO_DEVICE || (!code && cu.devices < 1))
        return rt_fail(
            &reason, RT_ECONFIG,
            "cuda: no device: the driver is there and sees no GPU (nvidia-smi -L; CUDA_VISIBLE_DEVICES)");
    if (code) {
        rt_cuda_check(code, "init", "cannot start the driver", &reason);
        reason.status = RT_ECONFIG;
    }
    return code ? RT_ECONFIG : RT_OK;
}

static void open_driver(void)
{
    const char *named = getenv("RETHINK_CUDA_DRIVER");
    const char *path = named && *named ? named : "libcuda.so.1";

    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);

    /* load kernels with their modules: lazy loading at first launch fails inside a stream capture */
    setenv("CUDA_MODULE_LOADING", "EAGER", 0);
    if (!library) {
        const char *why = dlerror();

        rt_fail(&reason, RT_ECONFIG, "cuda: no driver: %s (install NVIDIA's driver, 470 or later)",
                why ? why : "cannot open libcuda.so.1");
        return;
    }
    if (!find_symbols(library, path))
        start();
}

const struct rt_cu *rt_cuda_driver(struct rt_error *err)
{
    pthread_once(&once, open_driver);
    if (!reason.status)
        return &cu;
    rt_fail(err, reason.status, "%s", reason.message);
    return NULL;
}
