/* The peak: as many multiply-adds as the processor can do, on registers alone. */
#include "engine/native/isa/peak.h"
#include "engine/native/isa/tables.h"

/* Chains that do not wait for each other: more than latency (4 or 5 cycles) times units (2), in the registers
 * that two factors leave. Each converges to 1, so no denormal slows it down. */
enum { CHAINS = RT_REGISTERS == 32 ? 24 : 12 };

static double multiply_add(long rounds, volatile float *seed)
{
    const rt_vec factor = rt_splat(0.875f + *seed), term = rt_splat(0.125f + *seed);

    rt_vec chain[CHAINS], sum = rt_splat(0);

#pragma GCC unroll 24
    for (int k = 0; k < CHAINS; k++)
        chain[k] = rt_splat((float)k);
    for (long i = 0; i < rounds; i++) {
#pragma GCC unroll 24
        for (int k = 0; k < CHAINS; k++)
            chain[k] = chain[k] * factor + term;
    }
#pragma GCC unroll 24
    for (int k = 0; k < CHAINS; k++)
        sum += chain[k];
    *seed = 0 * sum[0];
    return 2.0 * CHAINS * RT_LANES * (double)rounds;
}

const struct rt_peak_kernels RT_ISA_NAME(peak_kernels) = {
    .multiply_add = multiply_add,
};
