/* The report's data maps and sheets: what the page's script draws them from, as JSON with all pictures of a run
 * in one PNG. */
#include "figures/report_images.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "figures/grid.h"
#include "figures/html.h"
#include "figures/png.h"
#include "runs/image_scores.h"

extern const char rt_asset_images_section[], rt_asset_images_script[];

enum { MAP_IMAGES = 800, SHEET_IMAGES = 64, SHEETS = 3, SPRITE_COLUMNS = 32 };
enum { ITEMS_MAX = MAP_IMAGES + SHEETS * SHEET_IMAGES };

/* The images that are shown, each once: its number here is its place in the picture. */
struct items {
    size_t images[ITEMS_MAX];
    size_t count;
};

static size_t place_of(struct items *items, size_t image)
{
    size_t i = 0;

    while (i < items->count && items->images[i] != image)
        i++;
    if (i == items->count)
        items->images[items->count++] = image;
    return i;
}

/* Every n-th image, in the order of the images. */
static void append_map(struct rt_text *json, struct items *items, const struct rt_image_scores *scores)
{
    const size_t step = (scores->count + MAP_IMAGES - 1) / MAP_IMAGES;

    rt_text_append(json, "\"map\":[");
    for (size_t i = 0; i < scores->count; i += step)
        rt_text_printf(json, "%s%zu", i ? "," : "", place_of(items, i));
    rt_text_append(json, "]");
}

static void append_sheets(struct rt_text *json, struct items *items, const struct rt_image_scores *scores)
{
    static const struct {
        const char *title;
        bool typical, wrong;
    } sheets[SHEETS] = {
        {"Least typical: the labels most likely to be wrong (lowest AUM)", false, false},
        {"Most typical (highest AUM)", true, false},
        {"Wrong labels that look most like right ones (highest AUM)", true, true},
    };
    bool first = true;

    rt_text_append(json, ",\n\"sheets\":[");
    for (size_t s = 0; s < SHEETS && scores->dataset; s++) {
        size_t images[SHEET_IMAGES];
        const size_t count =
            rt_image_scores_end(scores, sheets[s].typical, sheets[s].wrong, SHEET_IMAGES, images);

        if (!count)
            continue;
        rt_text_printf(json, "%s{\"title\":\"%s\",\"items\":[", first ? "" : ",\n", sheets[s].title);
        first = false;
        for (size_t i = 0; i < count; i++)
            rt_text_printf(json, "%s%zu", i ? "," : "", place_of(items, images[i]));
        rt_text_append(json, "]}");
    }
    rt_text_append(json, "]");
}

/* null: infinite */
static void append_values(struct rt_text *json, const struct items *items, const double *values)
{
    for (size_t i = 0; i < items->count; i++) {
        const double value = values[items->images[i]];

        rt_text_append(json, i ? "," : "[");
        if (isfinite(value))
            rt_text_printf(json, "%.4g", value);
        else
            rt_text_append(json, "null");
    }
    rt_text_append(json, "]");
}

static void append_labels(struct rt_text *json, const struct items *items, const char *key,
                          const uint8_t *labels)
{
    rt_text_printf(json, ",\n\"%s\":", key);
    for (size_t i = 0; i < items->count; i++)
        rt_text_printf(json, "%s%d", i ? "," : "[", labels[items->images[i]]);
    rt_text_append(json, "]");
}

static void append_items(struct rt_text *json, const struct items *items, const struct rt_image_scores *scores)
{
    rt_text_append(json, ",\n\"index\":");
    for (size_t i = 0; i < items->count; i++)
        rt_text_printf(json, "%s%zu", i ? "," : "[", items->images[i]);
    rt_text_append(json, "]");
    rt_text_append(json, ",\n\"scores\":{");
    for (int k = 0; k < RT_SCORE_COUNT; k++) {
        rt_text_printf(json, "%s\"%s\":", k ? ",\n" : "", rt_score_list[k]->name);
        append_values(json, items, scores->values[k]);
    }
    rt_text_append(json, "}");
    if (!scores->dataset)
        return;
    append_labels(json, items, "given", scores->dataset->labels);
    append_labels(json, items, "truth", scores->dataset->labels_true);
    rt_text_append(json, ",\n\"classes\":");
    for (int c = 0; c < RT_CLASSES; c++) {
        rt_text_append(json, c ? "," : "[");
        rt_html_append_json(json, scores->dataset->classes[c]);
    }
    rt_text_append(json, "]");
}

/* All pictures in one PNG, SPRITE_COLUMNS to a row. */
static int append_sprite(struct rt_text *json, const struct items *items, const struct rt_dataset *dataset,
                         struct rt_error *err)
{
    struct rt_grid grid;
    uint8_t *bytes = NULL;
    size_t size;
    int rc;

    RT_TRY(rt_grid_create(&grid, SPRITE_COLUMNS, (int)(items->count + SPRITE_COLUMNS - 1) / SPRITE_COLUMNS, 1,
                          err));
    for (size_t i = 0; i < items->count; i++)
        rt_grid_draw(&grid, (int)(i % SPRITE_COLUMNS), (int)(i / SPRITE_COLUMNS), dataset,
                     (uint32_t)items->images[i]);
    if (!(rc = rt_png_encode(&bytes, &size, "the report's images", grid.rgb, grid.width, grid.height, err))) {
        rt_text_printf(json, ",\n\"columns\":%d,\"side\":%d,\"gap\":%d,\n\"sprite\":\"data:image/png;base64,",
                       SPRITE_COLUMNS, RT_CROP, RT_GRID_GAP);
        rt_html_append_base64(json, bytes, size);
        rt_text_append(json, "\"");
    }
    rt_free(&bytes);
    rt_grid_free(&grid);
    return rc;
}

