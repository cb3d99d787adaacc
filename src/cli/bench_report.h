/* What `rethink bench` found, as text, JSON and lines of a history. */
#ifndef RT_CLI_BENCH_REPORT_H
#define RT_CLI_BENCH_REPORT_H

#include "base/text.h"
#include "bench/measure.h"

void rt_bench_print_machine(const struct rt_bench_report *report, struct rt_text *text);
void rt_bench_print_ops(const struct rt_bench_case *one, struct rt_text *text);
void rt_bench_print_summary(const struct rt_bench_report *report, struct rt_text *text);

int rt_bench_print_json(const struct rt_bench_report *report, struct rt_text *text, struct rt_error *err);

/* Appends a line for each model whose steps were measured; the file is made if needed. RT_EDATA when it is
 * there and something else. */
int rt_bench_append_history(const struct rt_bench_report *report, const char *path, struct rt_error *err);

#endif
