/* A CUDA driver and an NVRTC that need no GPU, in one shared object (RETHINK_CUDA_DRIVER, RETHINK_NVRTC):
 * kernels are compiled by the host's compiler (kernels/host.h) and run at once when launched, block by block, a
 * block's threads as fibers. Device memory is the host's, filled with NaN and fenced. What is wrong in a kernel
 * ends the process with a message: a barrier that not all reach, a fence overwritten.
 *
 * It fails on demand, through the environment when it is loaded, or rt_fake_cuda_fail:
 *   RT_FAKE_CUDA_DEVICES   how many devices there are (1)
 *   RT_FAKE_CUDA_VERSION   the driver's version (13000)
 *   RT_FAKE_CUDA_MEMORY    bytes of device memory (16 GiB)
 *   RT_FAKE_CUDA_DRY       1: any code can be loaded and nothing runs
 *   RT_FAKE_CUDA_ORDER     in which order a graph's kernels run that do not wait for one another (also
 *                          rt_fake_cuda_order): 0 as captured; 1 those of the capturing stream first, 2 last;
 *                          3 and more: drawn from this seed
 *   RT_FAKE_CUDA_FAIL      NAME:K:CODE: the K-th call of NAME ("cuMemAlloc_v2") from now on returns CODE, once;
 * with CODE negative, -CODE, and so does every later call of a function that waits (a lost device) */
#include <ctype.h>
#include <dlfcn.h>
#include <elf.h>
#include <pthread.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

static void die(const char *what, const char *detail)
{
    fprintf(stderr, "fake CUDA: %s %s\n", what, detail ? detail : "");
    abort();
}

/* ---- failing on demand ---- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    char name[64];
    long left; /* calls until it fails; 0: never */
    int code;
    int lost; /* what waiting calls return for ever */
    long calls;
} failing;

EXPORT void rt_fake_cuda_fail(const char *name, long k, int code);
EXPORT void rt_fake_cuda_fail(const char *name, long k, int code)
{
    pthread_mutex_lock(&lock);
    snprintf(failing.name, sizeof failing.name, "%s", name);
    failing.left = k;
    failing.code = code;
    failing.lost = 0;
    failing.calls = 0;
    pthread_mutex_unlock(&lock);
}

/* Calls of the named function (all, if the name is "") since rt_fake_cuda_fail. */
EXPORT long rt_fake_cuda_calls(void);
EXPORT long rt_fake_cuda_calls(void)
{
    return failing.calls;
}

static int called(const char *name, bool waits)
{
    int code = 0;

    pthread_mutex_lock(&lock);
    if (failing.lost && waits)
        code = failing.lost;
    if (!*failing.name || !strcmp(failing.name, name)) {
        failing.calls++;
        if (failing.left && --failing.left == 0) {
            code = failing.code < 0 ? -failing.code : failing.code;
            if (failing.code < 0)
                failing.lost = code;
        }
    }
    pthread_mutex_unlock(&lock);
    return code;
}

#define CALLED(waits)                                                                                          \
    do {                                                                                                       \
        const int code_ = called(__func__, waits);                                                             \
        if (code_)                                                                                             \
            return code_;                                                                                      \
    } while (0)

static long setting(const char *name, long otherwise)
{
    const char *const text = getenv(name);

    return text && *text ? strtol(text, NULL, 10) : otherwise;
}

__attribute__((constructor)) static void configure(void)
{
    const char *const text = getenv("RT_FAKE_CUDA_FAIL");
    char name[64];
    long k;
    int code;

    if (text && sscanf(text, "%63[^:]:%ld:%d", name, &k, &code) == 3)
        rt_fake_cuda_fail(name, k, code);
}

/* ---- fibers ---- */

enum { STACK = 128 << 10, THREADS_MAX = 1024, WARP = 32, SHARED_MAX = 232448 };

struct index {
    unsigned x, y, z;
};

/* As in kernels/host.h. */
struct host_thread {
    struct index thread, block, block_size, grid_size;
    void *shared;
    unsigned char *exchange;
    int lane;
    void (*barrier)(int warp);
};

