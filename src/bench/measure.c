#include "bench/measure.h"

#include "base/memory.h"
#include "base/text.h"
#include "bench/fork.h"

enum { TURNS = 2 /* of what is compared, one after the other */ };

static int steps_in_fork(void *options, void *result, struct rt_error *err)
{
    return rt_bench_steps(result, options, err);
}

static int epoch_in_fork(void *options, void *result, struct rt_error *err)
{
    return rt_bench_epoch(result, options, err);
}

static int start_in_fork(void *options, void *result, struct rt_error *err)
{
    return rt_bench_start(result, options, err);
}

typedef int work(void *options, void *result, struct rt_error *err);

static struct rt_bench_options options_of(const struct rt_bench_report *report, const struct rt_bench_case *one)
{
    return (struct rt_bench_options){.experiment = one->experiment,
                                     .data = report->data,
                                     .engine = report->engine,
                                     .threads = report->threads,
                                     .core = -1,
                                     .seconds = report->seconds,
                                     .best_flops = report->peak_flops,
                                     .measures_ceilings = true,
                                     .ceilings = report->ceilings};
}

/* Runs `count` copies at once, copy i on core i if there are several, and merges what they find into *into. */
static int run_copies(work *work_in_fork, struct rt_bench_options *options, int count,
                      struct rt_bench_result **into, struct rt_error *err)
{
    struct rt_bench_result *found = NULL;
    struct rt_fork forks[RT_BENCH_CORES_MAX];
    int rc = RT_OK, started = 0;

    if ((!*into && (rc = rt_alloc(into, 1, sizeof **into, "results", err))) ||
        (rc = rt_alloc(&found, 1, sizeof *found, "results", err)))
        return rc;
    while (started < count && !rc) {
        if (count > 1)
            options->core = started;
        if (!(rc = rt_fork_start(&forks[started], work_in_fork, options, sizeof *found, err)))
            started++;
    }
    for (int i = 0; i < started; i++) {
        const int failure = rt_fork_finish(&forks[i], found, sizeof *found, rc ? NULL : err);

        if (!failure)
            rt_bench_merge(*into, found);
        rc = rc ? rc : failure;
    }
    rt_free(&found);
    return rc;
}

static void note_peak(struct rt_bench_report *report, const struct rt_bench_result *result)
{
    if (result->threads == report->threads && result->best_flops > report->peak_flops)
        report->peak_flops = result->best_flops;
    if (result->ceilings.bytes_per_s > 0)
        report->ceilings = result->ceilings;
    rt_copy_text(report->target, sizeof report->target, result->target);
}

static int measure_plain(struct rt_bench_report *report, struct rt_bench_case *one,
                         enum rt_bench_measurement what, work *work_in_fork, struct rt_error *err)
{
    struct rt_bench_options options = options_of(report, one);

    RT_TRY(run_copies(work_in_fork, &options, 1, &one->result[what], err));
    note_peak(report, one->result[what]);
    return RT_OK;
}

/* One thread alone in turn with all threads (copies 1) or with one thread on every core. The peak of one core
 * is not that of all, so each begins to look for its own. */
static int measure_in_turn(struct rt_bench_report *report, struct rt_bench_case *one,
                           enum rt_bench_measurement what, int copies, struct rt_error *err)
{
    for (int turn = 0; turn < TURNS; turn++) {
        struct rt_bench_options options = options_of(report, one);

        options.seconds /= TURNS;
        options.best_flops = one->alone ? one->alone->best_flops : 0;
        options.threads = 1;
        options.core = 0;
        RT_TRY(run_copies(steps_in_fork, &options, 1, &one->alone, err));
        options.core = -1;
        if (copies == 1) {
            options.threads = report->threads;
            options.best_flops = report->peak_flops;
        }
        RT_TRY(run_copies(steps_in_fork, &options, copies, &one->result[what], err));
        note_peak(report, one->result[what]);
    }
    return RT_OK;
}

int rt_bench_measure(struct rt_bench_report *report, struct rt_bench_case *one, struct rt_error *err)
{
    const bool *wanted = report->wanted;

    if (wanted[RT_BENCH_start])
        return measure_plain(report, one, RT_BENCH_start, start_in_fork, err);
    if (wanted[RT_BENCH_steps])
        RT_TRY(measure_plain(report, one, RT_BENCH_steps, steps_in_fork, err));
    if (wanted[RT_BENCH_epoch])
        RT_TRY(measure_plain(report, one, RT_BENCH_epoch, epoch_in_fork, err));
    if (wanted[RT_BENCH_threads])
        RT_TRY(measure_in_turn(report, one, RT_BENCH_threads, 1, err));
    if (wanted[RT_BENCH_side_by_side])
        RT_TRY(measure_in_turn(report, one, RT_BENCH_side_by_side, report->cores, err));
    return RT_OK;
}
