/* A kernel on the host: block by block, a block's threads as fibers of the calling thread. */
#include "fake_cuda.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { STACK = 128 << 10, WARP = 32 };

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
    const bool backwards = fake_order() % 2 == 1;
    bool done = false;

    memset(m->shared, 0xff, SHARED_MAX / 64); /* some NaN */
    for (int i = 0; i < threads; i++)
        start_fiber(m, i, block, (struct index){(unsigned)threads, 1, 1}, grid);
    while (!done) {
        done = true;
        for (int k = 0; k < threads; k++) {
            const int i = backwards ? threads - 1 - k : k;

            if (m->fibers[i].state == READY) {
                m->now = &m->fibers[i];
                set(&m->now->host);
                rt_fake_switch(&m->scheduler, m->now->stack_pointer);
            }
            done &= m->fibers[i].state == DONE;
        }
        if (!done && !release(m, threads))
            fake_die("not all threads reach a barrier in kernel", name);
    }
}

void fake_run_kernel(const struct function *f, struct index grid, int threads, const uint64_t *arguments)
{
    if (!f->address)
        return; /* dry */
    if (!machine) {
        machine = calloc(1, sizeof *machine);
        machine->stacks = mmap(NULL, (size_t)STACK * THREADS_MAX, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (machine->stacks == MAP_FAILED)
            fake_die("no memory for", f->name);
    }
    *(void **)&machine->kernel = f->address;
    memcpy(machine->arguments, arguments, sizeof machine->arguments);
    for (unsigned z = 0; z < grid.z; z++)
        for (unsigned y = 0; y < grid.y; y++)
            for (unsigned x = 0; x < grid.x; x++) {
                const struct index last = {grid.x - 1 - x, grid.y - 1 - y, grid.z - 1 - z};

                run_block(machine, f->set, f->name, threads,
                          fake_order() % 2 == 1 ? last : (struct index){x, y, z}, grid);
            }
}
