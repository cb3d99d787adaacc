#include <stdio.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/machine.h"
#include "base/memory.h"
#include "cli/bench_report.h"

/* A new object under `key` that `fill` fills. */
static int add_object(struct rt_json *into, const char *key,
                      int (*fill)(struct rt_json *, const void *, struct rt_error *), const void *from,
                      struct rt_error *err)
{
    struct rt_json *object = NULL;
    int rc;

    if (!(rc = rt_json_object(&object, err)) && !(rc = fill(object, from, err)))
        rc = key ? rt_json_set(into, key, &object, err) : rt_json_append(into, &object, err);
    rt_json_free(&object);
    return rc;
}

/* A new array under `key` of `count` items, made by append(array, from, index). */
static int add_array(struct rt_json *into, const char *key, int count,
                     int (*append)(struct rt_json *, const void *, int, struct rt_error *), const void *from,
                     struct rt_error *err)
{
    struct rt_json *array = NULL;
    int rc = rt_json_array(&array, err);

    for (int i = 0; i < count && !rc; i++)
        rc = append(array, from, i, err);
    if (!rc)
        rc = rt_json_set(into, key, &array, err);
    rt_json_free(&array);
    return rc;
}

static int append_time(struct rt_json *array, const void *from, int i, struct rt_error *err)
{
    const struct rt_bench_times *times = from;

    return rt_json_append_number(array, times->all[i], err);
}

static int fill_op(struct rt_json *object, const void *from, struct rt_error *err)
{
    const struct rt_profile_row *row = from;

    RT_TRY(rt_json_set_text(object, "op", row->name, err));
    RT_TRY(rt_json_set_integer(object, "stages", row->stages, err));
    RT_TRY(rt_json_set_number(object, "forward_s", row->forward_s, err));
    RT_TRY(rt_json_set_number(object, "backward_s", row->backward_s, err));
    RT_TRY(rt_json_set_number(object, "forward_flops", row->forward_flops, err));
    return rt_json_set_number(object, "backward_flops", row->backward_flops, err);
}

static int append_op(struct rt_json *array, const void *from, int i, struct rt_error *err)
{
    const struct rt_profile *profile = from;

    return add_object(array, NULL, fill_op, &profile->rows[i], err);
}

/* Of a device's ceilings; only what is known. */
static int fill_shares(struct rt_json *object, const struct rt_bench_result *r, struct rt_error *err)
{
    const char *precision = rt_precision_word(r->precision);
    const double products = rt_bench_share_of_products(r), memory = rt_bench_share_of_memory(r);

    if (products > 0)
        RT_TRY(rt_json_set_number(object, "share_of_products", products, err));
    if (!r->work.launches)
        return RT_OK;
    RT_TRY(rt_json_set_text(object, "precision", precision, err));
    RT_TRY(rt_json_set_integer(object, "launches", r->work.launches, err));
    RT_TRY(rt_json_set_number(object, "moved_bytes", r->work.bytes, err));
    return memory > 0 ? rt_json_set_number(object, "share_of_memory", memory, err) : RT_OK;
}

/* Of steps: what a network does in one. */
static int fill_steps(struct rt_json *object, const struct rt_bench_result *r, struct rt_error *err)
{
    RT_TRY(rt_json_set_integer(object, "parameters", r->parameters, err));
    RT_TRY(rt_json_set_number(object, "flops", r->flops, err));
    RT_TRY(rt_json_set_number(object, "flops_per_s", r->flops / r->times.median, err));
    RT_TRY(rt_json_set_integer(object, "plan_bytes", (int64_t)r->plan_bytes, err));
    RT_TRY(rt_json_set_number(object, "profiled_steps", r->profiled_steps, err));
    if (r->ceiling_flops > 0)
        RT_TRY(rt_json_set_number(object, "ceiling_flops", r->ceiling_flops, err));
    RT_TRY(fill_shares(object, r, err));
    return add_array(object, "ops", r->profile.count, append_op, &r->profile, err);
}

