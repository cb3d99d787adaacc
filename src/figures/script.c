/* A figure as gnuplot's words: the CSV and the script. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "figures/gnuplot.h"
#include "figures/layout.h"

void rt_figure_append_csv(const struct rt_figure *figure, struct rt_text *out)
{
    rt_text_printf(out, "panel,series,kind,x,y,low,high\n");
    for (size_t i = 0; i < figure->series_count; i++) {
        const struct rt_series *series = &figure->series[i];
        rt_text_printf(out, "\n\n");
        for (size_t k = 0; k < series->count; k++) {
            rt_text_printf(out, "%d,", series->panel + 1);
            rt_escape_csv(out, series->label);
            rt_text_printf(out, ",%s,%.7g,", rt_mark_name(series->mark), series->x[k]);
            if (series->y)
                rt_text_printf(out, "%.7g,,\n", series->y[k]);
            else
                rt_text_printf(out, ",%.7g,%.7g\n", series->low[k], series->high[k]);
        }
    }
}

/* Solid, then what tells variants apart; published lines have dashes of their own. */
static void print_dash(struct rt_text *out, const struct rt_series *series)
{
    static const char *const dashes[] = {"", " dt (5,4)", " dt (14,4,3,4)", " dt (2,3)"};

    rt_text_append(out, dashes[series->dash % 4]);
}

/* `alpha` 0 opaque .. 255 clear, as gnuplot counts. */
static void print_color(struct rt_text *out, const struct rt_style *style, unsigned alpha)
{
    rt_text_printf(out, " lc rgb '#%02X%s'", alpha, style->color + 1);
}

static void print_series(struct rt_text *out, const struct rt_series *series, size_t index)
{
    rt_text_printf(out, "data index %zu using ", index + 1);
    switch (series->mark) {
    case RT_MARK_BEST:
    case RT_MARK_BAND:
        rt_text_printf(out, "4:6:7 with filledcurves fs solid noborder");
        print_color(out, &series->style, 0xC0);
        break;
    case RT_MARK_BARS:
        rt_text_printf(out, "4:(($6+$7)/2):6:7 with yerrorbars pt 0 lw 2");
        print_color(out, &series->style, 0);
        break;
    case RT_MARK_LEVEL:
        rt_text_printf(out, "4:5 with lines lw 2 dt 3");
        print_color(out, &series->style, 0x40);
        break;
    case RT_MARK_PUBLISHED:
        rt_text_printf(out, "4:5 with lines lw 1.6 dt (18,9)");
        print_color(out, &series->style, 0x50);
        break;
    case RT_MARK_PUBLISHED_POINTS:
        /* unjoined, it stands around our own where both are the same */
        rt_text_printf(out, "4:5 with %s*mark pt %d",
                       series->unjoined ? "points lw 1.8 ps 3.2" : "linespoints lw 1.2 dt (18,9) ps 2.2",
                       series->style.point_outline);
        print_color(out, &series->style, 0x50);
        break;
    case RT_MARK_RAW:
        rt_text_printf(out, "4:5 with lines lw 1");
        print_color(out, &series->style, 0xC8);
        break;
    case RT_MARK_THIN:
        rt_text_printf(out, "4:5 with lines lw 1.5");
        print_dash(out, series);
        print_color(out, &series->style, 0x50);
        break;
    case RT_MARK_LINE:
        /* markers at seven places tell the lines apart without colour */
        if (series->style.point)
            rt_text_printf(out, "4:5 with linespoints lw 2.5 pt %d ps 1.7*mark pn 7", series->style.point);
        else
            rt_text_printf(out, "4:5 with lines lw 2.5");
        print_dash(out, series);
        print_color(out, &series->style, 0);
        break;
    case RT_MARK_POINTS:
    case RT_MARK_COUNT:
        rt_text_printf(out, "4:5 with %s pt %d ps 2*mark", series->unjoined ? "points" : "linespoints lw 2.5",
                       series->style.point);
        if (!series->unjoined)
            print_dash(out, series);
        print_color(out, &series->style, 0);
        break;
    }
    if (series->legend) {
        rt_text_printf(out, " title ");
        rt_escape_gnuplot(out, series->label);
    } else {
        rt_text_printf(out, " notitle");
    }
}

