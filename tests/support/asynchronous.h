/* A test engine that works like a GPU's: each plan has a thread of its own and a queue, `advance` only
 * enqueues, results come later and so do errors. The numbers are the native engine's. It watches that its
 * caller keeps the contract. */
#ifndef RT_TESTS_ASYNCHRONOUS_H
#define RT_TESTS_ASYNCHRONOUS_H

#include <stdatomic.h>

#include "engine/engine.h"

extern const struct rt_engine rt_engine_asynchronous;

/* What the next plans do; set before they are made. Batches are counted over a training plan's life, from 0. */
struct rt_asynchronous_control {
    int stride;
    long fail_at;               /* the training batch at which the device breaks; -1: none */
    long fail_read, fail_write; /* the number of the call, from 0, that finds it broken; -1: none */
    long stop_at;               /* *stop is raised when this batch is collected; -1: none */
    atomic_int *stop;
    int pause_us; /* between two batches */
    /* found */
    atomic_long trained; /* training batches done */
    atomic_int most;     /* that were in flight at once */
    atomic_int late;     /* batches advanced after *stop was raised */
    atomic_int broken;   /* times that the contract was broken */
};
extern struct rt_asynchronous_control rt_asynchronous;

void rt_asynchronous_reset(int stride); /* nothing fails or stops; what was found is forgotten */

#endif
