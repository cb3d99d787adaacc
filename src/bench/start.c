/* Measuring the start of a run: reading and corrupting the data. */
#include "base/clock.h"
#include "base/memory.h"
#include "bench/clock.h"
#include "data/dataset.h"

static int measure(struct rt_bench_clock *clock, const struct rt_bench_options *options, struct rt_error *err)
{
    while (rt_bench_clock_goes_on(clock)) {
        struct rt_dataset dataset = {0};
        double start;

        rt_bench_clock_begin(clock);
        start = rt_clock_wall_s();
        RT_TRY(rt_dataset_load(&dataset, options->data, &options->experiment, options->threads, err));
        rt_bench_clock_note(clock, rt_clock_wall_s() - start);
        rt_dataset_free(&dataset);
    }
    return RT_OK;
}

int rt_bench_start(struct rt_bench_result *result, const struct rt_bench_options *options, struct rt_error *err)
{
    struct rt_bench_clock *clock = NULL;
    struct rt_team *team = NULL;
    int rc;

    *result = (struct rt_bench_result){0};
    if ((rc = rt_team_create(&team, options->threads, err)) ||
        (rc = rt_bench_clock_start(&clock, NULL, team, options, err)) || (rc = measure(clock, options, err)))
        goto done;
    result->threads = rt_team_size(team);
    result->peak_bytes = rt_peak_memory_bytes();
    rt_bench_clock_read(clock, result);
done:
    rt_free(&clock);
    rt_team_free(&team);
    return rc;
}
