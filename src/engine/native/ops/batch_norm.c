/* Batch norm (+ ReLU): y = (x - mean) / sqrt(var + eps) * weight + bias, as scale * x + shift.
 *
 * Where all readers take views, y is never stored: they apply scale, shift and ReLU as they read x. The batch's
 * moments come in pieces from x's producer and are merged in order (Chan et al. 1979), in double. */
#include <math.h>

#include "engine/native/isa/norm.h"
#include "engine/native/isa/rows.h"
#include "engine/native/memory.h"
#include "engine/native/run.h"
#include "engine/native/values.h"
#include "net/ops.h"

enum { ROWS = 256 }; /* a piece of work, and of the moments if computed here */

/* This stage's persistent arrays, each [channels], followed by the backward sums of each image, [2][channels].
 * */
enum { MEAN, MEAN_G, SLOPE, ARRAYS };

enum { WEIGHT, BIAS, RUNNING_MEAN, RUNNING_VAR, BATCHES }; /* its tensors */

/* True if x's producer computes x's moments. */
static bool producer_leaves_moments(const struct rt_native *plan, const struct rt_stage *stage)
{
    for (int s = 0; s < stage->index; s++)
        if (plan->stages[s].out == stage->in[0])
            return plan->stages[s].kernel->leaves_moments;
    return false;
}

static int batch_norm_plan(struct rt_native *plan, struct rt_stage *stage, struct rt_error *err)
{
    const int input = stage->in[0];
    struct rt_value *x = &plan->values[input];
    const int out = rt_native_cover_relu(plan, stage);

    if (plan->base.options.training && x->moments == RT_NONE)
        rt_native_offer_moments(plan, input, ROWS); /* not computed by the producer: done in forward */
    stage->persistent = rt_native_persist(
        plan, (size_t)((ARRAYS + (plan->base.options.training ? 2 * plan->base.options.batch_max : 0)) *
                       x->channels));
    for (int i = 0; i < BATCHES; i++)
        rt_native_slot(plan, stage, stage->node->tensors[i], (size_t)x->channels);
    rt_native_slot(plan, stage, stage->node->tensors[BATCHES], 0);
    rt_native_touch_forward(plan, stage, x->data);
    rt_native_touch_backward(plan, stage, x->data);
    rt_native_touch_backward(plan, stage, x->grad);
    if (rt_native_can_be_view(plan, out, input)) {
        RT_TRY(rt_native_view_of(plan, stage, out, true, err));
        plan->values[out].relu = stage->relu;
        if (producer_leaves_moments(plan, stage))
            stage->sharing = RT_FOLLOWS;
        return RT_OK;
    }
    RT_TRY(rt_native_output(plan, stage, out, err));
    stage->own_view = rt_native_persist(plan, (size_t)(2 * x->channels));
    return RT_OK;
}

/* Where this stage keeps scale and shift. */
static struct rt_view own_view(const struct rt_native *plan, const struct rt_stage *stage)
{
    const struct rt_value *y = &plan->values[stage->out];
    const long at = stage->own_view == RT_NONE ? y->scale : stage->own_view;

    return (struct rt_view){
        .scale = plan->persistent + at,
        .shift = stage->own_view == RT_NONE ? plan->persistent + y->shift : plan->persistent + at + y->channels,
        .relu = stage->relu,
    };
}

/* The whole batch's mean and sum of squared deviations of one channel, from the pieces. */
static void merge_moments(const struct rt_native *plan, const struct rt_value *x, long channel, double *mean,
                          double *m2)
{
    const float *pieces = plan->persistent + x->moments + channel;
    const long rows = rt_native_rows(plan, x), stride = 2 * x->channels;
    double total = 0;

    for (long begin = 0, i = 0; begin < rows; begin += x->moment_rows, i++)
        total += (double)pieces[i * stride] *
                 (double)(rows - begin < x->moment_rows ? rows - begin : x->moment_rows);
    *mean = total / (double)rows;
    *m2 = 0;
    for (long begin = 0, i = 0; begin < rows; begin += x->moment_rows, i++) {
        const double apart = (double)pieces[i * stride] - *mean;

        *m2 += (double)pieces[i * stride + x->channels] +
               apart * apart * (double)(rows - begin < x->moment_rows ? rows - begin : x->moment_rows);
    }
}

