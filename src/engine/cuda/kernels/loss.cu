/* Softmax cross-entropy of logits x[n][X_LD] and labels t[n], the gradient of the batch's mean by the logits,
 * and the batch's record. -D CLASSES, X_LD, DX_LD, THREADS.
 *
 *   loss = log(sum_j exp(x[j] - m)) + m - x[t], m the largest; dx[j] = (exp(x[j] - m) / sum - [j = t]) / count
 *
 * Computed in double; losses are rounded to float per image, then summed in double in batch order. */
#include "element.h"
#include "pass.h"

enum { IMAGES = 1024 }; /* losses buffered before they are summed */

/* Sum over a warp's lanes, in all of them. */
RT_DEVICE double warp_sum(double value)
{
    for (int bits = 16; bits > 0; bits /= 2)
        value += __shfl_xor_sync(0xffffffffu, value, bits);
    return value;
}

struct best {
    float value;
    int index; /* -1: all are NaN */
};

/* The largest logit of an image, except class `but`: the first of equals; never a NaN. */
RT_DEVICE struct best largest_logit(const rt_element *x, int but, int lane)
{
    struct best best = {0, -1};

    for (int j = lane; j < CLASSES; j += 32)
        if (j != but && rt_value(x[j]) == rt_value(x[j]) && (best.index < 0 || rt_value(x[j]) > best.value)) {
            best.value = rt_value(x[j]);
            best.index = j;
        }
    for (int bits = 16; bits > 0; bits /= 2) {
        const float value = __shfl_xor_sync(0xffffffffu, best.value, bits);
        const int index = __shfl_xor_sync(0xffffffffu, best.index, bits);

        if (index >= 0 &&
            (best.index < 0 || value > best.value || (value == best.value && index < best.index))) {
            best.value = value;
            best.index = index;
        }
    }
    return best;
}

/* One image per warp: its loss, the sum of exp(x[j] - m), and the logits' gradient unless dx is null. */
RT_DEVICE float image_loss(const rt_element *x, int label, double largest, float share, double *sum_out,
                           rt_element *dx, int lane)
{
    double sum = 0;

    for (int j = lane; j < CLASSES; j += 32)
        sum += exp((double)rt_value(x[j]) - largest);
    sum = warp_sum(sum);
    *sum_out = sum;
    if (dx) {
        const double inverse = 1 / sum;

        for (int j = lane; j < CLASSES; j += 32)
            dx[j] = rt_element_of((float)((double)share * (exp((double)rt_value(x[j]) - largest) * inverse -
                                                           (j == label ? 1 : 0))));
    }
    return (float)(log(sum) + largest - (double)rt_value(x[label]));
}

/* Grid of one block. Writes the batch's record and advances pass->next. */
RT_KERNEL(THREADS, 1)
loss(struct rt_cuda_pass *pass, const rt_element *__restrict__ x, const rt_u8 *__restrict__ labels,
     rt_element *dx)
{
    RT_SHARED float losses[IMAGES];
    RT_SHARED rt_u32 correct;
    const int count = pass->count, lane = threadIdx.x & 31;
    const float share = __fdiv_rn(1.0f, (float)count);
    struct rt_cuda_outcome *const outcomes =
        pass->outcomes ? (struct rt_cuda_outcome *)pass->outcomes + (rt_u64)pass->batch * pass->batch_size : 0;
    double total = 0;

    if (threadIdx.x == 0)
        correct = 0;
    __syncthreads();
    for (int first = 0; first < count; first += IMAGES) {
        const int end = RT_MIN(first + IMAGES, count);

        for (int n = first + (int)threadIdx.x / 32; n < end; n += THREADS / 32) {
            const rt_element *const logits = x + (rt_u64)n * X_LD;
            const struct best best = largest_logit(logits, -1, lane);
            const int label = labels[n];
            const double about = (double)(best.index < 0 ? rt_value(logits[0]) : best.value);
            const struct best other = outcomes ? largest_logit(logits, label, lane) : best;
            double sum;
            const float result =
                image_loss(logits, label, about, share, &sum, dx ? dx + (rt_u64)n * DX_LD : 0, lane);

            if (lane == 0) {
                losses[n - first] = result;
                if (outcomes) {
                    struct rt_cuda_outcome *const to = outcomes + n;

                    to->loss = result;
                    to->probability = (float)(exp((double)rt_value(logits[label]) - about) / sum);
                    to->margin =
                        rt_value(logits[label]) - (other.index < 0 ? -__fdiv_rn(1.0f, 0.0f) : other.value);
                    to->predicted = (rt_u8)RT_MAX(best.index, 0);
                    to->right = best.index == label;
                }
                if (best.index == label)
                    atomicAdd(&correct, 1);
            }
        }
        __syncthreads();
        if (threadIdx.x == 0)
            for (int n = 0; n < end - first; n++)
                total += (double)losses[n];
        __syncthreads();
    }
    if (threadIdx.x == 0) {
        struct rt_cuda_record *const record = (struct rt_cuda_record *)pass->records + pass->batch;

        record->loss_sum = total;
        record->correct = (int)correct;
        record->count = count;
        pass->next = pass->batch + 1;
    }
}