enum state { READY, AT_BLOCK, AT_WARP, DONE };

struct fiber {
    void *stack_pointer;
    struct host_thread host;
    enum state state;
};

struct machine {
    struct fiber fibers[THREADS_MAX];
    unsigned char *stacks;
    unsigned char exchange[THREADS_MAX / WARP][WARP * 64];
    unsigned char shared[SHARED_MAX] __attribute__((aligned(128)));
    void *scheduler; /* its stack pointer */
    struct fiber *now;
    void (*kernel)(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t,
                   uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);
    uint64_t arguments[16];
};

static __thread struct machine *machine;

/* Saves the callee's registers and the stack pointer in *from and goes on where `to` stopped. */
void rt_fake_switch(void **from, void *to);
#if defined(__x86_64__)
__asm__(".text\n.globl rt_fake_switch\n.hidden rt_fake_switch\nrt_fake_switch:\n"
        "pushq %rbp\npushq %rbx\npushq %r12\npushq %r13\npushq %r14\npushq %r15\n"
        "movq %rsp, (%rdi)\nmovq %rsi, %rsp\n"
        "popq %r15\npopq %r14\npopq %r13\npopq %r12\npopq %rbx\npopq %rbp\nret\n");
enum { SAVED = 6 };
#elif defined(__aarch64__)
__asm__(".text\n.globl rt_fake_switch\n.hidden rt_fake_switch\nrt_fake_switch:\n"
        "sub sp, sp, #160\nstp x19, x20, [sp, #0]\nstp x21, x22, [sp, #16]\nstp x23, x24, [sp, #32]\nstp x25, "
        "x26, [sp, #48]\n"
        "stp x27, x28, [sp, #64]\nstp x29, x30, [sp, #80]\nstp d8, d9, [sp, #96]\nstp d10, d11, [sp, #112]\n"
        "stp d12, d13, [sp, #128]\nstp d14, d15, [sp, #144]\nmov x9, sp\nstr x9, [x0]\nmov sp, x1\n"
        "ldp x19, x20, [sp, #0]\nldp x21, x22, [sp, #16]\nldp x23, x24, [sp, #32]\nldp x25, x26, [sp, #48]\n"
        "ldp x27, x28, [sp, #64]\nldp x29, x30, [sp, #80]\nldp d8, d9, [sp, #96]\nldp d10, d11, [sp, #112]\n"
        "ldp d12, d13, [sp, #128]\nldp d14, d15, [sp, #144]\nadd sp, sp, #160\nret\n");
#endif

static void wait_at(int warp)
{
    struct machine *m = machine;

    m->now->state = warp ? AT_WARP : AT_BLOCK;
    rt_fake_switch(&m->now->stack_pointer, m->scheduler);
}

static void fiber_main(void)
{
    struct machine *m = machine;
    const uint64_t *a = m->arguments;

    m->kernel(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9], a[10], a[11], a[12], a[13], a[14],
              a[15]);
    m->now->state = DONE;
    rt_fake_switch(&m->now->stack_pointer, m->scheduler);
}

static void start_fiber(struct machine *m, int i, struct index block, struct index block_size,
                        struct index grid)
{
    struct fiber *f = &m->fibers[i];
    void **top = (void **)(m->stacks + (size_t)(i + 1) * STACK);

    f->host = (struct host_thread){.thread = {(unsigned)i, 0, 0},
                                   .block = block,
                                   .block_size = block_size,
                                   .grid_size = grid,
                                   .shared = m->shared,
                                   .exchange = m->exchange[i / WARP],
                                   .lane = i % WARP,
                                   .barrier = wait_at};
    f->state = READY;
#if defined(__x86_64__)
    top -= 2; /* the function starts with its stack as after a call */
    *top = (void *)fiber_main;
    top -= SAVED;
#elif defined(__aarch64__)
    top -= 20;
    top[11] = (void *)fiber_main; /* x30 */
#endif
    f->stack_pointer = top;
}

