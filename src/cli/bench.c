/* rethink bench: how fast this machine trains. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/thread.h"
#include "cli/bench_report.h"
#include "cli/experiment_args.h"
#include "cli/output.h"
#include "config/corruptions.h"
#include "config/limits.h"
#include "config/model_defaults.h"
#include "config/models.h"
#include "net/models.h"
#include "run/result.h"

static const double seconds_default = 5, seconds_max = 3600;

struct bench {
    const struct rt_arguments *arguments;
    struct rt_experiment experiment; /* with the user's settings, model aside */
    struct rt_bench_report report;
    bool json;
};

/* ---- what is asked for ---- */

/* Calls take(bench, word) for each word of a list joined by commas. */
static int for_words(struct bench *bench, const char *list,
                     int (*take)(struct bench *, const char *, struct rt_error *), struct rt_error *err)
{
    char word[RT_TEXT_MAX];

    for (const char *at = list; *at; at += *at == ',') {
        const size_t length = strcspn(at, ",");

        snprintf(word, sizeof word, "%.*s", (int)length, at);
        RT_TRY(take(bench, word, err));
        at += length;
    }
    return RT_OK;
}

#define MEASUREMENT_WORD(name, word, help) " " word
#define MEASUREMENT_CLAUSE(name, word, help) "; " word ": " help

static int want(struct bench *bench, const char *wanted, struct rt_error *err)
{
    static const char *const names[] = {
#define NAME(name, word, help) #name,
        RT_BENCH_MEASUREMENTS(NAME)
#undef NAME
    };
    char name[RT_TEXT_MAX];

    snprintf(name, sizeof name, "%s", wanted);
    for (char *dash = name; (dash = strchr(dash, '-'));)
        *dash = '_';
    for (int i = 0; i < RT_BENCH_MEASUREMENT_COUNT; i++)
        if (!strcmp(names[i], name)) {
            bench->report.wanted[i] = true;
            return RT_OK;
        }
    return rt_fail(err, RT_EUSAGE, "--measure: '%.80s' is none of" RT_BENCH_MEASUREMENTS(MEASUREMENT_WORD),
                   wanted);
}

static struct rt_bench_case *add_case(struct bench *bench, const char *name, struct rt_error *err)
{
    struct rt_bench_report *report = &bench->report;
    struct rt_bench_case *one;

    if (rt_realloc(&report->cases, (size_t)report->count + 1, sizeof *report->cases, "the models of a bench",
                   err))
        return NULL;
    one = &report->cases[report->count++];
    *one = (struct rt_bench_case){.experiment = bench->experiment};
    snprintf(one->name, sizeof one->name, "%s", name);
    return one;
}

/* "Inception", or "InceptionNoBN": without batch norm. */
static int add_model(struct bench *bench, const char *name, struct rt_error *err)
{
    static const char without[] = "NoBN";
    struct rt_bench_case *one = add_case(bench, name, err);
    struct rt_experiment *experiment;
    const struct rt_model *model;
    size_t length = strlen(name);

    if (!one)
        return RT_EMEMORY;
    experiment = &one->experiment;
    snprintf(experiment->model_name, sizeof experiment->model_name, "%s", name);
    if (!rt_model_find(name) && rt_path_has_suffix(name, without)) {
        length -= sizeof without - 1;
        experiment->model_name[length] = '\0';
        experiment->bn = false;
    }
    if (!(model = rt_model_find(experiment->model_name)))
        return rt_fail(err, RT_EUSAGE, "--models: there is no model '%s' ('rethink view --models' lists them)",
                       name);
    snprintf(experiment->model_name, sizeof experiment->model_name, "%s", model->name);
    return rt_experiment_check(experiment, err);
}

/* Every model, and without batch norm where that is another network. */
static int add_all_models(struct bench *bench, struct rt_error *err)
{
    for (int i = 0; rt_models[i]; i++) {
        struct rt_experiment experiment = bench->experiment;
        char name[RT_TEXT_MAX];

        RT_TRY(add_model(bench, rt_models[i]->name, err));
        snprintf(experiment.model_name, sizeof experiment.model_name, "%s", rt_models[i]->name);
        experiment.bn = false;
        snprintf(name, sizeof name, "%sNoBN", rt_models[i]->name);
        if (bench->experiment.bn && rt_published_model_known(rt_models[i]->name) &&
            !rt_experiment_check(&experiment, NULL))
            RT_TRY(add_model(bench, name, err));
    }
    return RT_OK;
}

