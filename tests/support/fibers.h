/* Runs a kernel's host build (src/engine/cuda/kernels/host.h): blocks one by one, a block's threads as fibers
 * of the calling thread, which change at barriers and warp operations. */
#ifndef RT_TESTS_FIBERS_H
#define RT_TESTS_FIBERS_H

#include <stddef.h>

struct rt_host_thread;

struct fibers_launch {
    void (*set)(struct rt_host_thread *); /* rt_host_set of the kernel's translation unit */
    void (*kernel)(void *arguments);      /* calls the kernel once, as one thread */
    void *arguments;
    unsigned grid[3], block;
    size_t shared_bytes; /* given as malloc gives them, filled with NaN before each block */
};

/* 0, or -1 where some threads of a block waited at a barrier that others never reached. */
int fibers_run(const struct fibers_launch *launch);

#endif
