#include "figures/claims.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/entry.h"
#include "base/memory.h"
#include "figures/choice.h"
#include "figures/findings.h"
#include "figures/html.h"
#include "figures/table.h"
#include "runs/paper.h"

struct search {
    const struct rt_records *records;
    const char *folder;
    const struct rt_figure_options *options;
};

static bool is_finished(const struct rt_record *run)
{
    return !strcmp(run->state, "finished");
}

/* ---- figures ---- */

static int find_kind(struct rt_figure_kind *kind, const char *name, const struct rt_records *records,
                     struct rt_error *err)
{
    struct rt_figure_kind *kinds = NULL;

    RT_TRY(rt_alloc(&kinds, RT_FIGURE_KINDS_MAX, sizeof *kinds, "figures", err));
    const int count = rt_figure_kinds(kinds, records);
    for (int i = 0; i < count; i++)
        if (!strcmp(kinds[i].name, name))
            *kind = kinds[i];
    rt_free(&kinds);
    return RT_OK;
}

/* What the claim's figure shows, as it is said under it. */
static int find_figure(struct rt_text *html, const struct search *search, const struct rt_claim *claim,
                       struct rt_error *err)
{
    struct rt_figure_kind kind = {0};
    struct rt_figure figure;
    struct rt_text words = {0};

    RT_TRY(find_kind(&kind, claim->picture, search->records, err));
    int rc = rt_figure_build(&figure, &kind, search->records, search->options, err);
    if (!rc && rt_figure_has_data(&figure)) {
        rt_findings_append(&words, &figure, &kind);
        rt_html_append_text(html, rt_text_string(&words));
        rc = rt_text_check(&words, err);
    }
    rt_text_free(&words);
    rt_figure_free(&figure);
    return rc;
}

static int find_fit(struct rt_text *html, const struct search *search, const struct rt_claim *claim,
                    struct rt_error *err)
{
    int finished = 0, fitted = 0;

    for (size_t i = 0; i < search->records->count; i++) {
        const struct rt_record *run = &search->records->runs[i];

        if (!run->has_config || !is_finished(run) || !rt_fits_figure1(run, run->experiment.model_name))
            continue;
        finished++;
        fitted += run->result.threshold.reached;
    }
    if (!finished)
        return RT_OK;
    rt_text_printf(html, "%d of %d finished runs of figure 1 have met the threshold. ", fitted, finished);
    return find_figure(html, search, claim, err);
}

/* ---- pixels ---- */

struct place {
    const char *pixels;
    double level;
};

static bool is_here(const struct rt_record *run, const void *context)
{
    const struct place *place = context;

    return !strcmp(run->experiment.data_corruption_type, place->pixels) &&
           run->experiment.label_corruption_prob == place->level;
}

/* Epochs to the threshold, the mean over the seeds that have met it; NaN: none. */
static int epochs_at(double *epochs, const struct rt_choice *choice, const struct place *place,
                     struct rt_error *err)
{
    struct rt_group group;
    double sum = 0, count = 0;

    RT_TRY(rt_choice_group(choice, 0, is_here, place, &group, err));
    for (int i = 0; i < group.count; i++) {
        if (!group.runs[i]->result.threshold.reached)
            continue;
        sum += (double)group.runs[i]->result.threshold.epoch;
        count++;
    }
    *epochs = sum / count;
    return RT_OK;
}

/* "MLP1: random labels 159 epochs, random pixels 31, Gaussian pixels 7." */
static int add_pixels(struct rt_text *html, const struct search *search, const char *model,
                      struct rt_error *err)
{
    static const struct {
        const char *name;
        struct place place;
    } rows[] = {
        {"random labels", {"none", 1}},
        {"random pixels", {"rand_pix", 0}},
        {"Gaussian pixels", {"gauss_pix", 0}},
    };
    struct rt_figure figure = {.records = search->records};
    struct rt_choice choice;
    double epochs[3] = {NAN, NAN, NAN};
    int rc = rt_alloc(&figure.shown, search->records->count, sizeof *figure.shown, "runs", err);