static void print_published_points(const struct rt_figure *figure, struct rt_text *out)
{
    bool unjoined = false;

    for (size_t i = 0; i < figure->series_count; i++)
        unjoined =
            unjoined || (figure->series[i].mark == RT_MARK_PUBLISHED_POINTS && figure->series[i].unjoined);
    rt_text_printf(out, ", \\\n        keyentry with %s*mark pt 6 lc rgb '#606060' title ",
                   unjoined ? "points lw 1.8 ps 3.2" : "linespoints lw 1.2 dt (18,9) ps 2.2");
    rt_escape_gnuplot(out, figure->published ? figure->published : "published");
}

/* One entry stands for all series of a kind that is drawn alike. */
static void print_shared_legend(const struct rt_figure *figure, int panel, struct rt_text *out)
{
    if (rt_figure_has_mark(figure, panel, RT_MARK_PUBLISHED))
        rt_text_printf(out,
                       ", \\\n        keyentry with lines lw 1.6 dt (18,9) lc rgb '#606060' title 'published'");
    if (rt_figure_has_mark(figure, panel, RT_MARK_PUBLISHED_POINTS))
        print_published_points(figure, out);
    if (rt_figure_has_mark(figure, panel, RT_MARK_RAW))
        rt_text_printf(out, ", \\\n        keyentry with lines lw 1 lc rgb '#A0606060' title 'as logged'");
    if (rt_figure_has_mark(figure, panel, RT_MARK_BAND))
        rt_text_printf(
            out, ", \\\n        keyentry with boxes fs solid noborder lc rgb '#A0606060' title '95 %% band'");
    if (rt_figure_has_mark(figure, panel, RT_MARK_BARS))
        rt_text_printf(
            out, ", \\\n        keyentry with yerrorbars pt 0 lw 2 lc rgb '#606060' title '95 %% interval'");
    if (rt_figure_has_mark(figure, panel, RT_MARK_BEST))
        rt_text_printf(
            out,
            ", \\\n        keyentry with boxes fs solid noborder lc rgb '#A0606060' title 'best test so far'");
}

/* A margin beside the outermost of few values. */
static void print_x_ticks(const struct rt_panel *panel, struct rt_text *out)
{
    double first = panel->x_ticks[0], last = first;

    for (int i = 1; i < panel->x_tick_count; i++) { /* in any order */
        first = fmin(first, panel->x_ticks[i]);
        last = fmax(last, panel->x_ticks[i]);
    }
    const double margin = last > first ? 0.04 * (last - first) : fabs(first) > 0 ? 0.5 * fabs(first) : 1;

    if (panel->x_log)
        rt_text_printf(out, "    set xrange [%.9g:%.9g]", first / 1.3, last * 1.3);
    else
        rt_text_printf(out, "    set xrange [%.9g:%.9g]", first - margin, last + margin);
    rt_text_append(out, "; unset mxtics; set xtics (");
    for (int i = 0; i < panel->x_tick_count; i++)
        rt_text_printf(out, "%s%.9g", i ? ", " : "", panel->x_ticks[i]);
    rt_text_append(out, ")\n");
}

static void print_x_names(const struct rt_panel *panel, int angle, struct rt_text *out)
{
    rt_text_printf(out, "    set xrange [-0.5:%d.5]; set xtics noenhanced ", panel->x_name_count - 1);
    if (angle)
        rt_text_printf(out, "rotate by %d right ", angle);
    rt_text_append(out, "(");
    for (int i = 0; i < panel->x_name_count; i++) {
        rt_text_append(out, i ? ", " : "");
        rt_escape_gnuplot(out, panel->x_names[i]);
        rt_text_printf(out, " %d", i);
    }
    rt_text_append(out, ")\n");
}

static void print_x_axis(const struct rt_panel *panel, int names_angle, struct rt_text *out)
{
    rt_text_append(out, panel->x_log ? "    set logscale x\n" : "    unset logscale x\n");
    if (panel->x_name_count)
        print_x_names(panel, names_angle, out);
    else if (panel->x_tick_count)
        print_x_ticks(panel, out);
    else if (panel->x_free || panel->x_log)
        rt_text_append(out, "    set xrange [*:*]\n");
    else if (panel->x_max > 0)
        rt_text_printf(out, "    set xrange [0:%g]\n", panel->x_max);
    else
        rt_text_append(out, "    set xrange [0:*]\n");
}