/* Lets those go on whose barrier all have reached; false: nobody can. */
static bool release(struct machine *m, int threads)
{
    bool all = true, any = false;

    for (int i = 0; i < threads; i++)
        all &= m->fibers[i].state == AT_BLOCK || m->fibers[i].state == DONE;
    for (int first = 0; first < threads; first += WARP) {
        bool together = true;

        for (int i = first; i < first + WARP && i < threads; i++)
            together &= m->fibers[i].state == AT_WARP;
        for (int i = first; i < first + WARP && i < threads; i++)
            if (together || (all && m->fibers[i].state == AT_BLOCK)) {
                m->fibers[i].state = READY;
                any = true;
            }
    }
    return any;
}

static void run_block(struct machine *m, void (*set)(struct host_thread *), const char *name, int threads,
                      struct index block, struct index grid)
{
    bool done = false;

    memset(m->shared, 0xff, SHARED_MAX / 64); /* some NaN */
    for (int i = 0; i < threads; i++)
        start_fiber(m, i, block, (struct index){(unsigned)threads, 1, 1}, grid);
    while (!done) {
        done = true;
        for (int i = 0; i < threads; i++) {
            if (m->fibers[i].state == READY) {
                m->now = &m->fibers[i];
                set(&m->now->host);
                rt_fake_switch(&m->scheduler, m->now->stack_pointer);
            }
            done &= m->fibers[i].state == DONE;
        }
        if (!done && !release(m, threads))
            die("not all threads reach a barrier in kernel", name);
    }
}

struct function {
    char name[64];
    void *address;
    void (*set)(struct host_thread *);
};

