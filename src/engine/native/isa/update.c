/* The optimiser's loops: SGD with momentum, and the ordered sum of partial gradients. */
#include "engine/native/isa/functions.h"

RT_INLINE rt_vec sum_of_parts(const float *from, int parts, long part_stride)
{
    rt_vec sum = rt_load(from);

    for (int i = 1; i < parts; i++)
        sum += rt_load(from + i * part_stride);
    return sum;
}

void RT_ISA_NAME(update)(float *w, float *v, const float *g, long count, int parts, long part_stride,
                         float rate, float momentum, float decay)
{
    for (long i = 0; i < count; i += RT_LANES) {
        const rt_vec weight = rt_load(w + i);
        const rt_vec gradient = sum_of_parts(g + i, parts, part_stride) + decay * weight;
        const rt_vec velocity = momentum * rt_load(v + i) + gradient;

        rt_store(v + i, velocity);
        rt_store(w + i, weight - rate * velocity);
    }
}

void RT_ISA_NAME(sum_parts)(float *to, const float *from, long count, int parts, long part_stride)
{
    for (long i = 0; i < count; i += RT_LANES)
        rt_store(to + i, sum_of_parts(from + i, parts, part_stride));
}
