/* The CUDA driver API, opened with dlopen (libcuda.so.1) and declared here, so that neither building nor
 * starting needs CUDA. RETHINK_CUDA_DRIVER names another library (for tests).
 *
 * Every call returns 0 or a CUresult; rt_cuda_check turns it into an error that names the call and its purpose.
 */
#ifndef RT_ENGINE_CUDA_DRIVER_H
#define RT_ENGINE_CUDA_DRIVER_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef int rt_cu_result;
typedef int rt_cu_device;
typedef uint64_t rt_cu_pointer; /* device memory */
typedef struct rt_cu_context_st *rt_cu_context;
typedef struct rt_cu_module_st *rt_cu_module;
typedef struct rt_cu_function_st *rt_cu_function;
typedef struct rt_cu_stream_st *rt_cu_stream;
typedef struct rt_cu_event_st *rt_cu_event;
typedef struct rt_cu_graph_st *rt_cu_graph;
typedef struct rt_cu_graph_exec_st *rt_cu_graph_exec;

enum {
    RT_CU_MAX_SHARED_PER_BLOCK_OPTIN = 97, /* CUdevice_attribute */
    RT_CU_MULTIPROCESSORS = 16,
    RT_CU_COMPUTE_MAJOR = 75,
    RT_CU_COMPUTE_MINOR = 76,
    RT_CU_FUNCTION_SHARED_BYTES = 8, /* CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES */
    RT_CU_STREAM_NON_BLOCKING = 1,   /* flags */
    RT_CU_EVENT_BLOCKING_SYNC = 1,
    RT_CU_EVENT_DISABLE_TIMING = 2,
    RT_CU_HOST_PORTABLE = 1,
    RT_CU_HOST_MAPPED = 2,
    RT_CU_CAPTURE_RELAXED = 2,
    RT_CU_ERROR_OUT_OF_MEMORY = 2, /* results */
    RT_CU_ERROR_NO_DEVICE = 100,
    RT_CU_ERROR_NOT_READY = 600,
    RT_CU_DRIVER_MIN = 11040, /* CUDA 11.4: the oldest driver that has all entry points */
};