static void run_kernel(const struct function *f, struct index grid, int threads, const uint64_t *arguments)
{
    if (!f->address)
        return; /* dry */
    if (!machine) {
        machine = calloc(1, sizeof *machine);
        machine->stacks = mmap(NULL, (size_t)STACK * THREADS_MAX, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (machine->stacks == MAP_FAILED)
            die("no memory for", f->name);
    }
    *(void **)&machine->kernel = f->address;
    memcpy(machine->arguments, arguments, sizeof machine->arguments);
    for (unsigned z = 0; z < grid.z; z++)
        for (unsigned y = 0; y < grid.y; y++)
            for (unsigned x = 0; x < grid.x; x++)
                run_block(machine, f->set, f->name, threads, (struct index){x, y, z}, grid);
}

/* ---- driver: devices, memory ---- */

#define PUBLIC EXPORT int

PUBLIC cuInit(unsigned flags);
PUBLIC cuInit(unsigned flags)
{
    (void)flags;
    CALLED(false);
    return setting("RT_FAKE_CUDA_DEVICES", 1) > 0 ? 0 : 100;
}

PUBLIC cuDriverGetVersion(int *version);
PUBLIC cuDriverGetVersion(int *version)
{
    CALLED(false);
    *version = (int)setting("RT_FAKE_CUDA_VERSION", 13000);
    return 0;
}

PUBLIC cuGetErrorName(int code, const char **name);
PUBLIC cuGetErrorName(int code, const char **name)
{
    *name = code == 2     ? "CUDA_ERROR_OUT_OF_MEMORY"
            : code == 700 ? "CUDA_ERROR_ILLEGAL_ADDRESS"
                          : "CUDA_ERROR_FAKE";
    return 0;
}

PUBLIC cuGetErrorString(int code, const char **text);
PUBLIC cuGetErrorString(int code, const char **text)
{
    (void)code;
    *text = "made by a test";
    return 0;
}

PUBLIC cuDeviceGetCount(int *count);
PUBLIC cuDeviceGetCount(int *count)
{
    CALLED(false);
    *count = (int)setting("RT_FAKE_CUDA_DEVICES", 1);
    return 0;
}

PUBLIC cuDeviceGet(int *device, int ordinal);
PUBLIC cuDeviceGet(int *device, int ordinal)
{
    CALLED(false);
    *device = ordinal;
    return 0;
}

PUBLIC cuDeviceGetName(char *name, int size, int device);
PUBLIC cuDeviceGetName(char *name, int size, int device)
{
    CALLED(false);
    snprintf(name, (size_t)size, "Fake GPU %d", device);
    return 0;
}

static size_t memory_total(void)
{
    return (size_t)setting("RT_FAKE_CUDA_MEMORY", 16L << 30);
}

static size_t memory_used;

PUBLIC cuDeviceTotalMem_v2(size_t *bytes, int device);
PUBLIC cuDeviceTotalMem_v2(size_t *bytes, int device)
{
    (void)device;
    CALLED(false);
    *bytes = memory_total();
    return 0;
}

PUBLIC cuDeviceGetAttribute(int *value, int attribute, int device);
PUBLIC cuDeviceGetAttribute(int *value, int attribute, int device)
{
    (void)device;
    CALLED(false);
    *value = attribute == 75   ? 9
             : attribute == 76 ? 0
             : attribute == 16 ? 132
             : attribute == 97 ? SHARED_MAX
                               : 0;
    return 0;
}

PUBLIC cuDevicePrimaryCtxRetain(void **context, int device);
PUBLIC cuDevicePrimaryCtxRetain(void **context, int device)
{
    CALLED(false);
    *context = (void *)(uintptr_t)(device + 1);
    return 0;
}

PUBLIC cuDevicePrimaryCtxRelease_v2(int device);
PUBLIC cuDevicePrimaryCtxRelease_v2(int device)
{
    (void)device;
    CALLED(false);
    return 0;
}

PUBLIC cuCtxSetCurrent(void *context);
PUBLIC cuCtxSetCurrent(void *context)
{
    CALLED(false);
    return context ? 0 : 201;
}

PUBLIC cuMemGetInfo_v2(size_t *free_bytes, size_t *total);
PUBLIC cuMemGetInfo_v2(size_t *free_bytes, size_t *total)
{
    CALLED(false);
    *total = memory_total();
    *free_bytes = *total - memory_used;
    return 0;
}

enum { FENCE = 4096 };

static int allocate(uint64_t *memory, size_t bytes)
{
    const size_t whole = (bytes + 255) / 256 * 256 + 3 * FENCE;
    unsigned char *block;

    if (__atomic_add_fetch(&memory_used, bytes, __ATOMIC_SEQ_CST) > memory_total() ||
        !(block = aligned_alloc(FENCE, (whole + FENCE - 1) / FENCE * FENCE))) {
        __atomic_sub_fetch(&memory_used, bytes, __ATOMIC_SEQ_CST);
        return 2;
    }
    memset(block, 0xa5, FENCE);
    memcpy(block, &bytes, sizeof bytes);
    memset(block + FENCE, 0xff, bytes);
    memset(block + FENCE + bytes, 0xa5, FENCE);
    *memory = (uint64_t)(uintptr_t)(block + FENCE);
    return 0; /* cppcheck-suppress memleak ; the address, as a number, holds it */
}

static int release_memory(uint64_t memory)
{
    unsigned char *const block = (unsigned char *)(uintptr_t)memory - FENCE;
    size_t bytes;

    memcpy(&bytes, block, sizeof bytes);
    for (size_t i = sizeof bytes; i < FENCE; i++)
        if (block[i] != 0xa5 || block[FENCE + bytes + i] != 0xa5)
            die("memory before or behind an allocation was written", NULL);
    __atomic_sub_fetch(&memory_used, bytes, __ATOMIC_SEQ_CST);
    free(block);
    return 0;
}

PUBLIC cuMemAlloc_v2(uint64_t *memory, size_t bytes);
PUBLIC cuMemAlloc_v2(uint64_t *memory, size_t bytes)
{
    CALLED(false);
    return allocate(memory, bytes);
}

PUBLIC cuMemFree_v2(uint64_t memory);
PUBLIC cuMemFree_v2(uint64_t memory)
{
    CALLED(false);
    return release_memory(memory);
}

PUBLIC cuMemHostAlloc(void **memory, size_t bytes, unsigned flags);
PUBLIC cuMemHostAlloc(void **memory, size_t bytes, unsigned flags)
{
    uint64_t address;
    int code;

    (void)flags;
    CALLED(false);
    if (!(code = allocate(&address, bytes)))
        *memory = (void *)(uintptr_t)address;
    return code;
}

PUBLIC cuMemFreeHost(void *memory);
PUBLIC cuMemFreeHost(void *memory)
{
    CALLED(false);
    return release_memory((uint64_t)(uintptr_t)memory);
}

PUBLIC cuMemHostGetDevicePointer_v2(uint64_t *device, void *host, unsigned flags);
PUBLIC cuMemHostGetDevicePointer_v2(uint64_t *device, void *host, unsigned flags)
{
    (void)flags;
    CALLED(false);
    *device = (uint64_t)(uintptr_t)host;
    return 0;
}

PUBLIC cuMemcpyHtoDAsync_v2(uint64_t to, const void *from, size_t bytes, void *stream);
PUBLIC cuMemcpyHtoDAsync_v2(uint64_t to, const void *from, size_t bytes, void *stream)
{
    (void)stream;
    CALLED(false);
    memcpy((void *)(uintptr_t)to, from, bytes);
    return 0;
}

PUBLIC cuMemcpyDtoHAsync_v2(void *to, uint64_t from, size_t bytes, void *stream);
PUBLIC cuMemcpyDtoHAsync_v2(void *to, uint64_t from, size_t bytes, void *stream)
{
    (void)stream;
    CALLED(true);
    memcpy(to, (const void *)(uintptr_t)from, bytes);
    return 0;
}

PUBLIC cuMemsetD8Async(uint64_t to, unsigned char value, size_t bytes, void *stream);
PUBLIC cuMemsetD8Async(uint64_t to, unsigned char value, size_t bytes, void *stream)
{
    (void)stream;
    CALLED(false);
    memset((void *)(uintptr_t)to, value, bytes);
    return 0;
}

/* ---- driver: modules, launches, graphs ---- */

struct module {
    void *library;
    struct function *functions[64];
    int count;
};

/* An ELF file ends with its section headers. */
static size_t elf_size(const void *image)
{
    const Elf64_Ehdr *const header = image;

    if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0)
        return 0;
    return header->e_shoff + (size_t)header->e_shnum * header->e_shentsize;
}

