#include "cli/paper_table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "cli/output.h"
#include "cli/rows.h"
#include "config/keys.h"
#include "config/presets.h"
#include "run/run.h"
#include "runs/paper_rows.h"

static const char models_default[] = "InceptionPaper AlexNetPaper MLP3 MLP1";

enum { READING_COLUMNS = 100 };

/* What fill() adds to: the sweep calls it back without a context. */
static struct rt_paper_work *filling;

/* ---- the runs ---- */

/* Keys that a row is made of; weight decay has an option of its own. */
static int check_arguments(const struct rt_arguments *arguments, struct rt_error *err)
{
    static const char *const own[] = {"model_name",
                                      "bn",
                                      "label_corruption_prob",
                                      "data_corruption_type",
                                      "label_noise",
                                      "label_file",
                                      "label_noise_split",
                                      "augment",
                                      "crop",
                                      "flip",
                                      "rotate",
                                      "weight_decay",
                                      "preset",
                                      "experiment_name"};
    const char *given = rt_argument(arguments, "weight-decay");
    char *end;

    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (rt_assignment_sets(arguments, own[i]))
            return rt_fail(err, RT_EUSAGE, "--set %s: the rows of %s set it themselves%s", own[i],
                           arguments->command->name,
                           !strcmp(own[i], "weight_decay") ? " (--weight-decay is the coefficient)" : "");
    if (given && (!*given || !(strtod(given, &end) > 0) || *end || !(strtod(given, NULL) <= 1)))
        return rt_fail(err, RT_EUSAGE, "--weight-decay '%.40s': expected a number above 0, at most 1", given);
    return RT_OK;
}

