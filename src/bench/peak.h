/* How fast the machine multiplies and adds: the peak that kernels are measured by, and, in probes of about a
 * millisecond before and after a measurement, whether anyone else was at work meanwhile. */
#ifndef RT_BENCH_PEAK_H
#define RT_BENCH_PEAK_H

#include "base/error.h"
#include "base/thread.h"

struct rt_isa;

struct rt_peak {
    const struct rt_isa *kernels; /* as the native engine chooses it */
    struct rt_team *team;
    long rounds;       /* of a probe */
    double best_flops; /* operations a second of all threads together: the best probe so far */
};

/* Finds how long a probe must be and measures for about a tenth of a second. RT_ECONFIG when RETHINK_ISA names
 * what cannot run. `team` must outlive it. */
int rt_peak_start(struct rt_peak *peak, struct rt_team *team, struct rt_error *err);

/* One probe: operations a second of all threads together; peak->best_flops follows. */
double rt_peak_probe(struct rt_peak *peak);

/* Seconds for a word to go from the first thread's core to the second's and back, the mean of 500 times; 0
 * where there is one thread. Cores that share a cache take under a tenth of a microsecond, others several times
 * as long, and so does what one thread reads that the other wrote. A hypervisor may move virtual ones apart. */
double rt_peak_round_trip_s(const struct rt_peak *peak);

/* The instruction set that probes use: "avx2". */
const char *rt_peak_target(const struct rt_peak *peak);

#endif
