/* Softmax cross-entropy of a batch's logits; in training also their gradient, (softmax - one-hot) / n. */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "engine/native/memory.h"
#include "engine/native/run.h"
#include "net/ops.h"

static int loss_plan(struct rt_native *plan, struct rt_stage *stage, struct rt_error *err)
{
    const struct rt_value *logits = &plan->values[stage->in[0]];

    (void)err;
    plan->values[stage->node->id] = *logits; /* no node reads the loss: it goes to the metrics */
    rt_native_touch_forward(plan, stage, logits->data);
    rt_native_touch_forward(plan, stage, logits->grad);
    rt_native_touch_backward(plan, stage, logits->grad);
    return RT_OK;
}

/* Turns one row of logits into probabilities in `p`; returns its cross-entropy. The sum runs in double. */
static double softmax_row(const float *logits, int classes, int label, float *p)
{
    float largest = logits[0];
    double sum = 0;

    for (int j = 1; j < classes; j++)
        if (logits[j] > largest)
            largest = logits[j];
    for (int j = 0; j < classes; j++) {
        p[j] = expf(logits[j] - largest);
        sum += (double)p[j];
    }
    for (int j = 0; j < classes; j++)
        p[j] = (float)((double)p[j] / sum);
    /* cppcheck-suppress invalidFunctionArg; there are classes, so the sum is at least exp(0) */
    return log(sum) - (double)(logits[label] - largest);
}

/* The class of the largest logit, the first of equals; -1: all are NaN. */
static int largest_of(const float *logits, int classes)
{
    int best = -1;

    for (int j = 0; j < classes; j++)
        if (!isnan(logits[j]) && (best < 0 || logits[j] > logits[best]))
            best = j;
    return best;
}

/* The label's logit minus the largest of the others that is a number. */
static float margin_of(const float *logits, int classes, int label)
{
    float other = -INFINITY;

    for (int j = 0; j < classes; j++)
        if (j != label && logits[j] > other)
            other = logits[j];
    return logits[label] - other;
}

/* By one member: the sums run in the order of the images. */
static void loss_forward(struct rt_native *plan, struct rt_stage *stage, int member)
{
    enum { CLASSES_MAX = 4096 };
    const struct rt_value *logits = &plan->values[stage->in[0]];
    const struct rt_host_batch *batch = plan->batch;
    const int classes = logits->shape.channels;
    float p[CLASSES_MAX];

    for (int i = 0; member == 0 && i < plan->count; i++) {
        const float *row = rt_native_data(plan, logits) + i * logits->ld;
        const int label = batch->labels[i], predicted = largest_of(row, classes);

        assert(label < classes);
        batch->losses[i] = softmax_row(row, classes, label, p);
        batch->right[i] = predicted == label;
        if (batch->outcomes)
            batch->outcomes[i] = (struct rt_image_outcome){
                .loss = (float)batch->losses[i],
                .probability = p[label],
                .margin = margin_of(row, classes, label),
                .predicted = (uint8_t)(predicted < 0 ? 0 : predicted),
                .right = predicted == label,
            };
        if (!plan->training)
            continue;
        p[label] -= 1.0f;
        memset(rt_native_grad(plan, logits) + i * logits->grad_ld, 0, (size_t)logits->channels * sizeof(float));
        for (int j = 0; j < classes; j++)
            rt_native_grad(plan, logits)[i * logits->grad_ld + j] = p[j] / (float)plan->count;
    }
}

const struct rt_native_kernel rt_native_softmax_cross_entropy = {
    .op = &rt_op_softmax_cross_entropy, .plan = loss_plan, .forward = {.begin = loss_forward}};
