/* No text leaves its place in a figure's script and CSV, whatever it holds: gnuplot would run what comes behind
 * it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "figures/gnuplot.h"

static const char *const hostile[] = {
    "x\n;system(\"id>PWNED\")#", /* ends the string at the line's end */
    "x\r\nsystem 'id'",
    "x'; system('id'); print '",
    "x\\", /* would go on with the next line */
    "x\", \"y",
    "`id`",
    "@x {/=40 y}",
    "\xff\xc0\x8a",
    "\xe2\x80\xa8;system('id')",
};

static void fill(struct rt_figure *figure, const char *text)
{
    struct rt_series *series;

    *figure = (struct rt_figure){.name = "f", .panel_count = 1};
    snprintf(figure->title, sizeof figure->title, "%s", text);
    snprintf(figure->note, sizeof figure->note, "%s", text);
    snprintf(figure->legend_title, sizeof figure->legend_title, "%s", text);
    snprintf(figure->panels[0].x_label, sizeof figure->panels[0].x_label, "%s", text);
    snprintf(figure->panels[0].y_label, sizeof figure->panels[0].y_label, "%s", text);
    assert_int_equal(rt_figure_add(figure, RT_MARK_LINE, rt_palette[0], 1, text, &series, NULL), 0);
    series->x[0] = series->y[0] = 1;
}

static size_t count(const char *text, const char *part)
{
    size_t found = 0;

    for (; (text = strstr(text, part)); text += strlen(part))
        found++;
    return found;
}

/* What is left of a line when its strings are cut out; false when one of them does not end on it. */
static bool outside_strings(char *left, const char *line, size_t length)
{
    bool inside = false;

    for (size_t i = 0; i < length; i++)
        if (line[i] == '\'')
            inside = !inside;
        else if (!inside)
            *left++ = line[i];
    *left = '\0';
    return !inside;
}

static void every_string_ends(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
        struct rt_figure figure, plain;
        struct rt_text script = {0}, wanted = {0}, csv = {0};

        fill(&figure, hostile[i]);
        fill(&plain, "x");
        rt_figure_append_script(&figure, &script);
        rt_figure_append_script(&plain, &wanted);
        rt_figure_append_csv(&figure, &csv);
        assert_int_equal(count(rt_text_string(&script), "\n"), count(rt_text_string(&wanted), "\n"));
        assert_int_equal(count(rt_text_string(&csv), "\n"), 4);
        for (const char *line = rt_text_string(&script), *other = rt_text_string(&wanted); *line;) {
            const size_t length = strcspn(line, "\n"), other_length = strcspn(other, "\n");
            char left[1024], other_left[1024];

            if (*line != '#' && !strstr(line, "# ")) {
                if (!outside_strings(left, line, length))
                    fail_msg("text %zu: %.*s", i, (int)length, line);
                outside_strings(other_left, other, other_length);
                assert_string_equal(left, other_left);
            }
            line += length + 1;
            other += other_length + 1;
        }
        rt_figure_free(&figure);
        rt_figure_free(&plain);
        rt_text_free(&script);
        rt_text_free(&wanted);
        rt_text_free(&csv);
    }
}

/* Names that stand aslant or upright get the room that they need, besides the note's and the label's. */
static void names_have_room(void **state)
{
    static const struct {
        const char *name, *rotated;
        double height; /* pixels of a name in the PNG */
    } rows[] = {
        {"MLP1", NULL, 0},
        {"InceptionNoBN_random", "rotate by 65 right", 20 * 16 * 0.906},
        {"a_name_of_forty_four_letters_that_is_too_wide", "rotate by 90 right", 44 * 14},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct rt_figure figure;
        struct rt_text script = {0};
        int width = 0, height = 0;
        double margin = 0;

        fill(&figure, "x");
        for (int k = 0; k < 8; k++)
            snprintf(figure.panels[0].x_names[figure.panels[0].x_name_count++], 64, "%s", rows[i].name);
        rt_figure_append_script(&figure, &script);
        assert_int_equal(
            sscanf(strstr(rt_text_string(&script), "pngcairo size"), "pngcairo size %d,%d", &width, &height),
            2);
        assert_int_equal(
            sscanf(strstr(rt_text_string(&script), "set bmargin"), "set bmargin at screen %lf", &margin), 1);
        if (rows[i].rotated)
            assert_non_null(strstr(rt_text_string(&script), rows[i].rotated));
        else
            assert_null(strstr(rt_text_string(&script), "rotate by"));
        assert_true(margin * height >= rows[i].height + 27 + 40);
        rt_figure_free(&figure);
        rt_text_free(&script);
    }
}