/* Seconds; of an epoch: its time over that of its steps, less 1. */
static int fill_result(struct rt_json *object, const void *from, struct rt_error *err)
{
    const struct rt_bench_result *r = from;

    RT_TRY(rt_json_set_number(object, "median", r->times.median, err));
    RT_TRY(rt_json_set_number(object, "least", r->times.least, err));
    RT_TRY(rt_json_set_integer(object, "clean", r->times.clean, err));
    RT_TRY(rt_json_set_integer(object, "disturbed", r->times.disturbed, err));
    RT_TRY(rt_json_set_integer(object, "threads", r->threads, err));
    RT_TRY(rt_json_set_number(object, "peak_flops", r->best_flops, err));
    RT_TRY(rt_json_set_number(object, "round_trip", r->round_trip_s, err));
    RT_TRY(rt_json_set_integer(object, "peak_memory_bytes", (int64_t)r->peak_bytes, err));
    RT_TRY(add_array(object, "all", r->times.count, append_time, &r->times, err));
    return r->flops > 0 ? fill_steps(object, r, err) : RT_OK;
}

static int fill_case(struct rt_json *object, const void *from, struct rt_error *err)
{
    static const char *const names[] = {
#define NAME(name, word, help) #name,
        RT_BENCH_MEASUREMENTS(NAME)
#undef NAME
    };
    const struct rt_bench_case *one = from;

    RT_TRY(rt_json_set_text(object, "name", one->name, err));
    for (int i = 0; i < RT_BENCH_MEASUREMENT_COUNT; i++)
        if (one->result[i])
            RT_TRY(add_object(object, names[i], fill_result, one->result[i], err));
    return one->alone ? add_object(object, "alone", fill_result, one->alone, err) : RT_OK;
}

static int append_case(struct rt_json *array, const void *from, int i, struct rt_error *err)
{
    const struct rt_bench_report *report = from;

    return add_object(array, NULL, fill_case, &report->cases[i], err);
}

static int fill_machine(struct rt_json *object, const void *from, struct rt_error *err)
{
    const struct rt_bench_report *report = from;
    char key[32];

    RT_TRY(rt_json_set_text(object, "cpu", report->cpu, err));
    RT_TRY(rt_json_set_integer(object, "cores", report->cores, err));
    RT_TRY(rt_json_set_text(object, "os", report->os, err));
    for (int level = 1; level <= 3; level++) {
        snprintf(key, sizeof key, "l%d_bytes", level);
        RT_TRY(rt_json_set_integer(object, key, (int64_t)rt_machine_cache_bytes(level), err));
    }
    return RT_OK;
}

static int fill_ceilings(struct rt_json *object, const void *from, struct rt_error *err)
{
    const struct rt_ceilings *ceilings = from;

    RT_TRY(rt_json_set_number(object, "bytes_per_s", ceilings->bytes_per_s, err));
    RT_TRY(rt_json_set_number(object, "fp32_flops", ceilings->fp32_flops, err));
    RT_TRY(rt_json_set_number(object, "tf32_flops", ceilings->tf32_flops, err));
    RT_TRY(rt_json_set_number(object, "bf16_flops", ceilings->bf16_flops, err));
    return rt_json_set_number(object, "launch_s", ceilings->launch_s, err);
}

static int fill_report(struct rt_json *object, const void *from, struct rt_error *err)
{
    const struct rt_bench_report *report = from;
    char date[RT_ISO_TIME_MAX];

    RT_TRY(rt_json_set_integer(object, "format", 1, err));
    RT_TRY(rt_json_set_text(object, "date", rt_clock_iso(rt_clock_unix_ms(), date), err));
    RT_TRY(rt_json_set_text(object, "version", RT_VERSION, err));
    RT_TRY(rt_json_set_text(object, "label", report->label, err));
    RT_TRY(add_object(object, "machine", fill_machine, report, err));
    RT_TRY(rt_json_set_text(object, "isa", report->target, err));
    RT_TRY(rt_json_set_integer(object, "threads", report->threads, err));
    RT_TRY(rt_json_set_integer(object, "batch_size", report->batch_size, err));
    RT_TRY(rt_json_set_number(object, "peak_flops", report->peak_flops, err));
    if (report->ceilings.bytes_per_s > 0)
        RT_TRY(add_object(object, "ceilings", fill_ceilings, &report->ceilings, err));
    return add_array(object, "cases", report->count, append_case, report, err);
}

int rt_bench_print_json(const struct rt_bench_report *report, struct rt_text *text, struct rt_error *err)
{
    struct rt_json *root = NULL;
    char *string = NULL;
    int rc;

    if (!(rc = rt_json_object(&root, err)) && !(rc = fill_report(root, report, err)) &&
        !(rc = rt_json_format(root, true, &string, err)))
        rt_text_append(text, string);
    rt_free(&string);
    rt_json_free(&root);
    return rc;
}