static void append_about(struct rt_text *json, const struct rt_scored_run *run, const char *missing)
{
    struct rt_text about = {0};

    rt_text_printf(&about, "%zu training images, %zu epochs", run->scores.count, run->scores.epochs);
    if (run->scores.dataset)
        rt_text_printf(&about, ", %zu wrong labels (%.2f %%)", run->scores.wrong_count,
                       100 * (double)run->scores.wrong_count / (double)run->scores.count);
    if (run->scores.count > MAP_IMAGES)
        rt_text_printf(&about, "; the map shows one in %zu", (run->scores.count + MAP_IMAGES - 1) / MAP_IMAGES);
    rt_text_append(json, "\"about\":");
    rt_html_append_json(json, rt_text_string(&about));
    rt_text_clear(&about);
    if (missing)
        rt_text_printf(&about,
                       "Without pictures and labels, since the images that it was trained on were not found: "
                       "%s. rethink report --data DIR names them.",
                       missing);
    else if (rt_scored_run_changed_labels(run))
        rt_text_append(&about, RT_LABELS_MAY_CHANGE);
    rt_text_append(json, ",\"note\":");
    rt_html_append_json(json, rt_text_string(&about));
    rt_text_append(json, ",\n");
    json->failed = json->failed || about.failed;
    rt_text_free(&about);
}

static int append_run(struct rt_text *json, struct rt_scored_run *run, const char *name, const char *data,
                      struct rt_error *err)
{
    struct items *items;
    struct rt_error missing;
    int rc = rt_scored_run_load(run, data, &missing);

    if (rc == RT_EMEMORY)
        return rt_fail(err, RT_EMEMORY, "%s", missing.message);
    RT_TRY(rt_alloc(&items, 1, sizeof *items, "the report's images", err));
    rt_text_append(json, "{\"name\":");
    rt_html_append_json(json, name);
    rt_text_append(json, ",");
    append_about(json, run, rc ? missing.message : NULL);
    append_map(json, items, &run->scores);
    append_sheets(json, items, &run->scores);
    append_items(json, items, &run->scores);
    rc = rc ? RT_OK : append_sprite(json, items, &run->dataset, err);
    rt_text_append(json, "}");
    rt_free(&items);
    return rc;
}

static bool kept_history(const struct rt_record *record)
{
    return record->has_config && record->experiment.record_images;
}

static void append_paragraph(struct rt_text *page, const char *text)
{
    rt_text_append(page, "<p>");
    rt_html_append_text(page, text);
    rt_text_append(page, "</p>\n");
}

/* The runs' JSON; what is not in it, and why, as paragraphs. */
static int append_runs(struct rt_text *json, struct rt_text *notes, const struct rt_records *records,
                       const char *data, size_t most, struct rt_error *err)
{
    size_t shown = 0, more = 0;
    int rc = RT_OK;

    for (size_t i = 0; i < records->count && !rc; i++) {
        const struct rt_record *record = &records->runs[i];
        struct rt_scored_run run;
        struct rt_error cause;

        if (!kept_history(record))
            continue;
        if (shown == most) {
            more++;
            continue;
        }
        if ((rc = rt_scored_run_read(&run, record->dir, 0, &cause)) == RT_EMEMORY) {
            rt_fail(err, RT_EMEMORY, "%s", cause.message);
        } else if (rc) { /* the other runs can be shown */
            append_paragraph(notes, cause.message);
            rc = RT_OK;
        } else {
            rt_text_append(json, shown++ ? ",\n" : "\n");
            rc = append_run(json, &run, record->name, data, err);
        }
        rt_scored_run_free(&run);
    }
    if (more && !rc) {
        struct rt_text text = {0};

        rt_text_printf(&text, "%zu more run%s kept a history of images", more, more == 1 ? "" : "s");
        if (shown)
            rt_text_printf(&text, "; each would add about %zu KB to this page", json->length / shown / 1000);
        rt_text_append(&text, " (rethink report --images N shows N runs).");
        append_paragraph(notes, rt_text_string(&text));
        rt_text_free(&text);
    }
    return rc;
}

static void fill_section(struct rt_text *section, const struct rt_text *notes, const struct rt_text *json)
{
    const struct {
        const char *slot, *content;
    } parts[] = {{"{{notes}}", rt_text_string(notes)},
                 {"{{runs}}", rt_text_string(json)},
                 {"{{script}}", rt_asset_images_script}};
    const char *at = rt_asset_images_section;

    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        const char *open = strstr(at, parts[i].slot);

        rt_text_append_bytes(section, at, (size_t)(open - at));
        rt_text_append(section, parts[i].content);
        at = open + strlen(parts[i].slot);
    }
    rt_text_append(section, at);
}

int rt_report_append_images(struct rt_text *section, struct rt_text *link, const struct rt_records *records,
                            const char *data, size_t most, bool under_way, struct rt_error *err)
{
    struct rt_text json = {0}, notes = {0};
    size_t count = 0;
    int rc = RT_OK;

    for (size_t i = 0; i < records->count; i++)
        count += kept_history(&records->runs[i]);
    if (!count || !most)
        return RT_OK;
    rt_text_append(link, " <a href=\"#images\">Images</a>");
    rt_text_append(&json, "[");
    if (under_way)
        append_paragraph(&notes, "Data maps and images come when all runs have ended.");
    else
        rc = append_runs(&json, &notes, records, data, most, err);
    rt_text_append(&json, "]");
    if (!rc && !(rc = rt_text_check(&json, err)) && !(rc = rt_text_check(&notes, err)))
        fill_section(section, &notes, &json);
    rt_text_free(&json);
    rt_text_free(&notes);
    return rc;
}