/* The corruptions of pixels, and random labels, each a case of `start`. */
static int add_corruptions(struct bench *bench, struct rt_error *err)
{
    static const char *const names[] = {
#define NAME(name, ...) #name,
        RT_CORRUPTIONS(NAME)
#undef NAME
    };

    for (size_t i = 0; i <= sizeof names / sizeof *names; i++) {
        const bool labels = i == sizeof names / sizeof *names;
        struct rt_bench_case *one = add_case(bench, labels ? "random labels" : names[i], err);

        if (!one)
            return RT_EMEMORY;
        if (labels)
            one->experiment.label_corruption_prob = 1;
        else
            snprintf(one->experiment.data_corruption_type, RT_TEXT_MAX, "%s", names[i]);
    }
    return RT_OK;
}

static int read_seconds(struct bench *bench, struct rt_error *err)
{
    const char *given = rt_argument(bench->arguments, "seconds");
    char *end;

    bench->report.seconds = seconds_default;
    if (!given)
        return RT_OK;
    bench->report.seconds = strtod(given, &end);
    if (*end || end == given || !(bench->report.seconds >= 0 && bench->report.seconds <= seconds_max))
        return rt_fail(err, RT_EUSAGE, "--seconds: '%s' is no number from 0 to %g", given, seconds_max);
    return RT_OK;
}

static int read_arguments(struct bench *bench, struct rt_error *err)
{
    const struct rt_arguments *arguments = bench->arguments;
    const char *measure = rt_argument(arguments, "measure"), *models = rt_argument(arguments, "models");
    long threads, batch;

    RT_TRY(rt_argument_integer(arguments, "threads", 1, RT_BENCH_CORES_MAX, rt_core_count(), &threads, err));
    RT_TRY(rt_argument_integer(arguments, "batch", 1, (long)RT_IMAGES_LIMIT, 128, &batch, err));
    RT_TRY(read_seconds(bench, err));
    rt_experiment_defaults(&bench->experiment);
    RT_TRY(rt_assignments_apply(&bench->experiment, arguments, err));
    RT_TRY(rt_experiment_set_device(&bench->experiment, arguments, err));
    bench->experiment.batch_size = batch;
    bench->report.data = rt_argument(arguments, "data");
    bench->report.engine = rt_argument(arguments, "engine");
    bench->json = rt_argument_flag(arguments, "json");
    bench->report.label = rt_argument(arguments, "label");
    bench->report.threads = (int)threads;
    bench->report.batch_size = (int)batch;
    RT_TRY(for_words(bench, measure ? measure : "steps,epoch", want, err));
    if (!bench->report.data)
        bench->report.data = bench->report.wanted[RT_BENCH_start] ? "cifar10" : "shapes10";
    if (bench->report.wanted[RT_BENCH_start])
        return add_corruptions(bench, err);
    if (models || bench->report.wanted[RT_BENCH_side_by_side])
        return for_words(bench, models ? models : "MLP1,MLP3", add_model, err);
    return add_all_models(bench, err);
}

/* ---- the command ---- */

static void describe(struct bench *bench)
{
    struct rt_bench_report *report = &bench->report;
    struct rt_provenance here = {0};

    rt_provenance_describe_machine(&here);
    snprintf(report->cpu, sizeof report->cpu, "%.255s", here.machine.cpu);
    snprintf(report->os, sizeof report->os, "%.255s", here.machine.os);
    report->cores = (int)here.machine.cores;
}

static int print(const struct bench *bench, void (*append)(const struct rt_bench_report *, struct rt_text *),
                 struct rt_error *err)
{
    struct rt_text text = {0};

    if (bench->json)
        return RT_OK;
    append(&bench->report, &text);
    return rt_output_text(&text, err);
}

static int print_ops(const struct bench *bench, const struct rt_bench_case *one, struct rt_error *err)
{
    struct rt_text text = {0};

    if (bench->json || !one->result[RT_BENCH_steps])
        return RT_OK;
    rt_bench_print_ops(one, &text);
    return rt_output_text(&text, err);
}

