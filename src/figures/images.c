#include "figures/images.h"

#include <math.h>
#include <stdio.h>

#include "base/escape.h"
#include "base/memory.h"
#include "base/text.h"
#include "figures/gnuplot.h"

enum { MAP_POINTS = 6000, BINS = 50, SHEET_COLUMNS = 8, SHEET_ROWS = 4, GAP = 6, LABELS = 14, CAPTION = 10 };

#define RIGHT_COLOR "0072B2"
#define WRONG_COLOR "D55E00"

/* What all three scripts begin with; they end with the loop's brace. */
static void begin_script(struct rt_text *out, const char *name, int width, int height)
{
    rt_text_printf(
        out,
        "# Draws %s.svg, .png and .pdf from %s.csv: run `gnuplot %s.gp` in this folder.\n"
        "data = '%s.csv'\n"
        "do for [type in 'svg png pdf'] {\n    reset\n"
        "    if (type eq 'svg') {\n"
        "        set terminal svg size %d,%d dynamic background rgb 'white' font 'DejaVu Sans,22'\n"
        "        dot = 0.18; small = ',15'\n"
        "    }\n    if (type eq 'pdf') {\n"
        "        set terminal pdfcairo size %.2fin,%.2fin background rgb 'white' font 'DejaVu Sans,11'\n"
        "        dot = 0.2; small = ',7'\n"
        "    }\n    if (type eq 'png') {\n"
        "        set terminal pngcairo size %d,%d background rgb 'white' font 'DejaVu Sans,17'\n"
        "        dot = 0.45; small = ',11'\n"
        "    }\n    set output '%s.'.type\n"
        "    set encoding utf8\n    set datafile separator ','\n"
        "    set border lc rgb '#404040'\n    set tics nomirror out scale 0.6\n",
        name, name, name, name, width, height, width / 150.0, height / 150.0, width, height, name);
}

static void append_title(struct rt_text *out, const char *command, const struct rt_image_scores *scores,
                         const char *what)
{
    struct rt_text title = {0};

    rt_text_printf(&title, "%s: %s, %zu epochs", scores->name, what, scores->epochs);
    rt_text_printf(out, "    %s ", command);
    rt_escape_gnuplot(out, rt_text_string(&title));
    rt_text_append(out, " noenhanced\n");
    rt_text_free(&title);
}

static int draw(const struct rt_image_scores *scores, const char *kind, struct rt_text *csv,
                struct rt_text *script, const char *folder, void (*wrote)(const char *path),
                struct rt_error *err)
{
    char name[RT_TEXT_MAX + 32], path[RT_PATH_MAX], file[RT_TEXT_MAX + 40];
    int rc;

    snprintf(name, sizeof name, "%s_%s", scores->name, kind);
    snprintf(file, sizeof file, "%s.png", name);
    if (!(rc = rt_gnuplot_draw(name, csv, script, folder, err)) &&
        !(rc = rt_path_join(path, folder, file, err)) && wrote)
        wrote(path);
    rt_text_free(csv);
    rt_text_free(script);
    return rc;
}

static bool is_wrong(const struct rt_image_scores *scores, size_t image)
{
    return scores->wrong && scores->wrong[image];
}

/* ---- the data map ---- */

/* Every n-th image, in the order of the images, so that colours lie over each other as they come. */
static int draw_map(const struct rt_image_scores *scores, const char *folder, void (*wrote)(const char *path),
                    struct rt_error *err)
{
    const size_t step = (scores->count + MAP_POINTS - 1) / MAP_POINTS;
    struct rt_text csv = {0}, script = {0};
    char name[RT_TEXT_MAX + 32];

    snprintf(name, sizeof name, "%s_data_map", scores->name);
    rt_text_append(&csv, "image,deviation,probability,wrong\n");
    for (size_t i = 0; i < scores->count; i += step)
        rt_text_printf(&csv, "%zu,%.5g,%.5g,%d\n", i, scores->values[RT_SCORE_deviation][i],
                       scores->values[RT_SCORE_probability][i], is_wrong(scores, i));
    begin_script(&script, name, 1100, 900);
    append_title(&script, "set title", scores, step > 1 ? "data map (a sample of the images)" : "data map");
    rt_text_append(
        &script,
        "    set grid lw 1 dt 1 lc rgb '#d8d8d8' back\n"
        "    set xlabel 'Standard deviation of the given label''s probability'\n"
        "    set ylabel 'Mean probability of the given label'\n"
        "    set xrange [0:0.5]; set yrange [0:1]\n"
        "    set key inside bottom right Left reverse samplen 1\n"
        "    set label 1 'easy to learn' at 0.01, 0.97 tc rgb '#404040'\n"
        "    set label 2 'ambiguous' at 0.49, 0.5 right tc rgb '#404040'\n"
        "    set label 3 'hard to learn' at 0.01, 0.03 tc rgb '#404040'\n"
        "    plot data skip 1 using ($4 == 0 ? $2 : NaN):3 with points pt 7 ps dot lc rgb '#90" RIGHT_COLOR
        "' notitle");
    if (scores->wrong)
        rt_text_append(
            &script,
            ", \\\n        data skip 1 using ($4 == 1 ? $2 : NaN):3 with points pt 7 ps dot "
            "lc rgb '#90" WRONG_COLOR "' notitle, \\\n"
            "        keyentry with points pt 7 ps 1.2 lc rgb '#" RIGHT_COLOR "' title 'label is right', \\\n"
            "        keyentry with points pt 7 ps 1.2 lc rgb '#" WRONG_COLOR "' title 'label is wrong'");
    rt_text_append(&script, "\n    unset output\n}\n");
    return draw(scores, "data_map", &csv, &script, folder, wrote, err);
}

