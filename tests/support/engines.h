/* For tests of engines: a plan of any precision, fed and read in double. */
#ifndef RT_TESTS_ENGINES_H
#define RT_TESTS_ENGINES_H

#include "engine/engine.h"
#include "support/plans.h"

enum { GUARD = 64 }; /* reals before and behind each buffer, which no engine may touch */

/* An engine's buffer of `count` reals between guards. */
struct rt_test_buffer {
    size_t real_size, count;
    unsigned char *block;
    void *values; /* [count] reals */
};

/* Filled with NaN. Fails the test when memory is short. */
struct rt_test_buffer rt_test_buffer(const struct rt_engine *engine, size_t count);
void rt_test_buffer_set(struct rt_test_buffer *buffer, const double *values);
void rt_test_buffer_get(const struct rt_test_buffer *buffer, double *values);
bool rt_test_buffer_intact(const struct rt_test_buffer *buffer); /* the guards are */
void rt_test_buffer_free(struct rt_test_buffer *buffer);

/* One tensor's state as doubles (RT_TENSOR_BATCHES too). Fails the test if the export leaves its bounds. */
void rt_test_export(struct rt_plan *plan, enum rt_state state, int tensor, double *values);
void rt_test_import(struct rt_plan *plan, enum rt_state state, int tensor, const double *values);

/* Rounds to what plans of rt_test_precision() hold: to bfloat16 in bf16, else not at all. */
void rt_test_round(double *values, size_t count);

/* What network.h's language and parity.py agree on: weights in +-1/sqrt(fan_in), scales and running variances
 * about 1, the rest in [-1, 1), batches 0; exact in float, and rounded by rt_test_round. */
void rt_test_randomize(struct rt_plan *plan);

/* rt_plan_probe in double. y [count, output], dy and dx may be null; fails the test if y or dx is overrun. */
void rt_test_probe(struct rt_plan *plan, const double *x, int count, double *y, const double *dy, double *dx);

#endif