static void normalise_channel(struct rt_native *plan, const struct rt_stage *stage, long c)
{
    const struct rt_value *x = &plan->values[stage->in[0]];
    const struct rt_view view = own_view(plan, stage);
    const int *tensors = stage->node->tensors;
    const double rows = (double)rt_native_rows(plan, x);
    const float keep = 1.0f - stage->node->attributes.momentum;
    float *running_mean = &rt_native_parameter(plan, tensors[RUNNING_MEAN])[c];
    float *running_var = &rt_native_parameter(plan, tensors[RUNNING_VAR])[c];
    double mean = (double)*running_mean, var = (double)*running_var, scale;

    if (plan->training) {
        merge_moments(plan, x, c, &mean, &var);
        *running_mean = keep * *running_mean + stage->node->attributes.momentum * (float)mean;
        *running_var =
            keep * *running_var + stage->node->attributes.momentum * (float)(var / (rows > 1 ? rows - 1 : 1));
        var /= rows;
    }
    scale =
        (double)rt_native_parameter(plan, tensors[WEIGHT])[c] / sqrt(var + (double)stage->node->attributes.eps);
    plan->persistent[stage->persistent + MEAN * x->channels + c] = (float)mean;
    ((float *)(uintptr_t)view.scale)[c] = (float)scale;
    ((float *)(uintptr_t)view.shift)[c] =
        (float)((double)rt_native_parameter(plan, tensors[BIAS])[c] - mean * scale);
    /* 1 / (var + eps), for backward */
    plan->persistent[stage->persistent + SLOPE * x->channels + c] =
        (float)(1.0 / (var + (double)stage->node->attributes.eps));
}

static void forward_begin(struct rt_native *plan, struct rt_stage *stage, int member)
{
    const struct rt_value *x = &plan->values[stage->in[0]];
    struct rt_team *team = plan->host.team;
    const struct rt_slice channels = rt_team_slice(team, member, x->shape.channels, 1);

    if (plan->training && !producer_leaves_moments(plan, stage)) {
        const struct rt_slice rows = rt_team_slice(team, member, rt_native_rows(plan, x), x->moment_rows);

        for (long r = rows.begin; r < rows.end; r += x->moment_rows)
            rt_native_leave_moments(plan, x, r, rows.end - r < x->moment_rows ? rows.end - r : x->moment_rows);
        rt_team_barrier(team);
    }
    if (member == 0 && plan->training)
        plan->batches[stage->node->tensors[BATCHES]]++;
    for (long c = channels.begin; c < channels.end; c++)
        normalise_channel(plan, stage, c);
}

static void forward_images(struct rt_native *plan, struct rt_stage *stage, int member, long begin, long end)
{
    const struct rt_value *x = &plan->values[stage->in[0]], *y = &plan->values[stage->out];
    const long area = (long)x->shape.height * x->shape.width;

    (void)member;
    if (stage->own_view != RT_NONE)
        plan->isa->rows->copy(rt_native_data(plan, x) + begin * area * x->ld, x->ld, own_view(plan, stage),
                              rt_native_data(plan, y) + begin * area * y->ld, y->ld, (end - begin) * area,
                              x->channels, false);
}

/* Where an image's sums over its pixels are: of the gradient, and of the gradient times x - mean. */
static float *sums_of(const struct rt_native *plan, const struct rt_stage *stage, long image)
{
    return plan->persistent + stage->persistent + (ARRAYS + 2 * image) * plan->values[stage->in[0]].channels;
}

static void batch_norm_gradient_ready(struct rt_native *plan, struct rt_stage *stage, long begin, long end)
{
    const struct rt_value *x = &plan->values[stage->in[0]], *y = &plan->values[stage->out];
    const long area = (long)x->shape.height * x->shape.width;

    for (long i = begin; i < end; i++)
        plan->isa->norm->sums(rt_native_data(plan, x) + i * area * x->ld, x->ld,
                              rt_native_grad(plan, y) + i * area * y->grad_ld, y->grad_ld, area, x->channels,
                              own_view(plan, stage), plan->persistent + stage->persistent + MEAN * x->channels,
                              sums_of(plan, stage, i), sums_of(plan, stage, i) + x->channels);
}

