/* rethink images: which images were learnt when, forgotten, never; which labels are likely to be wrong. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/entry.h"
#include "base/escape.h"
#include "base/file.h"
#include "base/memory.h"
#include "cli/command.h"
#include "cli/output.h"
#include "figures/images.h"
#include "run/result.h"
#include "run/run.h"

enum { RUNS_MAX = 16 };

static struct rt_text written;

static void on_written(const char *path)
{
    rt_text_printf(&written, "wrote %s\n", path);
}

/* ---- reading ---- */

static int find_run(char path[RT_PATH_MAX], const struct rt_arguments *arguments, const char *given,
                    struct rt_error *err)
{
    const char *runs = rt_argument(arguments, "runs");

    if (rt_entry_look(given, RT_CONFIG_FILE) != RT_ENTRY_NONE)
        return rt_path_join(path, "", given, err);
    if (strchr(given, '/') || rt_path_exists(given))
        return rt_fail(err, RT_EDATA, "%s: no run directory", given);
    return rt_run_find(path, runs ? runs : RT_RUNS_DEFAULT, given, err);
}

static int read_run(struct rt_scored_run *run, const struct rt_arguments *arguments, const char *given,
                    long first, struct rt_error *err)
{
    char path[RT_PATH_MAX];

    RT_TRY(find_run(path, arguments, given, err));
    RT_TRY(rt_scored_run_read(run, path, (size_t)first, err));
    return rt_scored_run_load(run, rt_argument(arguments, "data"), err);
}

/* ---- writing ---- */

static int write_csv(const struct rt_scored_run *s, const char *folder, struct rt_error *err)
{
    char path[RT_PATH_MAX], file[RT_TEXT_MAX + 32];
    struct rt_text text = {0};
    int rc;

    rt_text_append(&text, "index,given,given_class,true,true_class");
    for (int k = 0; k < RT_SCORE_COUNT; k++)
        rt_text_printf(&text, ",%s", rt_score_list[k]->name);
    rt_text_append(&text, "\n");
    for (size_t i = 0; i < s->scores.count; i++) {
        const int given = s->dataset.labels[i], truth = s->dataset.labels_true[i];

        rt_text_printf(&text, "%zu,%d,", i, given);
        rt_escape_csv(&text, s->dataset.classes[given]);
        rt_text_printf(&text, ",%d,", truth);
        rt_escape_csv(&text, s->dataset.classes[truth]);
        for (int k = 0; k < RT_SCORE_COUNT; k++)
            rt_text_printf(&text, ",%.7g", s->scores.values[k][i]);
        rt_text_append(&text, "\n");
    }
    snprintf(file, sizeof file, "%s_image_scores.csv", s->scores.name);
    if (!(rc = rt_text_check(&text, err)) && !(rc = rt_folder_make(folder, err)) &&
        !(rc = rt_path_join(path, folder, file, err)) &&
        !(rc = rt_file_write_all(path, text.bytes, text.length, err)))
        on_written(path);
    rt_text_free(&text);
    return rc;
}

static size_t count_where(const struct rt_scored_run *s, enum rt_score_index k, double value)
{
    size_t count = 0;

    for (size_t i = 0; i < s->scores.count; i++)
        count += s->scores.values[k][i] == value;
    return count;
}

static int describe(const struct rt_scored_run *s, struct rt_text *text, struct rt_error *err)
{
    rt_text_printf(text, "%s: %zu images, %zu epoch%s%s, %zu wrong labels (%.2f %%)\n", s->path,
                   s->scores.count, s->scores.epochs, s->scores.epochs == 1 ? "" : "s",
                   s->scores.epochs < s->log.epochs ? " (the first ones)" : "", s->scores.wrong_count,
                   100 * (double)s->scores.wrong_count / (double)s->scores.count);
    rt_text_printf(text, "  never learnt %zu, never forgotten %zu, right at the end %zu\n",
                   count_where(s, RT_SCORE_first_learnt, INFINITY), count_where(s, RT_SCORE_never_forgotten, 1),
                   s->scores.count - count_where(s, RT_SCORE_learnt_for_good, INFINITY));
    if (rt_scored_run_changed_labels(s))
        rt_text_append(text, "  " RT_LABELS_MAY_CHANGE "\n");
    if (!s->scores.wrong)
        return RT_OK;
    rt_text_printf(text, "  finding the wrong labels   ROC AUC   precision at %zu\n", s->scores.wrong_count);
    for (int k = 0; k < RT_SCORE_COUNT; k++) {
        struct rt_detection detection;

        RT_TRY(rt_score_detection(&detection, rt_score_list[k], s->scores.values[k], s->wrong, s->scores.count,
                                  err));
        rt_text_printf(text, "    %-24s %7.4f   %7.4f\n", rt_score_list[k]->name, detection.auc,
                       detection.precision);
    }
    return RT_OK;
}