/* Below names that are not level, where gnuplot would put it between them. */
static void print_x_label(const struct rt_figure *figure, const struct rt_panel *panel, struct rt_text *out)
{
    const struct rt_layout layout = rt_figure_layout(figure);

    if (!layout.names_angle) {
        rt_text_append(out, "    set xlabel ");
        rt_escape_gnuplot(out, panel->x_label);
        rt_text_append(out, " noenhanced offset 0, lift\n");
        return;
    }
    rt_text_append(out, "    set label ");
    rt_escape_gnuplot(out, panel->x_label);
    rt_text_printf(out, " at graph 0.5, screen %.3f center noenhanced\n", layout.x_label / layout.height);
}

static void print_panel(const struct rt_figure *figure, int index, struct rt_text *out)
{
    const struct rt_panel *panel = &figure->panels[index];

    print_x_label(figure, panel, out);
    rt_text_printf(out, "    set ylabel ");
    rt_escape_gnuplot(out, panel->y_label);
    rt_text_printf(out, " noenhanced\n");
    print_x_axis(panel, rt_figure_layout(figure).names_angle, out);
    if (panel->y_log)
        rt_text_printf(out, "    set logscale y; set yrange [*:*]; set format y '10^{%%L}'\n");
    else
        rt_text_printf(out, "    unset logscale y; set format y '%%g'; set yrange [0:%s]\n", "*");
    if (!panel->y_log && panel->y_max > 0)
        rt_text_printf(out, "    set yrange [0:%g]\n", panel->y_max);
    rt_text_printf(out, "    plot ");
    bool first = true;
    for (int mark = 0; mark < RT_MARK_COUNT; mark++) {
        for (size_t i = 0; i < figure->series_count; i++) {
            const struct rt_series *series = &figure->series[i];
            if (series->panel != index || series->mark != (enum rt_mark)mark || series->count == 0)
                continue;
            rt_text_printf(out, first ? "\\\n        " : ", \\\n        ");
            first = false;
            print_series(out, series, i);
        }
    }
    if (first) /* a panel that no run here has anything for */
        rt_text_append(out, "[0:1] [0:1] NaN notitle");
    print_shared_legend(figure, index, out);
    rt_text_printf(out, "\n");
}

/* The note's lines, the last one at the bottom. */
static void print_note(const struct rt_figure *figure, struct rt_text *out)
{
    const struct rt_layout layout = rt_figure_layout(figure);
    int left = layout.note_lines, number = 1;

    for (const char *at = figure->note; *at; at += *at == ' ') {
        const size_t length = rt_figure_note_line(figure, at);
        char line[RT_NOTE_MAX];
        snprintf(line, sizeof line, "%.*s", (int)length, at);
        rt_text_printf(out, "set label %d at screen 0.015, %.3f left noenhanced font small tc rgb '#404040' ",
                       number++, (layout.note + layout.note_line * --left) / layout.height);
        rt_escape_gnuplot(out, line);
        rt_text_printf(out, "\n");
        at += length;
    }
}

static void print_settings(const struct rt_figure *figure, struct rt_text *out)
{
    const struct rt_layout layout = rt_figure_layout(figure);

    rt_text_append(out, "set encoding utf8\nset datafile separator ','\n"
                        "set border lc rgb '#404040'\nset tics nomirror out scale 0.6\n"
                        "set grid lw 1 dt 1 lc rgb '#d8d8d8' back\nset style fill transparent solid\n");
    if (layout.legend > 0 && layout.legend_rows <= 3)
        rt_text_printf(
            out, "set key at screen 0.5, %.3f center horizontal Left reverse noenhanced samplen 2 maxrows 3",
            layout.legend / layout.height);
    else if (layout.legend > 0)
        rt_text_printf(
            out, "set key at screen 0.5, %.3f center horizontal Left reverse noenhanced samplen 2 maxcols %d",
            layout.legend / layout.height, layout.legend_columns);
    else
        rt_text_append(out,
                       "set key outside right center vertical Left reverse noenhanced samplen 2 spacing 1.25");
    rt_text_append(out, layout.legend_size < 1 ? " font legend" : "");
    if (figure->legend_title[0]) {
        rt_text_append(out, " title ");
        rt_escape_gnuplot(out, figure->legend_title);
    }
    rt_text_printf(out, "\nset bmargin at screen %.3f\n", layout.bottom / layout.height);
    if (figure->note[0])
        print_note(figure, out);
}

/* A terminal's sizes; those of texts that would leave the canvas are smaller than its font's. */
static void print_terminal(const struct rt_layout *layout, const char *type, double points, const char *sizes,
                           struct rt_text *out)
{
    const bool inches = !strcmp(type, "pdf"), svg = !strcmp(type, "svg");

