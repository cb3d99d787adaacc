#include "figures/report.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/entry.h"
#include "base/memory.h"
#include "base/path.h"
#include "config/corruptions.h"
#include "data/sources.h"
#include "figures/findings.h"
#include "figures/html.h"
#include "figures/report_charts.h"
#include "figures/report_claims.h"
#include "figures/report_images.h"
#include "figures/report_results.h"

/* Made of the files beside this one, and of dygraphs. */
extern const char rt_asset_page[], rt_asset_style[], rt_asset_script[], rt_asset_dygraph_script[],
    rt_asset_dygraph_style[];

static const size_t picture_size_max = (size_t)32 << 20;
enum { SVG_SIZE_GOOD = 250000 }; /* a larger one gives way to its PNG */

static bool is_there(const char *folder, const char *name, const char *suffix)
{
    char file[128];

    snprintf(file, sizeof file, "%s.%s", name, suffix);
    return rt_entry_look(folder, file) == RT_ENTRY_FILE; /* a link could show any file of ours */
}

/* The files beside the page from which the figure can be had. */
static void append_files(struct rt_text *page, const char *folder, const char *name)
{
    static const struct {
        const char *suffix, *label;
    } files[] = {{"csv", "CSV"}, {"svg", "SVG"}, {"pdf", "PDF"}};

    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (is_there(folder, name, files[i].suffix))
            rt_html_append_file(page, name, files[i].suffix, files[i].label);
}

/* FIGURES/NAME.svg, or .png where that is smaller; nothing where it was not drawn. */
static int append_figure(struct rt_text *page, const char *folder, const char *name, const char *help,
                         const char *finding, const char *note, struct rt_error *err)
{
    static const struct {
        const char *suffix, *type;
    } kinds[] = {{"svg", "svg+xml"}, {"png", "png"}};
    for (int i = 0; i < 2; i++) {
        char file[128];
        char *bytes = NULL;
        size_t size;
        if (!is_there(folder, name, kinds[i].suffix))
            continue;
        snprintf(file, sizeof file, "%s.%s", name, kinds[i].suffix);
        RT_TRY(rt_entry_read(folder, file, picture_size_max, &bytes, &size, err));
        const bool good = i == 1 || size <= SVG_SIZE_GOOD;
        if (good) {
            rt_html_append_picture(page, bytes, size, kinds[i].type, name, help);
            append_files(page, folder, name);
            rt_html_end_picture(page, finding, note);
        }
        rt_free(&bytes);
        if (good)
            return RT_OK;
    }
    return RT_OK;
}

/* A drawn figure, with what its note says of these runs. */
static int append_kind(struct rt_text *page, const struct rt_figure_kind *kind,
                       const struct rt_records *records, const struct rt_report_options *options,
                       struct rt_error *err)
{
    struct rt_figure figure;
    struct rt_text finding = {0};
    int rc = rt_figure_build(&figure, kind, records, &options->drawing, err);

    if (!rc && rt_figure_has_data(&figure)) { /* a picture of other runs may be left there */
        rt_findings_append(&finding, &figure, kind);
        if (!(rc = rt_text_check(&finding, err)))
            rc = append_figure(page, options->figures, kind->name, kind->help, rt_text_string(&finding),
                               figure.note, err);
    }
    rt_text_free(&finding);
    rt_figure_free(&figure);
    return rc;
}

/* The pictures of claims that were found here and are no figure of the list: what table1, table4, theorem1 and
 * rademacher have drawn. */
static int append_claim_pictures(struct rt_text *page, const struct rt_claims_found *found,
                                 const struct rt_figure_kind *kinds, int count, const char *folder,
                                 struct rt_error *err)
{
    for (int i = 0; i < RT_CLAIM_COUNT; i++) {
        int k = 0;

        while (k < count && strcmp(kinds[k].name, rt_claims[i].picture) != 0)
            k++;
        if (k == count && *rt_claims[i].picture && found->texts[i].length)
            RT_TRY(append_figure(page, folder, rt_claims[i].picture, rt_claims[i].claim, "", "", err));
    }
    return RT_OK;
}

static int append_figures(struct rt_text *page, const struct rt_claims_found *found,
                          const struct rt_records *records, const struct rt_report_options *options,
                          struct rt_error *err)
{
    static const struct {
        const char *name, *help;
    } samples[] = {
#define BATCH(id, name, help) {name, "the first training batch"},
#define PAIRS(name, title, file, help) {file, help},
        RT_SOURCES(BATCH) RT_PIXEL_CORRUPTIONS(PAIRS)
#undef BATCH
#undef PAIRS
    };
    struct rt_figure_kind *kinds = NULL;
    RT_TRY(rt_alloc(&kinds, RT_FIGURE_KINDS_MAX, sizeof *kinds, "figures", err));
    const int count = rt_figure_kinds(kinds, records);
    int rc = RT_OK;
    for (int i = 0; i < count && !rc; i++)
        rc = append_kind(page, &kinds[i], records, options, err);
    if (!rc)
        rc = append_claim_pictures(page, found, kinds, count, options->figures, err);
    rt_free(&kinds);
    RT_TRY(rc);
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++)
        RT_TRY(append_figure(page, options->figures, samples[i].name, samples[i].help, "", "", err));
    return RT_OK;
}

