#include "figures/figures.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "figures/gnuplot.h"
#include "runs/paper.h"

static const struct rt_figure_kind listed[] = {
#define RT_FIGURE_KIND(name, builder, model, help) {#name, model, help, rt_figure_build_##builder},
    RT_FIGURES(RT_FIGURE_KIND)
#undef RT_FIGURE_KIND
};

enum { LISTED = sizeof listed / sizeof *listed, PUBLISHED_MODELS = RT_PALETTE_SIZE, NOTED = 3 };

static bool is_taken(const struct rt_figure_kind *kinds, int count, const char *name)
{
    for (int i = 0; i < count; i++)
        if (!strcmp(kinds[i].name, name))
            return true;
    return false;
}

/* mlp2_curves of MLP2; of a model that is called so but for the case, Mlp2_curves. */
static void name_kind(struct rt_figure_kind *kind, const struct rt_figure_kind *kinds, int count,
                      const char *suffix)
{
    snprintf(kind->name, sizeof kind->name, "%.40s_%s", kind->model, suffix);
    for (char *at = kind->name; *at; at++)
        *at = (char)tolower((unsigned char)*at);
    if (is_taken(kinds, count, kind->name))
        snprintf(kind->name, sizeof kind->name, "%.40s_%s", kind->model, suffix);
}

int rt_figure_kinds(struct rt_figure_kind out[RT_FIGURE_KINDS_MAX], const struct rt_records *records)
{
    const char *models[RT_MODELS_MAX];
    int count = LISTED;

    memcpy(out, listed, sizeof listed);
    const int model_count = records ? rt_models_of(records, models) : 0;
    for (int i = PUBLISHED_MODELS; i < model_count; i++) {
        struct rt_figure_kind *kind = &out[count];
        *kind = (struct rt_figure_kind){.build = rt_figure_build_curves};
        snprintf(kind->model, sizeof kind->model, "%.63s", models[i]);
        snprintf(kind->help, sizeof kind->help, "training loss of %.60s in the randomization tests", models[i]);
        name_kind(kind, out, count, "curves");
        count++;
        out[count] = *kind;
        kind = &out[count];
        kind->build = rt_figure_build_levels;
        snprintf(kind->help, sizeof kind->help, "training accuracy of %.60s for label corruption levels",
                 models[i]);
        name_kind(kind, out, count, "corrup_curves");
        count++;
    }
    return count;
}

int rt_figure_build(struct rt_figure *figure, const struct rt_figure_kind *kind,
                    const struct rt_records *records, const struct rt_figure_options *options,
                    struct rt_error *err)
{
    struct rt_text text = {0};

    *figure = (struct rt_figure){.name = kind->name, .panel_count = 1, .records = records};
    RT_TRY(rt_alloc(&figure->shown, records->count, sizeof *figure->shown, "figure", err));
    int rc = kind->build(figure, kind, records, options, err);
    rt_left_outs_append(&figure->left_out, NOTED, &text);
    rc = rc ? rc : rt_text_check(&text, err);
    if (text.length && !rc)
        rt_figure_note(figure, "%s.", rt_text_string(&text));
    rt_text_free(&text);
    return rc;
}

/* ---- all of them ---- */

static bool is_named(const char *name, const char *const *names, int name_count)
{
    for (int i = 0; i < name_count; i++)
        if (!strcmp(names[i], name))
            return true;
    return name_count == 0;
}

static int check_names(const struct rt_figure_kind *kinds, int count, const char *const *names, int name_count,
                       struct rt_error *err)
{
    for (int i = 0; i < name_count; i++) {
        struct rt_nearest nearest = {.word = names[i]};
        char hint[128];
        for (int k = 0; k < count; k++)
            rt_nearest_offer(&nearest, kinds[k].name);
        if (!is_taken(kinds, count, names[i]))
            return rt_fail(err, RT_EUSAGE, "unknown figure '%.80s'%s ('rethink plot --help' lists them)",
                           names[i], rt_nearest_hint(&nearest, hint, sizeof hint));
    }
    return RT_OK;
}

/* What is known of the runs from the figures drawn so far. */
struct account {
    bool *shown;
    struct rt_left_outs reasons;
};

static int enter(struct account *account, const struct rt_figure *figure, struct rt_error *err)
{
    for (size_t i = 0; i < figure->records->count; i++)
        account->shown[i] = account->shown[i] || figure->shown[i];
    for (size_t i = 0; i < figure->left_out.count; i++)
        RT_TRY(rt_leave_out(&account->reasons, figure->left_out.items[i].name, figure->left_out.items[i].reason,
                            err));
    return RT_OK;
}

static int draw_one(const struct rt_figure_kind *kind, const struct rt_records *records, const char *directory,
                    bool named, const struct rt_figure_options *options, struct account *account, bool *drawn,
                    struct rt_error *err)
{
    struct rt_figure figure;
    int rc = rt_figure_build(&figure, kind, records, options, err);

    *drawn = !rc && rt_figure_has_data(&figure);
    if (*drawn)
        rc = rt_figure_draw(&figure, directory, err);
    else if (!rc && named)
        rc = rt_fail(err, RT_EDATA, "%s: no run here has what it shows (%s)", kind->name, kind->help);
    if (!rc)
        rc = enter(account, &figure, err);
    rt_figure_free(&figure);
    return rc;
}

/* The runs that no figure shows, each with a reason. */
static int close_account(const struct account *account, const struct rt_records *records,
                         struct rt_left_outs *left_out, struct rt_error *err)
{
    for (size_t i = 0; i < records->count; i++) {
        const char *reason = "none of these figures is about such runs: rethink plot --x KEY --y METRIC is";
        if (account->shown[i])
            continue;
        if (rt_paper_table_of(&records->runs[i]))
            reason = "a row of the paper's tables, which have figures of their own";
        for (size_t k = 0; k < account->reasons.count; k++)
            if (!strcmp(account->reasons.items[k].name, records->runs[i].name))
                reason = account->reasons.items[k].reason;
        RT_TRY(rt_leave_out(left_out, records->runs[i].name, reason, err));
    }
    return RT_OK;
}

int rt_figures_draw(const struct rt_records *records, const char *directory, const char *const *names,
                    int name_count, const struct rt_figure_options *options,
                    void (*drawn)(void *context, const struct rt_figure_kind *kind), void *context,
                    struct rt_left_outs *left_out, struct rt_error *err)
{
    struct rt_figure_kind *kinds = NULL;
    struct account account = {0};
    bool is_drawn;
    int rc, count = 0;

    if (!(rc = rt_alloc(&kinds, RT_FIGURE_KINDS_MAX, sizeof *kinds, "figures", err)) &&
        !(rc = rt_alloc(&account.shown, records->count, sizeof *account.shown, "figures", err))) {
        count = rt_figure_kinds(kinds, records);
        rc = check_names(kinds, count, names, name_count, err);
    }
    for (int i = 0; i < count && !rc; i++) {
        if (!is_named(kinds[i].name, names, name_count))
            continue;
        rc = draw_one(&kinds[i], records, directory, name_count > 0, options, &account, &is_drawn, err);
        if (!rc && is_drawn)
            drawn(context, &kinds[i]);
    }
    if (!rc && name_count == 0)
        rc = close_account(&account, records, left_out, err);
    for (size_t i = 0; i < account.reasons.count && name_count > 0 && !rc; i++)
        rc = rt_leave_out(left_out, account.reasons.items[i].name, account.reasons.items[i].reason, err);
    rt_left_outs_free(&account.reasons);
    rt_free(&account.shown);
    rt_free(&kinds);
    return rc;
}