/* The settings of a row as a list, in `store`; the experiment's name comes first. */
static void list_settings(const char *settings[RT_SETTINGS_MAX], char store[], size_t size,
                          const struct rt_paper_row *row)
{
    const char *decay = rt_argument(filling->arguments, "weight-decay");
    const bool decays = rt_paper_row_decays(row);
    int count = 0;

    snprintf(store, size, "experiment_name=%s_%s preset=paper curve=true num_epochs=100 %s%s",
             filling->table->name, row->name, row->settings,
             !decays ? ""
             : decay ? decay
                     : RT_PRESET_PAPER_WEIGHT_DECAY);
    for (char *rest = NULL, *word = strtok_r(store, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
        settings[count++] = word;
    settings[count] = NULL;
}

/* The runs of a row differ in their seed alone. */
static int note_runs(const struct rt_sweep *sweep, int first, int row, struct rt_error *err)
{
    for (int i = first; i < sweep->count; i++) {
        struct rt_paper_run *run = &filling->runs[filling->run_count];
        const char *key = rt_experiment_difference(&sweep->runs[i].experiment, &sweep->runs[first].experiment,
                                                   "seed experiment_name");

        if (key)
            return rt_fail(err, RT_EUSAGE, "--set %s=V1,V2: one value; a row's runs differ in their seed alone",
                           key);
        if (filling->run_count == RT_PAPER_RUNS_MAX)
            return rt_fail(err, RT_EUSAGE, "more than %d runs", RT_PAPER_RUNS_MAX);
        *run = (struct rt_paper_run){.row = row, .experiment = sweep->runs[i].experiment};
        RT_TRY(rt_run_path(run->directory, sweep->options.runs, &run->experiment, err));
        filling->results[row].planned++;
        filling->run_count++;
    }
    return RT_OK;
}

static int add_model(struct rt_sweep *sweep, const struct rt_arguments *arguments, const char *model,
                     struct rt_error *err)
{
    const char *settings[RT_SETTINGS_MAX];
    char base[RT_TEXT_MAX], store[1024];
    bool any = false;

    for (int i = 0; i < filling->table->count; i++) {
        const struct rt_paper_row *row = &filling->table->rows[i];
        const int first = sweep->count;

        if (strcmp(row->model, model) != 0)
            continue;
        any = true;
        if (filling->results[i].planned)
            continue;
        snprintf(base, sizeof base, "%s_%s_none", model, strcmp(row->labels, "random") ? "0.0" : "1.0");
        list_settings(settings, store, sizeof store, row);
        RT_TRY(rt_sweep_args_add(sweep, arguments, base, settings, 1, err));
        RT_TRY(note_runs(sweep, first, i, err));
    }
    if (!any)
        return rt_fail(err, RT_EUSAGE, "--models %s: %s has no row of it, only of %s", model,
                       arguments->command->name, models_default);
    return RT_OK;
}

static int fill(struct rt_sweep *sweep, const struct rt_arguments *arguments, struct rt_error *err)
{
    return rt_sweep_args_models(arguments, models_default, add_model, sweep, err);
}

/* ---- what is said ---- */

static void append_missing(struct rt_text *text, const struct rt_paper_work *work)
{
    int missing = 0;

    for (int i = 0; i < work->table->count; i++)
        missing += work->results[i].finished < work->results[i].planned;
    if (missing)
        rt_text_append(text, "Not finished (repeat the command to resume):");
    for (int i = 0; i < work->table->count && missing; i++)
        if (work->results[i].finished < work->results[i].planned)
            rt_text_printf(text, " %s", work->table->rows[i].name);
    if (missing)
        rt_text_append(text, "\n");
}

/* Below the table, for people. */
static void append_reading(struct rt_text *text, const struct rt_paper_work *work)
{
    struct rt_text words = {0};

    append_missing(&words, work);
    if (*work->data && strcmp(work->data, "cifar10") != 0)
        rt_text_printf(&words, "Trained on %s: the paper's numbers are of CIFAR-10.\n", work->data);
    rt_text_append(&words,
                   "train: accuracy on the labels trained on, in evaluation mode, without augmentation, "
                   "after the last epoch.\n");
    if (work->table->test)
        rt_text_append(&words, "test: on the test images' true labels, for random labels too.\n");
    rt_text_printf(&words,
                   "paper: %s\nSet-up (preset: paper): " RT_PRESET_PAPER_OURS
                   ". Epochs are all trained, beyond a perfect fit too.\n\n%s",
                   work->words->source, work->words->reading);
    rt_text_append(text, "\n");
    rt_text_append_folded(text, rt_text_string(&words), 0, READING_COLUMNS);
    text->failed = text->failed || words.failed;
    rt_text_free(&words);
}

static int write_file(const struct rt_results *rows, const char *folder, const char *name, const char *format,
                      const char *suffix, struct rt_error *err)
{
    const struct rt_result_format *form;
    struct rt_text text = {0};
    char file[64], path[RT_PATH_MAX];
    int rc;

    snprintf(file, sizeof file, "%s.%s", name, suffix);
    RT_TRY(rt_result_format_find(&form, format, err));
    RT_TRY(rt_path_join(path, folder, file, err));
    if (!(rc = form->append(&text, rows, err)) && !(rc = rt_text_check(&text, err)))
        rc = rt_file_write_all(path, text.bytes, text.length, err);
    rt_text_free(&text);
    return rc;
}

static int write_files(const struct rt_paper_work *work, const struct rt_results *rows, struct rt_error *err)
{
    const char *given = rt_argument(work->arguments, "output"), *folder = given ? given : "figures";
    const char *name = work->table->name;

    RT_TRY(rt_folder_make(folder, err));
    RT_TRY(write_file(rows, folder, name, "csv", "csv", err));
    RT_TRY(write_file(rows, folder, name, "markdown", "md", err));
    RT_TRY(write_file(rows, folder, name, "latex", "tex", err));
    RT_TRY(rt_paper_table_draw(work, folder, err));
    rt_log_info("%s/%s.csv, .md, .tex and %s_accuracy.png", folder, name, name);
    return RT_OK;
}

static int say(const struct rt_paper_work *work, const struct rt_result_format *format, bool people,
               struct rt_error *err)
{
    struct rt_results rows = {0};
    struct rt_text text = {0};
    int rc;

    if (!(rc = rt_paper_table_fill(&rows, work, err)) && !(rc = format->append(&text, &rows, err))) {
        if (people)
            append_reading(&text, work);
        if (!(rc = rt_output_text(&text, err)))
            rc = write_files(work, &rows, err);
    }
    rt_text_free(&text);
    rt_results_free(&rows);
    return rc;
}

/* ---- the command ---- */

/* Where the runs are carried out by others, they are not finished yet. */
static bool is_elsewhere(const struct rt_arguments *arguments)
{
    const char *name = rt_argument(arguments, "launcher");
    const struct rt_launcher *launcher = name ? rt_launcher_find(NULL, name) : NULL;

    return launcher && !launcher->here;
}

static int plan_only(const struct rt_arguments *arguments, struct rt_error *err)
{
    const char *runs = rt_argument(arguments, "runs");
    struct rt_sweep sweep = {
        .options = {.runs = runs ? runs : RT_RUNS_DEFAULT, .data = rt_argument(arguments, "data")}};
    const int rc = fill(&sweep, arguments, err);

    rt_sweep_free(&sweep);
    return rc;
}

static int run(struct rt_paper_work *work, struct rt_error *err)
{
    const bool show = rt_argument_flag(work->arguments, "show");
    const struct rt_result_format *format;
    bool people;

    RT_TRY(check_arguments(work->arguments, err));
    RT_TRY(rt_rows_format(&format, &people, work->arguments, err));
    filling = work;
    if (show)
        RT_TRY(plan_only(work->arguments, err));
    else
        RT_TRY(rt_sweep_args_run(work->arguments, fill, err));
    if (!show && (rt_argument_flag(work->arguments, "dry-run") || is_elsewhere(work->arguments)))
        return RT_OK;
    RT_TRY(rt_paper_table_measure(work, err));
    return say(work, format, people, err);
}

int rt_paper_table_run(const struct rt_arguments *arguments, const struct rt_paper_table *table,
                       const struct rt_paper_words *words, struct rt_error *err)
{
    struct rt_paper_work *work = NULL;
    int rc;

    RT_TRY(rt_alloc(&work, 1, sizeof *work, "a table", err));
    work->table = table;
    work->words = words;
    work->arguments = arguments;
    if (!(rc = rt_alloc(&work->runs, RT_PAPER_RUNS_MAX, sizeof *work->runs, "a table's runs", err)))
        rc = run(work, err);
    filling = NULL;
    rt_free(&work->runs);
    rt_free(&work);
    return rc;
}