/* What stands for {{NAME}} in the page. */
struct slots {
    struct rt_text facts, claims, claims_data, results, figures, choices, charts, images, images_link;
    const char *state;
};

static const char *slot(const struct slots *slots, const char *name, size_t length)
{
    const struct {
        const char *name, *content;
    } all[] = {
        {"style", rt_asset_style},
        {"script", rt_asset_script},
        {"dygraph_style", rt_asset_dygraph_style},
        {"dygraph_script", rt_asset_dygraph_script},
        {"facts", rt_text_string(&slots->facts)},
        {"claims", rt_text_string(&slots->claims)},
        {"claims_data", rt_text_string(&slots->claims_data)},
        {"results", rt_text_string(&slots->results)},
        {"figures", rt_text_string(&slots->figures)},
        {"choices", rt_text_string(&slots->choices)},
        {"charts", rt_text_string(&slots->charts)},
        {"images", rt_text_string(&slots->images)},
        {"images_link", rt_text_string(&slots->images_link)},
        {"state", slots->state},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (strlen(all[i].name) == length && !strncmp(all[i].name, name, length))
            return all[i].content;
    return "";
}

static void fill_page(struct rt_text *page, const struct slots *slots)
{
    const char *at = rt_asset_page;

    for (const char *open; (open = strstr(at, "{{"));) {
        const char *close = strstr(open, "}}");
        rt_text_append_bytes(page, at, (size_t)(open - at));
        rt_text_append(page, slot(slots, open + 2, (size_t)(close - open) - 2));
        at = close + 2;
    }
    rt_text_append(page, at);
}

static int check_slots(const struct slots *slots, struct rt_error *err)
{
    RT_TRY(rt_text_check(&slots->facts, err));
    RT_TRY(rt_text_check(&slots->claims, err));
    RT_TRY(rt_text_check(&slots->claims_data, err));
    RT_TRY(rt_text_check(&slots->results, err));
    RT_TRY(rt_text_check(&slots->figures, err));
    RT_TRY(rt_text_check(&slots->choices, err));
    RT_TRY(rt_text_check(&slots->images, err));
    RT_TRY(rt_text_check(&slots->images_link, err));
    return rt_text_check(&slots->charts, err);
}

/* The claims, and whether their numbers are of the same images as the paper's. */
static int append_claims(struct slots *slots, const struct rt_claims_found *found,
                         const struct rt_records *records, struct rt_error *err)
{
    const char *data = records->count ? records->runs[0].result.provenance.data.name : "cifar10";

    if (strcmp(data, "cifar10") != 0) {
        rt_text_append(&slots->claims_data, ", on ");
        rt_html_append_text(&slots->claims_data, data);
    }
    rt_report_append_claims(&slots->claims, found, rt_text_string(&slots->figures));
    return rt_text_check(&slots->claims, err);
}

int rt_report_write(const struct rt_records *records, const struct rt_report_options *options,
                    struct rt_error *err)
{
    struct rt_claims_found found = {0};
    struct slots slots = {.state = options->under_way ? "under-way" : "finished"};
    struct rt_text page = {0};
    int rc;

    rt_report_append_facts(&slots.facts, records, options->runs);
    if (!(rc = rt_report_append_results(&slots.results, records, options->drawing.reference, err)) &&
        !(rc = rt_claims_find(&found, records, options->figures, &options->drawing, err)) &&
        !(rc = append_figures(&slots.figures, &found, records, options, err)) &&
        !(rc = rt_report_append_charts(&slots.choices, &slots.charts, records, &options->drawing, err)) &&
        !(rc = rt_report_append_images(&slots.images, &slots.images_link, records, options->data,
                                       options->images_runs, options->under_way, err)) &&
        !(rc = append_claims(&slots, &found, records, err)) && !(rc = check_slots(&slots, err))) {
        fill_page(&page, &slots);
        if (!(rc = rt_text_check(&page, err)))
            rc = rt_file_write_all(options->path, rt_text_string(&page), page.length, err);
    }
    rt_text_free(&slots.facts);
    rt_text_free(&slots.claims);
    rt_text_free(&slots.claims_data);
    rt_text_free(&slots.results);
    rt_text_free(&slots.figures);
    rt_text_free(&slots.choices);
    rt_text_free(&slots.charts);
    rt_text_free(&slots.images);
    rt_text_free(&slots.images_link);
    rt_claims_free(&found);
    rt_text_free(&page);
    return rc;
}
