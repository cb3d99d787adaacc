/* longjmp from stack to stack is what fibers are; fortified, it is refused */
#undef _FORTIFY_SOURCE
#include "support/fibers.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "engine/cuda/kernels/host.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#else
#define __sanitizer_start_switch_fiber(save, bottom, size) ((void)(save))
#define __sanitizer_finish_switch_fiber(save, bottom, size) ((void)(save))
#endif

enum { STACK_BYTES = 256 << 10, THREADS_MAX = 1024 };

enum state { READY, AT_BLOCK, AT_WARP, DONE };

struct fiber {
    ucontext_t context; /* with which it starts */
    jmp_buf place;      /* with which it goes on */
    bool started;
    enum state state;
    struct rt_host_thread thread;
};

static struct {
    const struct fibers_launch *launch;
    struct fiber *fibers;
    unsigned char *stacks, *exchange;
    ucontext_t scheduler; /* never returned to */
    jmp_buf place;
    const void *scheduler_stack;
    size_t scheduler_bytes;
    unsigned current;
} run;

static void to_scheduler(bool for_good)
{
    void *save = NULL;

    (void)save;
    __sanitizer_start_switch_fiber(for_good ? NULL : &save, run.scheduler_stack, run.scheduler_bytes);
    if (!_setjmp(run.fibers[run.current].place))
        _longjmp(run.place, 1);
    __sanitizer_finish_switch_fiber(save, NULL, NULL);
}

static void barrier(int warp)
{
    run.fibers[run.current].state = warp ? AT_WARP : AT_BLOCK;
    to_scheduler(false);
}

static void start(void)
{
    __sanitizer_finish_switch_fiber(NULL, &run.scheduler_stack, &run.scheduler_bytes);
    run.launch->kernel(run.launch->arguments);
    run.fibers[run.current].state = DONE;
    to_scheduler(true);
}

static void prepare(unsigned index, const unsigned block[3], void *shared)
{
    struct fiber *const f = &run.fibers[index];

    memset(f, 0, sizeof *f);
    getcontext(&f->context);
    f->context.uc_stack.ss_sp = run.stacks + (size_t)index * STACK_BYTES;
    f->context.uc_stack.ss_size = STACK_BYTES;
    makecontext(&f->context, start, 0);
    f->thread = (struct rt_host_thread){
        .thread = {index, 0, 0},
        .block = {block[0], block[1], block[2]},
        .block_size = {run.launch->block, 1, 1},
        .grid_size = {run.launch->grid[0], run.launch->grid[1], run.launch->grid[2]},
        .shared = shared,
        .exchange = run.exchange + (size_t)(index / 32) * 32 * 64,
        .lane = (int)(index % 32),
        .barrier = barrier,
    };
}

static void resume(unsigned index)
{
    struct fiber *const f = &run.fibers[index];
    void *save = NULL;

    (void)save;
    run.current = index;
    run.launch->set(&f->thread);
    __sanitizer_start_switch_fiber(&save, f->context.uc_stack.ss_sp, STACK_BYTES);
    if (!_setjmp(run.place)) {
        if (f->started)
            _longjmp(f->place, 1);
        f->started = true;
        swapcontext(&run.scheduler, &f->context);
    }
    __sanitizer_finish_switch_fiber(save, NULL, NULL);
}

/* Wakes the fibers of first..end that wait in `state` if all that are not done do. */
static bool release(unsigned first, unsigned end, enum state state)
{
    bool any = false;

    for (unsigned i = first; i < end; i++) {
        if (run.fibers[i].state != state && run.fibers[i].state != DONE)
            return false;
        any = any || run.fibers[i].state == state;
    }
    for (unsigned i = first; i < end; i++)
        if (run.fibers[i].state == state)
            run.fibers[i].state = READY;
    return any;
}

/* A warp until its threads wait for the block or are done. */
static int run_warp(unsigned first, unsigned end)
{
    do {
        for (unsigned i = first; i < end; i++)
            if (run.fibers[i].state == READY)
                resume(i);
    } while (release(first, end, AT_WARP));
    for (unsigned i = first; i < end; i++)
        if (run.fibers[i].state == AT_WARP) {
            fprintf(stderr, "thread %u waits for its warp, others of it do not come\n", i);
            return -1;
        }
    return 0;
}

static int run_block(const unsigned block[3], void *shared)
{
    const unsigned threads = run.launch->block;

    for (size_t i = 0; i < run.launch->shared_bytes; i++)
        ((unsigned char *)shared)[i] = 0xff;
    for (unsigned i = 0; i < threads; i++)
        prepare(i, block, shared);
    do {
        for (unsigned first = 0; first < threads; first += 32)
            if (run_warp(first, first + 32 < threads ? first + 32 : threads))
                return -1;
    } while (release(0, threads, AT_BLOCK));
    return 0;
}

int fibers_run(const struct fibers_launch *launch)
{
    void *const shared = malloc(launch->shared_bytes ? launch->shared_bytes : 1);
    unsigned b[3];
    int rc = 0;

    run.launch = launch;
    run.fibers = calloc(launch->block, sizeof *run.fibers);
    run.stacks = malloc((size_t)launch->block * STACK_BYTES);
    run.exchange = calloc((launch->block + 31) / 32, 32 * 64);
    if (!shared || !run.fibers || !run.stacks || !run.exchange || launch->block > THREADS_MAX)
        rc = -1;
    for (b[2] = 0; !rc && b[2] < launch->grid[2]; b[2]++)
        for (b[1] = 0; !rc && b[1] < launch->grid[1]; b[1]++)
            for (b[0] = 0; !rc && b[0] < launch->grid[0]; b[0]++)
                rc = run_block(b, shared);
    free(run.exchange);
    free(run.stacks);
    free(run.fibers);
    free(shared);
    return rc;
}
