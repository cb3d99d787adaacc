/* Where the parts of a figure stand. Sizes of text are those of the SVG, the widest of the three. */
#include "figures/layout.h"

#include <math.h>
#include <string.h>

enum {
    FONT = 26,          /* pixels; an SVG's units */
    LEGEND_ROW = 39,    /* gnuplot's: 1.5 of the font */
    LEGEND_SAMPLE = 92, /* of an entry besides its text, and the gap to the next */
    Y_AXIS = 130,       /* left of the panel */
    NOTE_COLUMNS = 118  /* letters of the note's size that fit the canvas */
};
static const double gnuplot_letter = 18.2; /* what gnuplot takes a letter of FONT to be */

/* About what text takes in DejaVu Sans, in ems, rather more than less. */
static double ems(const char *text)
{
    double sum = 0;

    for (; *text; text++) {
        const unsigned char c = (unsigned char)*text;

        if (c >= 0x80)
            sum += c >= 0xC0 ? 1 : 0; /* a letter's first byte; the others */
        else if (strchr("ijlI.,:;'|!()[]/ ftr-", c))
            sum += 0.39;
        else
            sum += strchr("mwMW%@", c) ? 0.97 : strchr("=+<>~#&GOQDHNU", c) ? 0.83 : 0.66;
    }
    return sum;
}

static size_t note_columns(const struct rt_figure *figure)
{
    return figure->panel_count > 1 ? NOTE_COLUMNS * 3 / 2 : NOTE_COLUMNS;
}

size_t rt_figure_note_line(const struct rt_figure *figure, const char *at)
{
    const size_t columns = note_columns(figure);
    size_t cut = columns;

    if (strlen(at) <= columns)
        return strlen(at);
    while (cut > 0 && at[cut] != ' ')
        cut--;
    return cut ? cut : columns;
}

static int count_note_lines(const struct rt_figure *figure)
{
    int lines = 0;

    for (const char *at = figure->note; *at; at += *at == ' ') {
        at += rt_figure_note_line(figure, at);
        lines++;
    }
    return lines;
}

/* Names that do not fit beside each other stand aslant; upright where the first would begin left of the
 * canvas. Returns their angle, in degrees, and the longest one's letters. */
static int names_angle(const struct rt_panel *panel, int *longest)
{
    enum { LETTERS_ACROSS = 70, LETTERS_ASLANT = 20 };
    int letters = 0;

    *longest = 0;
    for (int i = 0; i < panel->x_name_count; i++) {
        const int length = (int)strlen(panel->x_names[i]);

        letters += length + 2;
        *longest = length > *longest ? length : *longest;
    }
    return letters <= LETTERS_ACROSS ? 0 : *longest <= LETTERS_ASLANT ? 65 : 90;
}

/* Pixels under the axis that names which are not level need, with the axis's label. */
static int names_height(const struct rt_panel *panel)
{
    enum { LETTER = 17, GAP = 30, LABEL = 50 };
    int longest;
    const int angle = names_angle(panel, &longest);
    const double slant = angle == 90 ? 1 : 0.906; /* sin 65 degrees */

    return angle ? GAP + (int)(slant * LETTER * longest) + (*panel->x_label ? LABEL : 0) : 0;
}

bool rt_figure_has_mark(const struct rt_figure *figure, int panel, enum rt_mark mark)
{
    for (size_t i = 0; i < figure->series_count; i++)
        if (figure->series[i].panel == panel && figure->series[i].mark == mark && figure->series[i].count > 0)
            return true;
    return false;
}

struct legend {
    int entries, title; /* title: 1 or 0 rows */
    double letters, ems;
};

static struct legend measure_legend(const struct rt_figure *figure)
{
    static const enum rt_mark shared[] = {
        RT_MARK_PUBLISHED, RT_MARK_PUBLISHED_POINTS, RT_MARK_RAW, RT_MARK_BAND, RT_MARK_BARS, RT_MARK_BEST};
    const char *published = figure->published ? figure->published : "";
    struct legend legend = {.title = figure->legend_title[0] != '\0',
                            .letters = (double)strlen("best test so far"),
                            .ems = ems("best test so far")};

