/* Inside bench/: repetitions between probes, until the time is up. */
#ifndef RT_BENCH_CLOCK_H
#define RT_BENCH_CLOCK_H

#include "bench/bench.h"
#include "bench/peak.h"

struct rt_bench_clock {
    const struct rt_device *device;
    bool probes_peak;
    struct rt_peak peak;
    double deadline_s, limit_s; /* by the wall clock; the latter where few were clean until the former */
    double probe;               /* the last one: before the next repetition */
    double began_s, waited_s;   /* when this repetition began */
    int count;
    double values[RT_BENCH_REPETITIONS_MAX];
    double probes[RT_BENCH_REPETITIONS_MAX]; /* the slower one of the two around each; -1 where others had our
                                                cores */
    double round_trips_s[RT_BENCH_REPETITIONS_MAX]; /* behind each */
};

/* *clock is allocated; rt_free it. Probes run on the device's cores; on another kind of device there are none,
 * and a repetition is clean where nobody else had our core. A null device: on `team`. Both must outlive the
 * clock. */
int rt_bench_clock_start(struct rt_bench_clock **clock, const struct rt_device *device, struct rt_team *team,
                         const struct rt_bench_options *options, struct rt_error *err);

/* Whether there is time for one more, or need of it. */
bool rt_bench_clock_goes_on(const struct rt_bench_clock *clock);

/* Right before a repetition. */
void rt_bench_clock_begin(struct rt_bench_clock *clock);

/* Right behind it: notes the value that it has given; true if it is clean by what is known so far. */
bool rt_bench_clock_note(struct rt_bench_clock *clock, double value);

/* Sorts the clean from the disturbed, into result->times, ->best_flops and ->round_trip_s. */
void rt_bench_clock_read(const struct rt_bench_clock *clock, struct rt_bench_result *result);

#endif