/* X(name, symbol, parameters): field of struct rt_cu, symbol in the library, parameter list. */
#define RT_CU_FUNCTIONS(X)                                                                                     \
    X(init, cuInit, (unsigned flags))                                                                          \
    X(driver_version, cuDriverGetVersion, (int *version))                                                      \
    X(error_name, cuGetErrorName, (rt_cu_result code, const char **name))                                      \
    X(error_string, cuGetErrorString, (rt_cu_result code, const char **text))                                  \
    X(device_count, cuDeviceGetCount, (int *count))                                                            \
    X(device_get, cuDeviceGet, (rt_cu_device * device, int ordinal))                                           \
    X(device_name, cuDeviceGetName, (char *name, int size, rt_cu_device device))                               \
    X(device_memory, cuDeviceTotalMem_v2, (size_t * bytes, rt_cu_device device))                               \
    X(device_attribute, cuDeviceGetAttribute, (int *value, int attribute, rt_cu_device device))                \
    X(context_retain, cuDevicePrimaryCtxRetain, (rt_cu_context * context, rt_cu_device device))                \
    X(context_release, cuDevicePrimaryCtxRelease_v2, (rt_cu_device device))                                    \
    X(context_set, cuCtxSetCurrent, (rt_cu_context context))                                                   \
    X(module_load, cuModuleLoadData, (rt_cu_module * module, const void *image))                               \
    X(module_unload, cuModuleUnload, (rt_cu_module module))                                                    \
    X(module_function, cuModuleGetFunction,                                                                    \
      (rt_cu_function * function, rt_cu_module module, const char *name))                                      \
    X(function_set, cuFuncSetAttribute, (rt_cu_function function, int attribute, int value))                   \
    X(memory_info, cuMemGetInfo_v2, (size_t * free, size_t * total))                                           \
    X(memory_alloc, cuMemAlloc_v2, (rt_cu_pointer * memory, size_t bytes))                                     \
    X(memory_free, cuMemFree_v2, (rt_cu_pointer memory))                                                       \
    X(host_alloc, cuMemHostAlloc, (void **memory, size_t bytes, unsigned flags))                               \
    X(host_free, cuMemFreeHost, (void *memory))                                                                \
    X(host_address, cuMemHostGetDevicePointer_v2, (rt_cu_pointer * device, void *host, unsigned flags))        \
    X(upload, cuMemcpyHtoDAsync_v2, (rt_cu_pointer to, const void *from, size_t bytes, rt_cu_stream stream))   \
    X(download, cuMemcpyDtoHAsync_v2, (void *to, rt_cu_pointer from, size_t bytes, rt_cu_stream stream))       \
    X(fill, cuMemsetD8Async, (rt_cu_pointer to, unsigned char value, size_t bytes, rt_cu_stream stream))       \
    X(stream_create, cuStreamCreateWithPriority, (rt_cu_stream * stream, unsigned flags, int priority))        \
    X(stream_destroy, cuStreamDestroy_v2, (rt_cu_stream stream))                                               \
    X(stream_synchronize, cuStreamSynchronize, (rt_cu_stream stream))                                          \
    X(capture_begin, cuStreamBeginCapture_v2, (rt_cu_stream stream, int mode))                                 \
    X(capture_end, cuStreamEndCapture, (rt_cu_stream stream, rt_cu_graph * graph))                             \
    X(graph_instantiate, cuGraphInstantiateWithFlags,                                                          \
      (rt_cu_graph_exec * executable, rt_cu_graph graph, unsigned long long flags))                            \
    X(graph_launch, cuGraphLaunch, (rt_cu_graph_exec executable, rt_cu_stream stream))                         \
    X(graph_destroy, cuGraphDestroy, (rt_cu_graph graph))                                                      \
    X(graph_exec_destroy, cuGraphExecDestroy, (rt_cu_graph_exec executable))                                   \
    X(event_create, cuEventCreate, (rt_cu_event * event, unsigned flags))                                      \
    X(event_destroy, cuEventDestroy_v2, (rt_cu_event event))                                                   \
    X(stream_wait, cuStreamWaitEvent, (rt_cu_stream stream, rt_cu_event event, unsigned flags))                \
    X(event_record, cuEventRecord, (rt_cu_event event, rt_cu_stream stream))                                   \
    X(event_synchronize, cuEventSynchronize, (rt_cu_event event))                                              \
    X(event_elapsed, cuEventElapsedTime, (float *milliseconds, rt_cu_event begin, rt_cu_event end))            \
    X(launch_host, cuLaunchHostFunc, (rt_cu_stream stream, void (*function)(void *), void *context))           \
    X(launch, cuLaunchKernel,                                                                                  \
      (rt_cu_function function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x,           \
       unsigned block_y, unsigned block_z, unsigned shared_bytes, rt_cu_stream stream, void **parameters,      \
       void **extra))

struct rt_cu {
#define RT_CU_FIELD(name, symbol, parameters) rt_cu_result(*name) parameters;
    RT_CU_FUNCTIONS(RT_CU_FIELD)
#undef RT_CU_FIELD
    int version; /* of the driver: 1000 * major + 10 * minor */
    int devices;
};

/* The driver, opened and initialised once per process (thread-safe). Null with RT_ECONFIG: no library, a
 * library that is too old, no device, or cuInit's error. */
const struct rt_cu *rt_cuda_driver(struct rt_error *err);

/* RT_OK for 0; else RT_EMEMORY (out of memory) or RT_EDEVICE, as "cuda: WHAT: SYMBOL: ERROR_NAME (code, text)".
 * Called through RT_CU_TRY and RT_CU_CALL. */
int rt_cuda_check(rt_cu_result code, const char *call, const char *what, struct rt_error *err);

/* RT_CU_CALL(cu, upload, (to, from, bytes, stream), "purpose", err): an rt_status. */
#define RT_CU_CALL(cu, name, arguments, what, err) rt_cuda_check((cu)->name arguments, #name, what, err)
#define RT_CU_TRY(cu, name, arguments, what, err) RT_TRY(RT_CU_CALL(cu, name, arguments, what, err))

#endif