static int print_json(const struct bench *bench, struct rt_error *err)
{
    struct rt_text text = {0};

    RT_TRY(rt_bench_print_json(&bench->report, &text, err));
    return rt_output_text(&text, err);
}

static int run(struct bench *bench, struct rt_error *err)
{
    const char *history = rt_argument(bench->arguments, "history");

    RT_TRY(print(bench, rt_bench_print_machine, err));
    for (int i = 0; i < bench->report.count; i++) {
        struct rt_bench_case *one = &bench->report.cases[i];

        RT_TRY(rt_bench_measure(&bench->report, one, err));
        RT_TRY(print_ops(bench, one, err));
    }
    RT_TRY(bench->json ? print_json(bench, err) : print(bench, rt_bench_print_summary, err));
    return history ? rt_bench_append_history(&bench->report, history, err) : RT_OK;
}

static int run_bench(const struct rt_arguments *arguments, struct rt_error *err)
{
    struct bench bench = {.arguments = arguments};
    int rc;

    rt_log_set_level(RT_LOG_QUIET); /* the epochs' recorders */
    describe(&bench);
    if (!(rc = read_arguments(&bench, err)))
        rc = run(&bench, err);
    for (int i = 0; i < bench.report.count; i++) {
        rt_free(&bench.report.cases[i].alone);
        for (int m = 0; m < RT_BENCH_MEASUREMENT_COUNT; m++)
            rt_free(&bench.report.cases[i].result[m]);
    }
    rt_free(&bench.report.cases);
    return rc;
}

static const struct rt_option options_table[] = {
    {"models", 0, "LIST", RT_PUBLISHED_MODEL_WORDS "InceptionNoBN",
     "models joined by commas (default: all); InceptionNoBN has no batch norm"},
    {"measure", 0, "LIST", RT_BENCH_MEASUREMENTS(MEASUREMENT_WORD),
     "what, joined by commas (default: steps,epoch)" RT_BENCH_MEASUREMENTS(MEASUREMENT_CLAUSE)},
    {"seconds", 0, "S", NULL, "time for each measurement, about (default: 5)"},
    RT_OPTION_ENGINE,
    RT_OPTION_DEVICE,
    RT_OPTION_THREADS,
    {"batch", 0, "N", NULL, "images in a batch (default: 128)"},
    RT_OPTION_DATA,
    RT_OPTION_SET,
    {"json", 0, NULL, NULL, "print JSON, with every repetition's time"},
    {"history", 0, "FILE", "@files", "append a line for each model to this CSV file"},
    {"label", 0, "TEXT", NULL, "a word for the history, such as a revision"},
    {0},
};

const struct rt_command rt_command_bench = {
    .name = "bench",
    .operands = "",
    .summary = "Measure how fast this machine trains each model.",
    .description =
        "Times whole training steps (forward, loss, backward, update) on images in memory, and short real "
        "epochs, and prints the median and the shortest, operations a second as a direct computation would "
        "need them, their share of the machine's own multiply-add peak, memory, and the time of each op.\n\n"
        "Between any two repetitions the peak is probed for about a millisecond. A repetition beside a probe "
        "below 88 % of the best one, or in which others had our cores for more than 5 % of the time, was "
        "disturbed; it is not counted, unless all were. Between two threads' cores a word's round trip is "
        "timed: a few hundred nanoseconds mean that they share no cache, and that networks whose threads read "
        "much of each other's work take longer.\n\n"
        "On a GPU the peak is what small kernels of products reach there in the network's precision, measured "
        "once, as are its memory and launches. A second table then holds each step against those ceilings: the "
        "share of the products' rate, the bytes that its kernels read and write (an estimate: every value once "
        "a kernel, whatever lies in a cache) and their share of the memory's rate, and the kernels that it "
        "launches.\n\n"
        "An epoch is measured on shapes10 unless --data names other images; the start (--measure start) on "
        "cifar10. Steps are of random images of 28 x 28, in as many channels as --data's have.",
    .examples = "rethink bench                                       # every model, about a minute and a half\n"
                "rethink bench --models MLP1,WRN --threads 1\n"
                "rethink bench --models MLP1 --data mnist             # on grey images\n"
                "rethink bench --measure start --data ~/cifar10      # how long a run takes to begin\n"
                "rethink bench --set winograd=false --models Inception",
    .options = options_table,
    .run = run_bench,
};