    for (size_t i = 0; i < figure->series_count; i++) {
        const struct rt_series *series = &figure->series[i];

        if (!series->legend || series->panel != 0)
            continue;
        legend.entries++;
        legend.letters = fmax(legend.letters, (double)strlen(series->label));
        legend.ems = fmax(legend.ems, ems(series->label));
    }
    legend.letters = fmax(legend.letters, (double)strlen(published));
    legend.ems = fmax(legend.ems, ems(published));
    for (size_t i = 0; i < sizeof shared / sizeof *shared; i++)
        legend.entries += rt_figure_has_mark(figure, 0, shared[i]);
    return legend;
}

static double legend_width(const struct legend *legend)
{
    return gnuplot_letter * legend->letters + LEGEND_SAMPLE;
}

/* gnuplot leaves out a legend that has no room beside the panel, without a word. */
static bool stands_right(const struct rt_figure *figure, const struct legend *legend)
{
    enum { ENTRIES_MOST = 12, WIDTH_MOST = 600 };

    return figure->legend == RT_LEGEND_RIGHT && figure->panel_count == 1 && legend->entries <= ENTRIES_MOST &&
           legend_width(legend) <= WIDTH_MOST;
}

/* The legend below: columns as gnuplot would count them, so that the rows are as many as are reckoned with. */
static void fill_legend(struct rt_layout *layout, const struct rt_figure *figure, const struct legend *legend)
{
    const double across = layout->width - (figure->panel_count > 1 ? 100 : Y_AXIS + 60);
    const int columns = (int)(across / legend_width(legend));

    layout->legend_columns = columns > 0 ? columns : 1;
    layout->legend_rows =
        (legend->entries + layout->legend_columns - 1) / layout->legend_columns + legend->title;
    layout->legend_size = fmin(1, (layout->width - Y_AXIS) / (FONT * legend->ems));
}

/* The title is centred above the panels, which a legend at the right moves to the left. */
static double title_size(const struct rt_figure *figure, const struct rt_layout *layout,
                         const struct legend *legend)
{
    const double room = layout->legend > 0
                            ? layout->width - Y_AXIS
                            : layout->width + Y_AXIS - (legend->entries ? legend_width(legend) : 0);

    return fmin(1, (figure->panel_count > 1 ? layout->width : room) / (FONT * ems(figure->title)));
}

/* Heights for a note of two lines and a legend of three rows: what is more of them goes on top. */
static struct rt_layout plain_layout(const struct rt_figure *figure, bool right)
{
    if (figure->panel_count > 1)
        return (struct rt_layout){.width = 1920, .height = 820, .bottom = 0.30 * 820, .legend = 0.12 * 820};
    if (right)
        return (struct rt_layout){.width = 1280, .height = 920, .bottom = 0.18 * 920};
    return (struct rt_layout){.width = 1280, .height = 960, .bottom = 0.28 * 960, .legend = 0.125 * 960};
}

struct rt_layout rt_figure_layout(const struct rt_figure *figure)
{
    enum { PLOT = 740, LINE = 27, AXIS = 80 }; /* AXIS: under the panels, with numbers and a label */
    const struct legend legend = measure_legend(figure);
    const bool right = stands_right(figure, &legend);
    const int names = names_height(&figure->panels[0]), lines = count_note_lines(figure);
    struct rt_layout layout = plain_layout(figure, right);
    int longest;

    layout.names_angle = names_angle(&figure->panels[0], &longest);
    layout.note_lines = lines;
    layout.note_line = names && right ? LINE : 0.025 * layout.height;
    layout.note = 0.018 * layout.height;
    layout.legend_size = 1;
    layout.title_size = 1;
    if (!right)
        fill_legend(&layout, figure, &legend);

    const double more_note = lines > 2 ? layout.note_line * (lines - 2) : 0;
    const double row = layout.legend_size * LEGEND_ROW;
    const double more_rows = layout.legend_rows > 3 ? row * (layout.legend_rows - 3) : 0;
    if (!right)
        layout.legend += more_note + more_rows / 2;
    layout.bottom += more_note + more_rows;
    layout.height += (int)(more_note + more_rows);
    if (names && right) {
        layout.bottom = names + LINE * lines;
        layout.height = PLOT + names + LINE * lines;
    } else if (names) {
        layout.bottom += names - AXIS;
        layout.height += names - AXIS;
    }
    layout.x_label = right ? 0.03 * layout.height + layout.note_line * lines
                           : layout.legend + row * (fmax(layout.legend_rows, 3) + 1) / 2;
    layout.title_size = title_size(figure, &layout, &legend);
    return layout;
}