/* Adds up one channel's sums: the gradients of bias and weight, and what backward subtracts. */
static void sum_channel(const struct rt_native *plan, const struct rt_stage *stage, long c, float *d_weight,
                        float *d_bias)
{
    const struct rt_value *x = &plan->values[stage->in[0]];
    const double rows = (double)rt_native_rows(plan, x);
    float *arrays = plan->persistent + stage->persistent;
    const double inverse_var = (double)arrays[SLOPE * x->channels + c];
    double g = 0, gx = 0;

    /* padding channels stay zero, so that a batch with NaN leaves none in them */
    for (long i = 0; i < plan->count && c < x->shape.channels; i++) {
        g += (double)sums_of(plan, stage, i)[c];
        gx += (double)sums_of(plan, stage, i)[x->channels + c];
    }
    *d_bias = (float)g;
    *d_weight = (float)(gx * sqrt(inverse_var));
    arrays[MEAN_G * x->channels + c] = (float)(g / rows);
    arrays[SLOPE * x->channels + c] = (float)(gx * inverse_var / rows);
}

static void apply_channel_gradients(struct rt_native *plan, const struct rt_stage *stage, int member)
{
    const struct rt_value *x = &plan->values[stage->in[0]];
    const struct rt_slice part = rt_team_slice(plan->host.team, member, x->channels, RT_PANEL_CHANNELS);

    for (long c = part.begin; c < part.end; c += RT_PANEL_CHANNELS) {
        float d_weight[RT_PANEL_CHANNELS], d_bias[RT_PANEL_CHANNELS];

        for (long i = 0; i < RT_PANEL_CHANNELS; i++)
            sum_channel(plan, stage, c + i, &d_weight[i], &d_bias[i]);
        if (!stage->node->attributes.unscaled)
            rt_native_apply_gradient(plan, stage->node->tensors[WEIGHT], (size_t)c, d_weight, RT_PANEL_CHANNELS,
                                     1, 0);
        rt_native_apply_gradient(plan, stage->node->tensors[BIAS], (size_t)c, d_bias, RT_PANEL_CHANNELS, 1, 0);
    }
}

static void backward_begin(struct rt_native *plan, struct rt_stage *stage, int member)
{
    const struct rt_slice images = rt_native_images(plan, member);

    if (!stage->announced) {
        batch_norm_gradient_ready(plan, stage, images.begin, images.end);
        rt_team_barrier(plan->host.team);
    }
    apply_channel_gradients(plan, stage, member);
}

static void backward_images(struct rt_native *plan, struct rt_stage *stage, int member, long begin, long end)
{
    const struct rt_value *x = &plan->values[stage->in[0]], *y = &plan->values[stage->out];
    const long channels = x->channels, area = (long)x->shape.height * x->shape.width;
    const float *arrays = plan->persistent + stage->persistent;

    (void)member;
    if (stage->wants[0])
        plan->isa->norm->backward(rt_native_data(plan, x) + begin * area * x->ld, x->ld,
                                  rt_native_grad(plan, y) + begin * area * y->grad_ld, y->grad_ld,
                                  rt_native_grad(plan, x) + begin * area * x->grad_ld, x->grad_ld,
                                  (end - begin) * area, channels, own_view(plan, stage),
                                  &(struct rt_norm_terms){arrays + MEAN * channels, arrays + MEAN_G * channels,
                                                          arrays + SLOPE * channels},
                                  stage->accumulate[0]);
}

const struct rt_native_kernel rt_native_batch_norm = {.op = &rt_op_batch_norm,
                                                      .plan = batch_norm_plan,
                                                      .forward = {forward_begin, forward_images, NULL},
                                                      .backward = {backward_begin, backward_images, NULL},
                                                      .gradient_ready = batch_norm_gradient_ready,
                                                      .takes_moments = true};
