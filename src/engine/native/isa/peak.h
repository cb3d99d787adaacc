/* What the processor can do at most. */
#ifndef RT_ENGINE_NATIVE_ISA_PEAK_H
#define RT_ENGINE_NATIVE_ISA_PEAK_H

struct rt_peak_kernels {
    /* Multiplies and adds on registers for `rounds` rounds and returns how many operations that was
     * (bench/peak.h). *seed is 0, unknown to the compiler, and stays 0. */
    double (*multiply_add)(long rounds, volatile float *seed);
};

#endif
