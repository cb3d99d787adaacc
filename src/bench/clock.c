#include "bench/clock.h"

#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "engine/host/host.h"

enum { AT_LEAST = 3, FEW = 5 };

int rt_bench_clock_start(struct rt_bench_clock **out, const struct rt_device *device, struct rt_team *team,
                         const struct rt_bench_options *options, struct rt_error *err)
{
    struct rt_bench_clock *clock;

    RT_TRY(rt_alloc(out, 1, sizeof **out, "a bench's times", err));
    clock = *out;
    clock->device = device;
    clock->probes_peak = !device || rt_host_team(device);
    if (clock->probes_peak) {
        RT_TRY(rt_peak_start(&clock->peak, device ? rt_host_team(device) : team, err));
        clock->peak.best_flops = fmax(clock->peak.best_flops, options->best_flops);
        clock->probe = rt_peak_probe(&clock->peak);
    }
    clock->deadline_s = rt_clock_wall_s() + options->seconds;
    clock->limit_s = clock->deadline_s + options->seconds;
    return RT_OK;
}

static bool is_clean(const struct rt_bench_clock *clock, int i)
{
    return clock->probes[i] >= RT_BENCH_CLEAN * clock->peak.best_flops;
}

static int count_clean(const struct rt_bench_clock *clock)
{
    int clean = 0;

    for (int i = 0; i < clock->count; i++)
        clean += is_clean(clock, i);
    return clean;
}

bool rt_bench_clock_goes_on(const struct rt_bench_clock *clock)
{
    const double now = rt_clock_wall_s();

    if (clock->count == RT_BENCH_REPETITIONS_MAX)
        return false;
    return clock->count < AT_LEAST || now < clock->deadline_s ||
           (now < clock->limit_s && count_clean(clock) < FEW);
}

void rt_bench_clock_begin(struct rt_bench_clock *clock)
{
    clock->waited_s = rt_clock_waited_s();
    clock->began_s = rt_clock_wall_s();
}

bool rt_bench_clock_note(struct rt_bench_clock *clock, double value)
{
    const double took_s = rt_clock_wall_s() - clock->began_s, waited_s = rt_clock_waited_s() - clock->waited_s;
    const bool crowded = waited_s > RT_BENCH_WAITED * took_s * rt_team_size(clock->peak.team);
    const double after = clock->probes_peak ? rt_peak_probe(&clock->peak) : 0;
    const int i = clock->count++;

    clock->values[i] = value;
    clock->round_trips_s[i] = clock->probes_peak ? rt_peak_round_trip_s(&clock->peak) : 0;
    clock->probes[i] = crowded ? -1 : fmin(clock->probe, after);
    clock->probe = after;
    return is_clean(clock, i);
}

static int increasing(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void sort(struct rt_bench_times *times)
{
    qsort(times->all, (size_t)times->count, sizeof *times->all, increasing);
    times->least = times->all[0];
    times->median = (times->all[(times->count - 1) / 2] + times->all[times->count / 2]) / 2;
}

static void merge_times(struct rt_bench_times *times, const struct rt_bench_times *more)
{
    if (!times->clean && more->clean)
        times->count = 0;
    if (!times->clean || more->clean) /* disturbed ones only while there is nothing better */
        for (int i = 0; i < more->count && times->count < RT_BENCH_REPETITIONS_MAX; i++)
            times->all[times->count++] = more->all[i];
    times->clean += more->clean;
    times->disturbed += more->disturbed;
    sort(times);
}

void rt_bench_merge(struct rt_bench_result *result, const struct rt_bench_result *more)
{
    if (!result->times.count) {
        *result = *more;
        return;
    }
    result->round_trip_s =
        (result->round_trip_s * result->times.count + more->round_trip_s * more->times.count) /
        (result->times.count + more->times.count);
    merge_times(&result->times, &more->times);
    result->best_flops = fmax(result->best_flops, more->best_flops);
    if (more->peak_bytes > result->peak_bytes)
        result->peak_bytes = more->peak_bytes;
    result->profiled_steps += more->profiled_steps;
    rt_profile_merge(&result->profile, &more->profile);
}

void rt_bench_clock_read(const struct rt_bench_clock *clock, struct rt_bench_result *result)
{
    struct rt_bench_times *times = &result->times;
    const int clean = count_clean(clock);

    *times = (struct rt_bench_times){.clean = clean, .disturbed = clock->count - clean};
    result->round_trip_s = 0;
    for (int i = 0; i < clock->count; i++)
        if (!clean || is_clean(clock, i)) {
            times->all[times->count++] = clock->values[i];
            result->round_trip_s += clock->round_trips_s[i];
        }
    result->round_trip_s /= times->count;
    sort(times);
    result->best_flops = clock->peak.best_flops;
    rt_copy_text(result->target, sizeof result->target,
                 clock->device ? rt_device_target(clock->device) : rt_peak_target(&clock->peak));
}