PUBLIC cuModuleLoadData(struct module **out, const void *image);
PUBLIC cuModuleLoadData(struct module **out, const void *image)
{
    const size_t size = elf_size(image);
    char path[] = "/tmp/fake-cuda-XXXXXX"; /* the loader knows libraries by name: each needs one of its own */
    int fd;

    CALLED(false);
    if (setting("RT_FAKE_CUDA_DRY", 0)) {
        *out = calloc(1, sizeof **out);
        return 0;
    }
    if (!size || (fd = mkstemp(path)) < 0 || write(fd, image, size) != (ssize_t)size || close(fd))
        return 200;
    *out = calloc(1, sizeof **out);
    (*out)->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    unlink(path);
    if (!(*out)->library)
        die("cannot load a kernel:", dlerror());
    return 0;
}

PUBLIC cuModuleUnload(struct module *module);
PUBLIC cuModuleUnload(struct module *module)
{
    CALLED(false);
    if (module->library)
        dlclose(module->library);
    for (int i = 0; i < module->count; i++)
        free(module->functions[i]);
    free(module);
    return 0;
}

PUBLIC cuModuleGetFunction(struct function **out, struct module *module, const char *name);
PUBLIC cuModuleGetFunction(struct function **out, struct module *module, const char *name)
{
    struct function *f;

    CALLED(false);
    for (int i = 0; i < module->count; i++)
        if (!strcmp(module->functions[i]->name, name)) {
            *out = module->functions[i];
            return 0;
        }
    if (module->count == 64)
        return 1;
    f = calloc(1, sizeof *f);
    snprintf(f->name, sizeof f->name, "%s", name);
    if (module->library) {
        f->address = dlsym(module->library, name);
        *(void **)&f->set = dlsym(module->library, "rt_host_set");
    }
    if (module->library && (!f->address || !f->set)) {
        free(f);
        return 500;
    }
    module->functions[module->count++] = f;
    *out = f;
    return 0;
}

