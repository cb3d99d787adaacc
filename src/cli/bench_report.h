/* What `rethink bench` found, as text, JSON and lines of a history. */
#ifndef RT_CLI_BENCH_REPORT_H
#define RT_CLI_BENCH_REPORT_H

#include "base/text.h"
#include "train/bench.h"

/* X(measurement, what --help says) */
#define RT_BENCH_MEASUREMENTS(X)                                                                               \
    X(steps, "training steps")                                                                                 \
    X(epoch, "what an epoch adds to its steps")                                                                \
    X(threads, "steps on one thread and on all")                                                               \
    X(side_by_side, "steps on one thread, alone and on every core at once")                                    \
    X(start, "reading and corrupting the data")

enum rt_bench_measurement {
#define RT_BENCH_ENUM(name, help) RT_BENCH_##name,
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
    const char *label; /* the user's own word for the history, or null */
    int cores, threads, batch_size;
    char cpu[RT_TEXT_MAX], os[RT_TEXT_MAX], isa[16];
    double peak_flops; /* the best probe */
    int count;
    struct rt_bench_case *cases;
};

void rt_bench_print_machine(const struct rt_bench_report *report, struct rt_text *text);
void rt_bench_print_ops(const struct rt_bench_case *one, struct rt_text *text);
void rt_bench_print_summary(const struct rt_bench_report *report, struct rt_text *text);

int rt_bench_print_json(const struct rt_bench_report *report, struct rt_text *text, struct rt_error *err);

/* Appends a line for each model whose steps were measured; the file is made if needed. RT_EDATA when it is
 * there and something else. */
int rt_bench_append_history(const struct rt_bench_report *report, const char *path, struct rt_error *err);

#endif