/* ---- distributions ---- */

struct range {
    double low, high; /* of the finite values */
};

static struct range range_of(const double *values, size_t count)
{
    struct range range = {INFINITY, -INFINITY};

    for (size_t i = 0; i < count; i++)
        if (isfinite(values[i])) {
            range.low = fmin(range.low, values[i]);
            range.high = fmax(range.high, values[i]);
        }
    if (!(range.high > range.low))
        range.high = (range.low = isfinite(range.low) ? range.low : 0) + 1;
    return range;
}

/* Counts have a bin each, around it; other scores BINS of them. */
static int bins_of(enum rt_score_index s, struct range *range)
{
    const double counts = range->high - range->low + 1;

    if (s != RT_SCORE_forgetting || counts > BINS)
        return BINS;
    range->low -= 0.5;
    range->high += 0.5;
    return (int)counts;
}

/* Shares of the right and of the wrong labels in bins; what is infinite falls into none. */
static void append_bins(struct rt_text *csv, const struct rt_image_scores *scores, enum rt_score_index s,
                        struct range range, int bins)
{
    double in[2][BINS] = {{0}}, all[2] = {0};

    for (size_t i = 0; i < scores->count; i++) {
        const double value = scores->values[s][i], place = (value - range.low) / (range.high - range.low);
        const bool wrong = is_wrong(scores, i);

        all[wrong]++;
        if (isfinite(value))
            in[wrong][(int)fmin(place * bins, bins - 1)]++;
    }
    for (int b = 0; b < bins; b++)
        rt_text_printf(csv, "%s,%.6g,%.5g,%.5g\n", rt_score_list[s]->name,
                       range.low + (b + 0.5) * (range.high - range.low) / bins,
                       all[0] > 0 ? in[0][b] / all[0] : 0, all[1] > 0 ? in[1][b] / all[1] : 0);
}

static int draw_distributions(const struct rt_image_scores *scores, const char *folder,
                              void (*wrote)(const char *path), struct rt_error *err)
{
    static const enum rt_score_index shown[] = {RT_SCORE_aum, RT_SCORE_loss, RT_SCORE_probability,
                                                RT_SCORE_forgetting};
    struct rt_text csv = {0}, script = {0};
    char name[RT_TEXT_MAX + 32];

    snprintf(name, sizeof name, "%s_scores", scores->name);
    begin_script(&script, name, 1600, 1000);
    append_title(&script, "set multiplot layout 2,2 title", scores,
                 scores->wrong ? "right labels (blue), wrong ones (orange)" : "scores of all images");
    rt_text_append(&script, "    unset key; set style fill transparent solid 0.5 noborder\n"
                            "    set ylabel 'Share of the images'; set yrange [0:*]\n");
    rt_text_append(&csv, "score,value,right,wrong\n");
    for (size_t k = 0; k < sizeof shown / sizeof *shown; k++) {
        struct range range = range_of(scores->values[shown[k]], scores->count);
        const int bins = bins_of(shown[k], &range);

        rt_text_append(&csv, k ? "\n\n" : "");
        append_bins(&csv, scores, shown[k], range, bins);
        rt_text_printf(&script,
                       "    set xlabel '%s'; set boxwidth %.6g\n    plot data %sindex %zu using 2:3 with boxes "
                       "lc rgb '#" RIGHT_COLOR "'",
                       rt_score_list[shown[k]]->label, (range.high - range.low) / bins, k ? "" : "skip 1 ", k);
        if (scores->wrong)
            rt_text_printf(&script,
                           ", \\\n        data %sindex %zu using 2:4 with boxes lc rgb '#" WRONG_COLOR "'",
                           k ? "" : "skip 1 ", k);
        rt_text_append(&script, "\n");
    }
    rt_text_append(&script, "    unset multiplot\n    unset output\n}\n");
    return draw(scores, "scores", &csv, &script, folder, wrote, err);
}

/* ---- sheets ---- */