PUBLIC cuFuncSetAttribute(struct function *function, int attribute, int value);
PUBLIC cuFuncSetAttribute(struct function *function, int attribute, int value)
{
    (void)function;
    (void)attribute;
    CALLED(false);
    return value <= SHARED_MAX ? 0 : 1;
}

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
};

struct event {
    struct graph *captured; /* recorded in a capture */
    long capture;
    struct frontier after;
};

static void wait_for(struct frontier *frontier, int node)
{
    for (int i = 0; i < frontier->count; i++)
        if (frontier->nodes[i] == node)
            return;
    if (frontier->count == 8)
        die("a launch waits for more than 8 others", NULL);
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

PUBLIC cuStreamDestroy_v2(struct stream *stream);
PUBLIC cuStreamDestroy_v2(struct stream *stream)
{
    CALLED(false);
    free(stream);
    return 0;
}

PUBLIC cuStreamSynchronize(struct stream *stream);
PUBLIC cuStreamSynchronize(struct stream *stream)
{
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
        run_kernel(launch.function, launch.grid, launch.threads, launch.arguments);
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
        die("launches of a graph wait for one another", NULL);
    return best;
}

PUBLIC cuGraphLaunch(const struct graph *graph, struct stream *stream);
PUBLIC cuGraphLaunch(const struct graph *graph, struct stream *stream)
{
    const long which = order >= 0 ? order : setting("RT_FAKE_CUDA_ORDER", 0);
    unsigned draw = (unsigned)which;
    bool *ran;

    (void)stream;
    CALLED(false);
    ran = calloc((size_t)graph->count + 1, sizeof *ran);
    for (int n = 0; n < graph->count; n++) {
        const int i = which ? next_launch(graph, ran, which, &draw) : n;

        ran[i] = true;
        run_kernel(graph->launches[i].function, graph->launches[i].grid, graph->launches[i].threads,
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
        wait_for(&stream->after, event->after.nodes[i]);
    return 0;
}

PUBLIC cuEventSynchronize(struct event *event);
PUBLIC cuEventSynchronize(struct event *event)
{
    (void)event;
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

/* ---- NVRTC ---- */

struct program {
    char folder[64], log[4096];
    const char *name;
    char *code;
    size_t size;
};

static bool write_text(const char *folder, const char *name, const char *text)
{
    char path[256];
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    for (char *slash = path + strlen(folder) + 1; (slash = strchr(slash, '/')); *slash++ = '/') {
        *slash = 0;
        mkdir(path, 0700);
    }
    f = fopen(path, "w");
    return f && fputs(text, f) >= 0 && !fclose(f);
}

PUBLIC nvrtcVersion(int *major, int *minor);
PUBLIC nvrtcVersion(int *major, int *minor)
{
    *major = (int)setting("RT_FAKE_NVRTC_MAJOR", 13);
    *minor = 0;
    return 0;
}

EXPORT const char *nvrtcGetErrorString(int code);
EXPORT const char *nvrtcGetErrorString(int code)
{
    return code == 6 ? "NVRTC_ERROR_COMPILATION" : "NVRTC_ERROR_FAKE";
}

PUBLIC nvrtcCreateProgram(struct program **out, const char *text, const char *name, int headers,
                          const char *const *texts, const char *const *names);
PUBLIC nvrtcCreateProgram(struct program **out, const char *text, const char *name, int headers,
                          const char *const *texts, const char *const *names)
{
    struct program *p = calloc(1, sizeof *p);
    bool written = true;

    CALLED(false);
    snprintf(p->folder, sizeof p->folder, "/tmp/fake-nvrtc-XXXXXX");
    p->name = name;
    if (!mkdtemp(p->folder))
        return 1;
    for (int i = 0; i < headers; i++)
        written &= write_text(p->folder, names[i], texts[i]);
    *out = p;
    return written && write_text(p->folder, "source.c", text) ? 0 : 1;
}

static void read_file(const char *folder, const char *name, char **bytes, size_t *size)
{
    char path[256];
    struct stat s;
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    f = fopen(path, "r");
    *size = 0;
    *bytes = NULL;
    if (!f)
        return;
    if (!fstat(fileno(f), &s) && (*bytes = malloc((size_t)s.st_size + 1)))
        *size = fread(*bytes, 1, (size_t)s.st_size, f);
    fclose(f);
}

PUBLIC nvrtcCompileProgram(struct program *p, int count, const char *const *options);
PUBLIC nvrtcCompileProgram(struct program *p, int count, const char *const *options)
{
    static const char *const fixed[] = {
        "cc", "-std=gnu17", "-O1", "-ffp-contract=off", "-fno-math-errno", "-w", "-shared", "-fPIC", "-x", "c"};
    char *words[96], out[128], source[128], folder[128], log[128], *text;
    posix_spawn_file_actions_t actions;
    size_t size;
    int n = 0, status;
    pid_t child;

    CALLED(false);
    if (setting("RT_FAKE_CUDA_DRY", 0)) {
        p->code = calloc(1, p->size = 64);
        return 0;
    }
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
        words[n++] = (char *)fixed[i];
    for (int i = 0; i < count && n < 80; i++)
        if (!strncmp(options[i], "-D", 2))
            words[n++] = (char *)options[i];
    snprintf(out, sizeof out, "%s/out", p->folder);
    snprintf(source, sizeof source, "%s/source.c", p->folder);
    snprintf(folder, sizeof folder, "-I%s", p->folder);
    snprintf(log, sizeof log, "%s/log", p->folder);
    words[n++] = folder;
    words[n++] = source;
    words[n++] = "-o";
    words[n++] = out;
    words[n++] = "-lm";
    words[n] = NULL;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 2, log, 0x241 /* O_CREAT | O_WRONLY | O_TRUNC */, 0600);
    status = posix_spawnp(&child, "cc", &actions, NULL, words, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (status || waitpid(child, &status, 0) < 0 || status) {
        read_file(p->folder, "log", &text, &size);
        snprintf(p->log, sizeof p->log, "%.*s", (int)size, text ? text : "");
        free(text);
        return 6;
    }
    read_file(p->folder, "out", &p->code, &p->size);
    return p->code ? 0 : 6;
}

PUBLIC nvrtcGetProgramLogSize(struct program *p, size_t *size);
PUBLIC nvrtcGetProgramLogSize(struct program *p, size_t *size)
{
    *size = strlen(p->log) + 1;
    return 0;
}

PUBLIC nvrtcGetProgramLog(struct program *p, char *log);
PUBLIC nvrtcGetProgramLog(struct program *p, char *log)
{
    memcpy(log, p->log, strlen(p->log) + 1);
    return 0;
}

PUBLIC nvrtcGetCUBINSize(struct program *p, size_t *size);
PUBLIC nvrtcGetCUBINSize(struct program *p, size_t *size)
{
    CALLED(false);
    *size = p->size;
    return 0;
}

PUBLIC nvrtcGetCUBIN(struct program *p, char *code);
PUBLIC nvrtcGetCUBIN(struct program *p, char *code)
{
    CALLED(false);
    memcpy(code, p->code, p->size);
    return 0;
}

PUBLIC nvrtcDestroyProgram(struct program **program);
PUBLIC nvrtcDestroyProgram(struct program **program)
{
    char command[128];
    char *words[] = {"rm", "-rf", (*program)->folder, NULL};
    pid_t child;

    (void)command;
    if (!posix_spawnp(&child, "rm", NULL, NULL, words, environ))
        waitpid(child, NULL, 0);
    free((*program)->code);
    free(*program);
    *program = NULL;
    return 0;
}