    if (rc)
        return rc;
    rc = rt_choose(&choice, &figure, search->records, rt_fits_figure1, model,
                   "model_name label_corruption_prob data_corruption_type", err);
    for (int i = 0; i < 3 && !rc && choice.variant_count; i++)
        rc = epochs_at(&epochs[i], &choice, &rows[i].place, err);
    if (!rc && isfinite(epochs[0]) && (isfinite(epochs[1]) || isfinite(epochs[2]))) {
        if (html->length)
            rt_text_append(html, " ");
        rt_html_append_text(html, model);
        rt_text_printf(html, ": %s %.4g epochs", rows[0].name, epochs[0]);
        for (int i = 1; i < 3; i++)
            if (isfinite(epochs[i]))
                rt_text_printf(html, ", %s %.4g", rows[i].name, epochs[i]);
        rt_text_append(html, ".");
    }
    rt_choice_free(&choice);
    rt_figure_free(&figure);
    return rc;
}

static int find_pixels(struct rt_text *html, const struct search *search, const struct rt_claim *claim,
                       struct rt_error *err)
{
    const char *models[RT_MODELS_MAX];
    const int count = rt_models_of(search->records, models);

    (void)claim;
    for (int i = 0; i < count; i++)
        RT_TRY(add_pixels(html, search, models[i], err));
    return RT_OK;
}

/* ---- tables ---- */

static void append_pair(struct rt_text *html, double ours, double paper)
{
    rt_text_append(html, "<td>");
    if (isfinite(ours))
        rt_text_printf(html, "%.2f", ours);
    rt_text_append(html, "</td><td>");
    if (isfinite(paper))
        rt_text_printf(html, "%.2f", paper);
    rt_text_append(html, "</td>");
}

/* A row's mean over its finished runs. Returns their number. */
static int measure_row(const struct search *search, const struct rt_paper_table *table,
                       const struct rt_paper_row *row, double *train, double *test)
{
    int count = 0;

    *train = *test = 0;
    for (size_t i = 0; i < search->records->count; i++) {
        const struct rt_record *run = &search->records->runs[i];
        const struct rt_scores *scores = &run->result.final;

        if (!is_finished(run) || rt_paper_row_of(table, run) != row)
            continue;
        *train += 100 * scores->train_acc;
        *test += 100 * (isfinite(scores->test_acc_true) ? scores->test_acc_true : scores->test_acc);
        count++;
    }
    *train /= count;
    *test /= count;
    return count;
}

static int append_table(struct rt_text *html, const struct search *search, const struct rt_paper_table *table)
{
    int shown = 0;

    for (int i = 0; i < table->count; i++) {
        const struct rt_paper_row *row = &table->rows[i];
        double train, test;

        if (!measure_row(search, table, row, &train, &test))
            continue;
        if (!shown++)
            rt_text_printf(html,
                           "<table><thead><tr><th scope=\"col\">Row</th><th scope=\"col\">Train</th>"
                           "<th scope=\"col\">Paper</th>%s</tr></thead>\n<tbody>\n",
                           table->test ? "<th scope=\"col\">Test</th><th scope=\"col\">Paper</th>" : "");
        rt_text_printf(html, "<tr><th scope=\"row\">%s</th>", row->name);
        append_pair(html, train, row->train);
        if (table->test)
            append_pair(html, test, row->test);
        rt_text_append(html, "</tr>\n");
    }
    if (shown)
        rt_text_printf(html,
                       "</tbody></table>\n"
                       "<p class=\"note\">%d of %d rows, per cent. Train: the last epoch's mean, while it "
                       "trained; <code>rethink %s --show</code> evaluates the final networks.</p>",
                       shown, table->count, table->name);
    return RT_OK;
}

static int find_table1(struct rt_text *html, const struct search *search, const struct rt_claim *claim,
                       struct rt_error *err)
{
    (void)claim;
    (void)err;
    return append_table(html, search, &rt_paper_table1);
}

static int find_table4(struct rt_text *html, const struct search *search, const struct rt_claim *claim,
                       struct rt_error *err)
{
    (void)claim;
    (void)err;
    return append_table(html, search, &rt_paper_table4);
}