/* Spearman's correlation of each score between each two runs. */
static int compare(const struct rt_scored_run *subjects, int count, struct rt_text *text, struct rt_error *err)
{
    if (count < 2)
        return RT_OK;
    rt_text_append(text, "agreement of rankings (Spearman)\n");
    for (int a = 0; a < count; a++)
        for (int b = a + 1; b < count; b++) {
            if (strcmp(subjects[a].dataset.digest, subjects[b].dataset.digest) != 0 ||
                subjects[a].scores.count != subjects[b].scores.count)
                return rt_fail(err, RT_EDATA,
                               "%s and %s were trained on different images: rankings cannot be compared",
                               subjects[a].path, subjects[b].path);
            rt_text_printf(text, "  %s, %s\n", subjects[a].path, subjects[b].path);
            for (int k = 0; k < RT_SCORE_COUNT; k++) {
                double correlation;

                RT_TRY(rt_spearman(subjects[a].scores.values[k], subjects[b].scores.values[k],
                                   subjects[a].scores.count, &correlation, err));
                rt_text_printf(text, "    %-24s %7.4f\n", rt_score_list[k]->name, correlation);
            }
        }
    return RT_OK;
}

/* Runs of one name (other seeds, other folders) must not overwrite each other's files. */
static int check_names(struct rt_scored_run *subjects, int count, struct rt_error *err)
{
    for (int a = 0; a < count; a++)
        for (int b = a + 1; b < count; b++)
            if (!strcmp(subjects[a].scores.name, subjects[b].scores.name)) {
                const size_t length = strlen(subjects[b].scores.name);

                if (!strcmp(subjects[a].path, subjects[b].path))
                    return rt_fail(err, RT_EUSAGE, "%s: given twice", subjects[a].path);
                snprintf(subjects[b].scores.name + length, sizeof subjects[b].scores.name - length, "_%d",
                         b + 1);
            }
    return RT_OK;
}

static int work(struct rt_scored_run *subjects, const struct rt_arguments *arguments, struct rt_text *text,
                struct rt_error *err)
{
    const char *given = rt_argument(arguments, "output"), *folder = given ? given : "figures";
    const int count = arguments->operand_count;
    long first;

    RT_TRY(rt_argument_integer(arguments, "first", 1, 1000000, 0, &first, err));
    for (int i = 0; i < count; i++)
        RT_TRY(read_run(&subjects[i], arguments, arguments->operands[i], first, err));
    RT_TRY(check_names(subjects, count, err));
    for (int i = 0; i < count; i++)
        RT_TRY(describe(&subjects[i], text, err));
    RT_TRY(compare(subjects, count, text, err));
    for (int i = 0; i < count; i++) {
        RT_TRY(write_csv(&subjects[i], folder, err));
        if (!rt_argument_flag(arguments, "no-figures"))
            RT_TRY(rt_images_draw(&subjects[i].scores, folder, on_written, err));
    }
    return RT_OK;
}

static int run_images(const struct rt_arguments *arguments, struct rt_error *err)
{
    struct rt_scored_run *subjects = NULL;
    struct rt_text text = {0};
    int rc;

    RT_TRY(rt_alloc(&subjects, (size_t)arguments->operand_count, sizeof *subjects, "runs", err));
    rc = work(subjects, arguments, &text, err);
    for (int i = 0; i < arguments->operand_count; i++)
        rt_scored_run_free(&subjects[i]);
    rt_free(&subjects);
    rt_text_append_bytes(&text, rt_text_string(&written), written.length);
    rt_text_free(&written);
    if (rc) {
        rt_text_free(&text);
        return rc;
    }
    return rt_output_text(&text, err);
}

#define SCORE_LINE(name, help) #name ": " help ".\n\n"

static const struct rt_option options_table[] = {
    {"first", 0, "N", NULL, "only the first N epochs: early on, wrong labels stand out most"},
    {"no-figures", 0, NULL, NULL, "only the table and the CSV"},
    RT_OPTION_OUTPUT("they go"),
    RT_OPTION_DATA,
    RT_OPTION_RUNS,
    {0},
};

const struct rt_command rt_command_images = {
    .name = "images",
    .operands = "RUN...",
    .operands_min = 1,
    .operands_max = RUNS_MAX,
    .operand_values = "@runs @dirs",
    .summary = "Score each training image of runs that kept a history: what is learnt, forgotten, mislabelled.",
    .description =
        "Runs are folders, or names to find below --runs, that were trained with record_images: true. Writes "
        "NAME_image_scores.csv (each image with its given and true label and all scores) and draws "
        "NAME_data_map, NAME_scores (right against wrong labels) and NAME_images (the least and the most "
        "typical images). Where wrong labels are known, prints how well each score finds them; of several "
        "runs, how well their rankings agree."
        "\n\nScores: " RT_SCORES(SCORE_LINE),
    .examples = "rethink train MLP3_0.4_none --set record_images=true\n"
                "rethink images MLP3_0.4_none               # scores, into figures/\n"
                "rethink images MLP3_0.4_none --first 5     # from the first five epochs\n",
    .options = options_table,
    .run = run_images,
};