/* The image's pixels, its upper left corner at (left, top); the sheet's y axis points down. */
static void append_image(struct rt_text *csv, const struct rt_dataset *dataset, size_t image, int left, int top)
{
    const int margin = (dataset->side - RT_CROP) / 2;
    const size_t plane = (size_t)(dataset->side * dataset->side), channels = (size_t)dataset->channels;

    for (int y = 0; y < RT_CROP; y++)
        for (int x = 0; x < RT_CROP; x++) {
            const size_t at = (size_t)((y + margin) * dataset->side + x + margin);

            rt_text_printf(csv, "%d,%d", left + x, top + y);
            for (size_t c = 0; c < 3; c++) { /* grey: the same three times */
                const size_t place = (image * channels + (c < channels ? c : 0)) * plane + at;

                rt_text_printf(csv, ",%d",
                               dataset->noise ? (int)lroundf(dataset->noise[place] * 255)
                                              : dataset->pixels[place]);
            }
            rt_text_append(csv, "\n");
        }
}

/* The given label, and below it the true one where it differs. */
static void append_labels(struct rt_text *script, const struct rt_image_scores *scores, size_t image, int left,
                          int top)
{
    const struct rt_dataset *dataset = scores->dataset;
    const int x = left + RT_CROP / 2, y = top + RT_CROP;

    rt_text_append(script, "    set label ");
    rt_escape_gnuplot(script, dataset->classes[dataset->labels[image]]);
    rt_text_printf(script, " at %d,%d center noenhanced font small tc rgb '#%s'\n", x, y + 3,
                   is_wrong(scores, image) ? WRONG_COLOR : "202020");
    if (!is_wrong(scores, image))
        return;
    rt_text_append(script, "    set label ");
    rt_escape_gnuplot(script, dataset->classes[dataset->labels_true[image]]);
    rt_text_printf(script, " at %d,%d center noenhanced font small tc rgb '#" RIGHT_COLOR "'\n", x, y + 9);
}

/* The images at one end of the ranking by AUM, in rows from `top` on; returns how many. */
static int append_end(struct rt_text *csv, struct rt_text *script, const struct rt_image_scores *scores,
                      bool typical, int top)
{
    enum { MOST = SHEET_COLUMNS * SHEET_ROWS };
    size_t chosen[MOST];
    const int count = (int)rt_image_scores_end(scores, typical, false, MOST, chosen);

    for (int k = 0; k < count; k++) {
        /* blocks of their own: gnuplot wants the pixels of a picture to be a grid */
        const int x = k % SHEET_COLUMNS * (RT_CROP + GAP), y = top + k / SHEET_COLUMNS * (RT_CROP + LABELS);

        rt_text_append(csv, typical || k ? "\n\n" : "");
        append_image(csv, scores->dataset, chosen[k], x, y);
        append_labels(script, scores, chosen[k], x, y);
    }
    return count;
}

static int draw_sheet(const struct rt_image_scores *scores, const char *folder, void (*wrote)(const char *path),
                      struct rt_error *err)
{
    const int width = SHEET_COLUMNS * (RT_CROP + GAP) - GAP, half = CAPTION + SHEET_ROWS * (RT_CROP + LABELS);
    struct rt_text csv = {0}, script = {0};
    char name[RT_TEXT_MAX + 32];
    int count;

    snprintf(name, sizeof name, "%s_images", scores->name);
    begin_script(&script, name, 1000, 1400);
    append_title(&script, "set title", scores, "least and most typical images by AUM");
    rt_text_printf(&script,
                   "    unset border; unset tics; unset key; set lmargin 3; set rmargin 3; set bmargin 1\n"
                   "    set xrange [-1:%d]; set yrange [%d:-1]; set size ratio -1\n"
                   "    set label 'least typical: the labels most likely to be wrong' at 0,4 left\n"
                   "    set label 'most typical' at 0,%d left\n",
                   width, 2 * half + CAPTION, half + 4);
    if (scores->wrong)
        rt_text_printf(
            &script,
            "    set label 'given label (orange: wrong), true label (blue)' at %d,%d right font small "
            "tc rgb '#404040'\n",
            width, 2 * half + 4);
    rt_text_append(&csv, "x,y,red,green,blue\n");
    count = append_end(&csv, &script, scores, false, CAPTION);
    count += append_end(&csv, &script, scores, true, half + CAPTION);
    rt_text_printf(&script,
                   "    plot data skip 1 index 0 using 1:2:3:4:5 with rgbimage notitle, \\\n"
                   "        for [i=1:%d] data index i using 1:2:3:4:5 with rgbimage notitle\n"
                   "    unset output\n}\n",
                   count - 1);
    return draw(scores, "images", &csv, &script, folder, wrote, err);
}

int rt_images_draw(const struct rt_image_scores *scores, const char *folder, void (*wrote)(const char *path),
                   struct rt_error *err)
{
    RT_TRY(draw_map(scores, folder, wrote, err));
    RT_TRY(draw_distributions(scores, folder, wrote, err));
    return draw_sheet(scores, folder, wrote, err);
}