/* ---- what theorem1 and rademacher have drawn ---- */

/* Appends "0.998 (LABEL)" for each series of the first panel at its largest x, which is said once, before. */
static int append_series(struct rt_text *html, const struct rt_table *table, const char *before,
                         struct rt_error *err)
{
    static const char *const names[] = {"panel", "series", "kind", "x", "y"};
    size_t columns[5];
    double most = 0, x, y;
    int count = 0;

    for (int i = 0; i < 5; i++)
        RT_TRY(rt_table_column(table, names[i], &columns[i], err));
    for (int pass = 0; pass < 2; pass++) {
        for (size_t row = 0; row < table->row_count; row++) {
            if (strcmp(rt_table_text(table, row, columns[0]), "1") != 0 ||
                strcmp(rt_table_text(table, row, columns[2]), "points") != 0)
                continue;
            RT_TRY(rt_table_number(table, row, columns[3], &x, err));
            RT_TRY(rt_table_number(table, row, columns[4], &y, err));
            most = fmax(most, x);
            if (!pass || x != most)
                continue;
            if (!count++)
                rt_text_printf(html, "%.0f images of CIFAR-10%s ", most, before);
            else
                rt_text_append(html, ", ");
            rt_text_printf(html, "%.3g (", y);
            rt_html_append_text(html, rt_table_text(table, row, columns[1]));
            rt_text_append(html, ")");
        }
    }
    if (count)
        rt_text_append(html, ".");
    return RT_OK;
}

/* Appends what `say` makes of the folder's file; what is wrong with the file, instead; nothing without it. */
static int find_file(struct rt_text *html, const struct search *search, const char *file,
                     int (*say)(struct rt_text *html, const struct rt_table *table, const char *before,
                                struct rt_error *err),
                     const char *before, struct rt_error *err)
{
    char path[RT_PATH_MAX];
    struct rt_table table = {0};
    struct rt_text words = {0};
    struct rt_error cause = {0};

    if (rt_entry_look(search->folder, file) != RT_ENTRY_FILE)
        return RT_OK;
    RT_TRY(rt_path_join(path, search->folder, file, err));
    if (rt_table_read(&table, path, &cause) || say(&words, &table, before, &cause))
        rt_html_append_text(html, cause.message);
    else
        rt_text_append(html, rt_text_string(&words));
    const int rc = rt_text_check(&words, err);
    rt_text_free(&words);
    rt_table_free(&table);
    return rc;
}

static int find_drawn(struct rt_text *html, const struct search *search, const struct rt_claim *claim,
                      const char *before, struct rt_error *err)
{
    char file[128];

    snprintf(file, sizeof file, "%s.csv", claim->picture);
    return find_file(html, search, file, append_series, before, err);
}

static int find_theorem1(struct rt_text *html, const struct search *search, const struct rt_claim *claim,
                         struct rt_error *err)
{
    return find_drawn(html, search, claim, ": largest residual", err);
}

static int find_rademacher(struct rt_text *html, const struct search *search, const struct rt_claim *claim,
                           struct rt_error *err)
{
    return find_drawn(html, search, claim, ": correlation with random signs", err);
}

/* ---- what kernel has written ---- */

/* The last row's numbers in these columns. */
static int read_last(const struct rt_table *table, const char *const *names, int count, double *numbers,
                     struct rt_error *err)
{
    size_t column;

    for (int i = 0; i < count; i++) {
        RT_TRY(rt_table_column(table, names[i], &column, err));
        if (!table->row_count)
            return rt_fail(err, RT_EDATA, "%s: has no rows", table->path);
        RT_TRY(rt_table_number(table, table->row_count - 1, column, &numbers[i], err));
    }
    return RT_OK;
}

static int append_kernel(struct rt_text *html, const struct rt_table *table, const char *before,
                         struct rt_error *err)
{
    static const char *const names[] = {"n",          "wrong_labels", "ridge",   "train_error",
                                        "test_error", "norm",         "residual"};
    double v[7];