/* gnuplot refuses `plot` of nothing. */
static void a_panel_may_be_empty(void **state)
{
    struct rt_figure figure;
    struct rt_text script = {0};

    (void)state;
    fill(&figure, "x");
    figure.panel_count = 2;
    rt_figure_append_script(&figure, &script);
    assert_int_equal(count(rt_text_string(&script), "    plot "), 3); /* the legend is one */
    assert_int_equal(count(rt_text_string(&script), "    plot [0:1] [0:1] NaN notitle"), 2);
    assert_int_equal(count(rt_text_string(&script), "    plot \n"), 0);
    rt_text_free(&script);
    rt_figure_free(&figure);
}

static double number_after(const struct rt_text *script, const char *words)
{
    const char *at = strstr(rt_text_string(script), words);
    double number = 0;

    assert_non_null(at);
    assert_int_equal(sscanf(at + strlen(words), "%lf", &number), 1);
    return number;
}

/* The panel keeps its height, and the legend's rows stand between its axis and the note. */
static void legends_and_notes_have_room(void **state)
{
    static const struct {
        int panels, entries, letters, note;
        enum rt_legend legend;
        bool below; /* where it is drawn */
        int rows;
        double panel; /* pixels */
    } rows[] = {
        {1, 4, 10, 100, RT_LEGEND_RIGHT, false, 0, 740},
        {1, 4, 10, 590, RT_LEGEND_RIGHT, false, 0, 740},  /* five lines and more */
        {1, 4, 100, 590, RT_LEGEND_RIGHT, true, 4, 680},  /* gnuplot would leave the legend out */
        {1, 20, 10, 100, RT_LEGEND_RIGHT, true, 7, 680},  /* ... or halve the panel */
        {1, 4, 10, 100, RT_LEGEND_BELOW, true, 2, 680},   /* as ever */
        {1, 12, 60, 590, RT_LEGEND_BELOW, true, 12, 680}, /* the panel was a tenth of this */
        {1, 4, 127, 1190, RT_LEGEND_BELOW, true, 4, 680},
        {1, 40, 127, 1190, RT_LEGEND_BELOW, true, 40, 680},
        {3, 24, 30, 800, RT_LEGEND_BELOW, true, 12, 570},
        {3, 5, 125, 1190, RT_LEGEND_BELOW, true, 5, 570},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char label[RT_FIGURE_TEXT_MAX];
        struct rt_figure figure;
        struct rt_series *series;
        struct rt_text script = {0};

        fill(&figure, "x");
        memset(figure.note, 'x', (size_t)rows[i].note); /* it has no spaces: full lines */
        figure.note[rows[i].note] = figure.legend_title[0] = label[rows[i].letters] = '\0';
        figure.panel_count = rows[i].panels;
        figure.legend = rows[i].legend;
        memset(label, 'e', (size_t)rows[i].letters);
        for (int k = 0; k < rows[i].entries; k++) {
            assert_int_equal(rt_figure_add(&figure, RT_MARK_LINE, rt_palette[0], 1, label, &series, NULL), 0);
            series->legend = true;
        }
        rt_figure_append_script(&figure, &script);

        const double height =
            number_after(&script, rows[i].panels > 1 ? "pngcairo size 1920," : "pngcairo size 1280,");
        const double bottom = number_after(&script, "set bmargin at screen ") * height;
        const double note = number_after(&script, "set label 1 at screen 0.015, ") * height;
        double size = 20;
        assert_true(height - bottom >= rows[i].panel);
        assert_int_equal(rows[i].below, !!strstr(rt_text_string(&script), "set key at screen"));
        if (strstr(rt_text_string(&script), "; legend = ',"))
            size = number_after(&script, "small = ',15'; legend = ',");
        assert_true(size >= 9 && size * 0.8 * rows[i].letters <= (rows[i].panels > 1 ? 1850 : 1210));
        if (rows[i].below) {
            const double middle = number_after(&script, "set key at screen 0.5, ") * height;
            const double half = rows[i].rows * 39 * size / 20 / 2;
            assert_true(middle - half >= note + 10);   /* half of the note's line */
            assert_true(middle + half <= bottom - 70); /* numbers and label of the axis */
        }
        rt_figure_free(&figure);
        rt_text_free(&script);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_string_ends),
        cmocka_unit_test(names_have_room),
        cmocka_unit_test(legends_and_notes_have_room),
        cmocka_unit_test(a_panel_may_be_empty),
    };

    return cmocka_run_group_tests_name("figures/script", tests, NULL, NULL);
}
