#include "support/engines.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/half.h"
#include "base/memory.h"
#include "support/network.h"

enum { FENCE = 0xa5 };

struct rt_test_buffer rt_test_buffer(const struct rt_engine *engine, size_t count)
{
    struct rt_test_buffer buffer = {.real_size = engine->real_size, .count = count};
    const size_t bytes = (count + 2 * GUARD) * buffer.real_size;

    assert_int_equal(rt_alloc(&buffer.block, bytes, 1, "a test's buffer", NULL), RT_OK);
    memset(buffer.block, FENCE, bytes);
    buffer.values = buffer.block + GUARD * buffer.real_size;
    memset(buffer.values, 0xff, count * buffer.real_size); /* a NaN in float and double */
    return buffer;
}

void rt_test_buffer_set(struct rt_test_buffer *buffer, const double *values)
{
    for (size_t i = 0; i < buffer->count; i++)
        if (buffer->real_size == sizeof(float))
            ((float *)buffer->values)[i] = (float)values[i];
        else
            ((double *)buffer->values)[i] = values[i];
}

void rt_test_buffer_get(const struct rt_test_buffer *buffer, double *values)
{
    for (size_t i = 0; i < buffer->count; i++)
        values[i] = buffer->real_size == sizeof(float) ? (double)((float *)buffer->values)[i]
                                                       : ((double *)buffer->values)[i];
}

bool rt_test_buffer_intact(const struct rt_test_buffer *buffer)
{
    const size_t guard = GUARD * buffer->real_size;
    const unsigned char *behind = buffer->block + guard + buffer->count * buffer->real_size;

    for (size_t i = 0; i < guard; i++)
        if (buffer->block[i] != FENCE || behind[i] != FENCE)
            return false;
    return true;
}

void rt_test_buffer_free(struct rt_test_buffer *buffer)
{
    rt_free(&buffer->block);
}

void rt_test_export(struct rt_plan *plan, enum rt_state state, int tensor, double *values)
{
    const struct rt_tensor *t = &plan->graph->tensors[tensor];
    struct rt_test_buffer buffer;
    int64_t batches;

    if (t->role == RT_TENSOR_BATCHES) {
        assert_int_equal(rt_plan_read(plan, state, tensor, &batches, NULL), RT_OK);
        *values = (double)batches;
        return;
    }
    buffer = rt_test_buffer(plan->device->engine, t->count);
    assert_int_equal(rt_plan_read(plan, state, tensor, buffer.values, NULL), RT_OK);
    rt_test_buffer_get(&buffer, values);
    assert_true(rt_test_buffer_intact(&buffer));
    rt_test_buffer_free(&buffer);
}

void rt_test_import(struct rt_plan *plan, enum rt_state state, int tensor, const double *values)
{
    const struct rt_tensor *t = &plan->graph->tensors[tensor];
    const int64_t batches = (int64_t)*values;
    struct rt_test_buffer buffer;

    if (t->role == RT_TENSOR_BATCHES) {
        assert_int_equal(rt_plan_write(plan, state, tensor, &batches, NULL), RT_OK);
        return;
    }
    buffer = rt_test_buffer(plan->device->engine, t->count);
    rt_test_buffer_set(&buffer, values);
    assert_int_equal(rt_plan_write(plan, state, tensor, buffer.values, NULL), RT_OK);
    rt_test_buffer_free(&buffer);
}

void rt_test_round(double *values, size_t count)
{
    for (size_t i = 0; i < count && rt_test_precision() == RT_PRECISION_BF16; i++)
        values[i] = (double)rt_bfloat_to_float(rt_bfloat_from_float((float)values[i]));
}

void rt_test_randomize(struct rt_plan *plan)
{
    for (int i = 0; i < plan->graph->tensor_count; i++) {
        const struct rt_tensor *t = &plan->graph->tensors[i];
        double *values, zero = 0;

        if (t->role == RT_TENSOR_BATCHES) {
            rt_test_import(plan, RT_STATE_TENSOR, i, &zero);
            continue;
        }
        assert_int_equal(rt_alloc(&values, t->count, sizeof *values, "a test's tensor", NULL), RT_OK);
        rt_test_fill(1000 + (uint32_t)i, values, t->count);
        for (size_t j = 0; j < t->count; j++) {
            if (t->role == RT_TENSOR_WEIGHT)
                values[j] /= sqrt((double)t->fan_in);
            else if (t->role == RT_TENSOR_SCALE || t->role == RT_TENSOR_UNIT_SCALE ||
                     t->role == RT_TENSOR_RUNNING_VAR)
                values[j] = 1 + values[j] / 2;
            values[j] = (double)(float)values[j];
        }
        rt_test_round(values, t->count);
        rt_test_import(plan, RT_STATE_TENSOR, i, values);
        rt_free(&values);
    }
}

void rt_test_probe(struct rt_plan *plan, const double *x, int count, double *y, const double *dy, double *dx)
{
    const struct rt_graph *graph = plan->graph;
    const size_t in = (size_t)count * rt_shape_count(graph->nodes[0].shape);
    const size_t out = (size_t)count * rt_shape_count(graph->nodes[graph->node_count - 1].shape);
    struct rt_test_buffer bx = rt_test_buffer(plan->device->engine, in),
                          by = rt_test_buffer(plan->device->engine, out);
    struct rt_test_buffer bdy = rt_test_buffer(plan->device->engine, out),
                          bdx = rt_test_buffer(plan->device->engine, in);

    rt_test_buffer_set(&bx, x);
    if (dy)
        rt_test_buffer_set(&bdy, dy);
    assert_int_equal(
        rt_plan_probe(plan, bx.values, count, by.values, dy ? bdy.values : NULL, dx ? bdx.values : NULL, NULL),
        RT_OK);
    rt_test_buffer_get(&by, y);
    if (dx)
        rt_test_buffer_get(&bdx, dx);
    assert_true(rt_test_buffer_intact(&bx) && rt_test_buffer_intact(&by));
    assert_true(rt_test_buffer_intact(&bdy) && rt_test_buffer_intact(&bdx));
    rt_test_buffer_free(&bx);
    rt_test_buffer_free(&by);
    rt_test_buffer_free(&bdy);
    rt_test_buffer_free(&bdx);
}