    RT_TRY(read_last(table, names, 7, v, err));
    rt_text_printf(html, "%s%.0f images", before, v[0]);
    if (v[1] > 0)
        rt_text_printf(html, ", %.0f labels wrong", v[1]);
    if (v[2] > 0)
        rt_text_printf(html, ", ridge %.3g", v[2]);
    rt_text_printf(html, ": training error %.2f %%, test error %.2f %%, norm %.4g, residual %.2g.", 100 * v[3],
                   100 * v[4], v[5], v[6]);
    return RT_OK;
}

/* As append_kernel, of random convolutional filters: also how many. */
static int append_filters(struct rt_text *html, const struct rt_table *table, const char *before,
                          struct rt_error *err)
{
    static const char *const names[] = {"filters"};
    double filters;

    RT_TRY(read_last(table, names, 1, &filters, err));
    rt_text_printf(html, "%.0f filters, ", filters);
    return append_kernel(html, table, before, err);
}

static int append_sgd(struct rt_text *html, const struct rt_table *table, const char *before,
                      struct rt_error *err)
{
    static const char *const names[] = {"n", "step", "distance", "outside"};
    double v[4];

    RT_TRY(read_last(table, names, 4, v, err));
    rt_text_printf(
        html,
        "%s%.0f images, after %.0f steps: distance to the minimum-norm solution %.2g of its norm, part "
        "outside the images' span %.2g.",
        before, v[0], v[1], v[2], v[3]);
    return RT_OK;
}

/* X(finder, the file that it reads, what says its numbers) */
#define KERNEL_FILES(X)                                                                                        \
    X(kernel_pixels, "kernel_cifar10_pixels_gaussian.csv", append_kernel)                                      \
    X(kernel_conv, "kernel_cifar10_conv_gaussian.csv", append_filters)                                         \
    X(kernel_sgd, "kernel_sgd.csv", append_sgd)

#define KERNEL_FINDER(finder, file, say)                                                                       \
    static int find_##finder(struct rt_text *html, const struct search *search, const struct rt_claim *claim,  \
                             struct rt_error *err)                                                             \
    {                                                                                                          \
        (void)claim;                                                                                           \
        return find_file(html, search, file, say, "CIFAR-10, ", err);                                          \
    }
KERNEL_FILES(KERNEL_FINDER)
#undef KERNEL_FINDER

static int find_kernel_mnist(struct rt_text *html, const struct search *search, const struct rt_claim *claim,
                             struct rt_error *err)
{
    (void)claim;
    RT_TRY(find_file(html, search, "kernel_mnist_pixels_gaussian.csv", append_kernel, "MNIST, pixels, ", err));
    return find_file(html, search, "kernel_mnist_gabor_gaussian.csv", append_kernel,
                     html->length ? " MNIST, Gabor wavelets, " : "MNIST, Gabor wavelets, ", err);
}

/* ---- all of them ---- */

#define CLAIM(finder, picture, claim, command, paper, shows) {picture, claim, command, paper, shows},
const struct rt_claim rt_claims[RT_CLAIM_COUNT] = {RT_CLAIMS(CLAIM)};
#undef CLAIM

int rt_claims_find(struct rt_claims_found *found, const struct rt_records *records, const char *folder,
                   const struct rt_figure_options *options, struct rt_error *err)
{
    static int (*const finders[])(struct rt_text * html, const struct search *search,
                                  const struct rt_claim *claim, struct rt_error *err) = {
#define FINDER(finder, ...) find_##finder,
        RT_CLAIMS(FINDER)
#undef FINDER
    };
    const struct search search = {records, folder, options};

    *found = (struct rt_claims_found){0};
    for (int i = 0; i < RT_CLAIM_COUNT; i++) {
        RT_TRY(finders[i](&found->texts[i], &search, &rt_claims[i], err));
        RT_TRY(rt_text_check(&found->texts[i], err));
    }
    return RT_OK;
}

void rt_claims_free(struct rt_claims_found *found)
{
    for (int i = 0; i < RT_CLAIM_COUNT; i++)
        rt_text_free(&found->texts[i]);
}