    rt_text_printf(out, "    if (type eq '%s') {\n        set terminal %s%s size ", type, type,
                   svg ? "" : "cairo");
    if (inches)
        rt_text_printf(out, "%.2fin,%.2fin", layout->width / 150.0, layout->height / 150.0);
    else
        rt_text_printf(out, "%d,%d%s", layout->width, layout->height, svg ? " dynamic" : "");
    rt_text_printf(out, " background rgb 'white' font 'DejaVu Sans,%g'%s\n        %s", points,
                   svg ? " linewidth 1.3" : "", sizes);
    if (layout->legend_size < 1)
        rt_text_printf(out, "; legend = ',%.1f'", layout->legend_size * points);
    if (layout->title_size < 1)
        rt_text_printf(out, "; heading = ',%.1f'", layout->title_size * points);
    rt_text_append(out, svg ? " # its units are pixels, those below points\n    }\n" : "\n    }\n");
}

static void print_terminals(const struct rt_figure *figure, struct rt_text *out)
{
    const struct rt_layout layout = rt_figure_layout(figure);

    print_terminal(&layout, "svg", 26, "mark = 0.45; lift = 0.8; small = ',20'", out);
    print_terminal(&layout, "pdf", 13, "mark = 0.6; lift = 0.4; small = ',9.7'", out);
    print_terminal(&layout, "png", 20, "mark = 1; lift = 0.4; small = ',15'", out);
    rt_text_printf(out, "    set output '%s.'.type\n", figure->name);
}

/* Several panels share one legend, which gets a plot of its own without axes. */
static void print_common_legend(const struct rt_figure *figure, struct rt_text *out)
{
    rt_text_append(out, "    # the legend\n    set origin 0, 0; set size 1, 1; set key\n"
                        "    unset border; unset tics; unset grid; unset xlabel; unset ylabel; unset logscale\n"
                        "    plot [0:1] [0:1] NaN notitle");
    for (size_t i = 0; i < figure->series_count; i++) {
        const struct rt_series *series = &figure->series[i];
        if (series->panel != 0 || !series->legend)
            continue;
        if (series->mark == RT_MARK_PUBLISHED_POINTS)
            rt_text_printf(out, ", \\\n        keyentry with linespoints lw 1.2 dt (18,9) pt %d ps 2.2*mark",
                           series->style.point_outline);
        else
            rt_text_printf(out, ", \\\n        keyentry with linespoints lw 2.5 pt %d ps 2*mark",
                           series->style.point);
        print_dash(out, series);
        print_color(out, &series->style, series->mark == RT_MARK_PUBLISHED_POINTS ? 0x50 : 0);
        rt_text_append(out, " title ");
        rt_escape_gnuplot(out, series->label);
    }
    print_shared_legend(figure, 0, out);
    rt_text_append(out, "\n");
}

void rt_figure_append_script(const struct rt_figure *figure, struct rt_text *out)
{
    const bool many = figure->panel_count > 1;

    rt_text_printf(out, "# Draws %s.svg, .png and .pdf from %s.csv: run `gnuplot %s.gp` in this folder.\n",
                   figure->name, figure->name, figure->name);
    rt_text_printf(out, "data = '%s.csv'\n", figure->name);
    rt_text_append(out, "do for [type in 'svg png pdf'] {\n    reset\n");
    print_terminals(figure, out);
    print_settings(figure, out);
    if (many)
        rt_text_printf(out, "    set multiplot layout 1,%d title ", figure->panel_count);
    else
        rt_text_append(out, "    set title ");
    rt_escape_gnuplot(out, figure->title);
    rt_text_append(out, " noenhanced");
    rt_text_append(out, rt_figure_layout(figure).title_size < 1 ? " font heading\n" : "\n");
    for (int i = 0; i < figure->panel_count; i++) {
        if (many)
            rt_text_append(out, i == 0 ? "    unset key\n" : "    unset label\n");
        print_panel(figure, i, out);
    }
    if (many) {
        print_common_legend(figure, out);
        rt_text_append(out, "    unset multiplot\n");
    }
    rt_text_append(
        out, "    # characters less than a pixel wide: nothing would be written, and nothing said of it\n"
             "    if (type eq 'png' && exists('GPVAL_TERM_HCHAR') && GPVAL_TERM_HCHAR < GPVAL_TERM_SCALE) {\n"
             "        exit error 'no font is found, and the figure would have no text: install one (Debian: "
             "fonts-dejavu-core), or see to FONTCONFIG_FILE'\n    }\n"
             "    unset output\n}\n");
}
