/* What is measured of a case, each time in a fork of its own: steps, an epoch, threads, side by side, the
 * start. */
#ifndef RT_BENCH_MEASURE_H
#define RT_BENCH_MEASURE_H

#include "bench/bench.h"

enum { RT_BENCH_CORES_MAX = 256 };

/* X(measurement, its word in --measure, what --help says) */
#define RT_BENCH_MEASUREMENTS(X)                                                                               \
    X(steps, "steps", "training steps")                                                                        \
    X(epoch, "epoch", "what an epoch adds to its steps")                                                       \
    X(threads, "threads", "steps on one thread and on all")                                                    \
    X(side_by_side, "side-by-side", "steps on one thread, alone and on every core at once")                    \
    X(start, "start", "reading and corrupting the data")

enum rt_bench_measurement {
#define RT_BENCH_ENUM(name, word, help) RT_BENCH_##name,
    RT_BENCH_MEASUREMENTS(RT_BENCH_ENUM)
#undef RT_BENCH_ENUM
        RT_BENCH_MEASUREMENT_COUNT
};

/* A model (or, for the start, a corruption). Results are null where not measured. */
struct rt_bench_case {
    char name[RT_TEXT_MAX];
    struct rt_experiment experiment;
    struct rt_bench_result *result[RT_BENCH_MEASUREMENT_COUNT];
    struct rt_bench_result *alone; /* on one thread, for `threads` and `side_by_side` */
};

struct rt_bench_report {
    const char *label;         /* the user's own word for the history, or null */
    const char *data, *engine; /* of all measurements, as struct rt_bench_options */
    double seconds;            /* for each measurement */
    bool wanted[RT_BENCH_MEASUREMENT_COUNT];
    int cores, threads, batch_size;
    char cpu[RT_TEXT_MAX], os[RT_TEXT_MAX], target[64];
    double peak_flops;           /* the best probe; 0: none */
    struct rt_ceilings ceilings; /* of a device that is not the cores; 0: none */
    int count;
    struct rt_bench_case *cases;
};

/* Measures what is wanted of one of the report's cases; target and peak follow. Errors: as in bench/bench.h,
 * and RT_EIO when a fork failed. */
int rt_bench_measure(struct rt_bench_report *report, struct rt_bench_case *one, struct rt_error *err);

#endif
