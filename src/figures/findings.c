#include "figures/findings.h"

#include <math.h>
#include <string.h>

enum { NAMED = 6 }; /* series that a sentence names */

static bool is_same_style(const struct rt_series *a, const struct rt_series *b)
{
    return !strcmp(a->style.color, b->style.color) && a->style.point == b->style.point;
}

/* What unfinished runs have got to is no result. */
static bool is_so_far(const struct rt_series *series)
{
    return strstr(series->label, "(so far)") != NULL;
}

static bool is_curve(const struct rt_series *series)
{
    return (series->mark == RT_MARK_LINE || series->mark == RT_MARK_THIN) && series->count > 0 &&
           !is_so_far(series);
}

static bool is_points(const struct rt_series *series, int panel)
{
    return series->mark == RT_MARK_POINTS && series->panel == panel && series->count > 0 && !is_so_far(series);
}

/* "p=0.1" or "MLP1, bn=false" begin with what the published series is called, "0.1" or "MLP1". */
static bool is_called(const struct rt_series *own, const char *name)
{
    const char *label = strncmp(own->label, "p=", 2) != 0 ? own->label : own->label + 2;
    const size_t length = strlen(name);

    return !strncmp(label, name, length) && strchr(", ", label[length]); /* its end, too */
}

/* Our series beside a published one: of the first variant, the published config. */
static const struct rt_series *own_beside(const struct rt_figure *figure, const struct rt_series *published)
{
    for (size_t i = 0; i < figure->series_count; i++) {
        const struct rt_series *series = &figure->series[i];
        if ((is_curve(series) || is_points(series, published->panel)) && series->dash == 0 &&
            series->panel == published->panel && is_same_style(series, published) &&
            is_called(series, published->label))
            return series;
    }
    return NULL;
}

/* ---- curves ---- */

/* Between the points of the curve, linear; NaN outside. */
static double value_at(const struct rt_series *curve, double x)
{
    if (!(x >= curve->x[0] && x <= curve->x[curve->count - 1]))
        return NAN;
    for (size_t i = 1; i < curve->count; i++)
        if (x <= curve->x[i])
            return curve->y[i - 1] +
                   (curve->y[i] - curve->y[i - 1]) * (x - curve->x[i - 1]) / (curve->x[i] - curve->x[i - 1]);
    return curve->y[0];
}

static double mean_difference(const struct rt_series *own, const struct rt_series *published)
{
    double sum = 0, count = 0;

    for (size_t i = 0; i < published->count; i++) {
        const double difference = fabs(value_at(own, published->x[i]) - published->y[i]);
        if (!isfinite(difference))
            continue;
        sum += difference;
        count++;
    }
    return count > 0 ? sum / count : (double)NAN;
}

static void compare_curves(struct rt_text *text, const struct rt_figure *figure)
{
    const struct rt_series *worst = NULL;
    double most = 0, sum = 0;
    int count = 0;

    for (size_t i = 0; i < figure->series_count; i++) {
        const struct rt_series *published = &figure->series[i];
        const struct rt_series *own =
            published->mark == RT_MARK_PUBLISHED ? own_beside(figure, published) : NULL;
        const double mean = own ? mean_difference(own, published) : (double)NAN;
        if (!isfinite(mean))
            continue;
        sum += mean;
        count++;
        if (!worst || mean > most) {
            most = mean;
            worst = own;
        }
    }
    if (count == 1)
        rt_text_printf(text, " Its mean distance from the published curve is %.2g.", most);
    else if (count > 1)
        rt_text_printf(text,
                       " The mean distance from the published curves is %.2g in all %d together, and largest "
                       "for %s: %.2g.",
                       sum / count, count, worst->label, most);
}

/* How long training goes on. */
static void say_lengths(struct rt_text *text, const struct rt_figure *figure)
{
    const struct rt_series *shortest = NULL, *longest = NULL;
    const bool epochs = !strcmp(figure->panels[0].x_label, "Epochs");
    const char *unit = epochs ? "epochs" : "logged points";
    int count = 0;

    for (size_t i = 0; i < figure->series_count; i++) {
        const struct rt_series *series = &figure->series[i];
        if (!is_curve(series) || series->panel)
            continue;
        count++;
        if (!shortest || series->x[series->count - 1] < shortest->x[shortest->count - 1])
            shortest = series;
        if (!longest || series->x[series->count - 1] > longest->x[longest->count - 1])
            longest = series;
    }
    if (!count)
        rt_text_append(text, "No run has ended yet.");
    else if (count == 1)
        rt_text_printf(text, "%s: %.4g %s of training.", longest->label, longest->x[longest->count - 1], unit);
    else
        rt_text_printf(text, "Training goes on for %.4g %s (%s) to %.4g (%s).",
                       shortest->x[shortest->count - 1], unit, shortest->label, longest->x[longest->count - 1],
                       longest->label);
}

/* Test curves: the best value, where, and the last one. */
static void say_best(struct rt_text *text, const struct rt_figure *figure, bool high)
{
    int count = 0;

    for (size_t i = 0; i < figure->series_count; i++) {
        const struct rt_series *series = &figure->series[i];
        size_t best = 0;
        if (!is_curve(series) || series->mark != RT_MARK_LINE || ++count > NAMED)
            continue;
        for (size_t k = 1; k < series->count; k++)
            if (high ? series->y[k] > series->y[best] : series->y[k] < series->y[best])
                best = k;
        rt_text_printf(text, "%s%s: %s %.3g in epoch %.0f, %.3g at the end", count > 1 ? "; " : "",
                       series->label, high ? "at most" : "at least", series->y[best], ceil(series->x[best]),
                       series->y[series->count - 1]);
    }
    rt_text_append(text, count ? "." : "No run has ended yet.");
}

/* ---- points over label corruption ---- */

/* What the points are of, and with how many digits they are said. */
struct quantity {
    const char *name, *unit;
    int digits;
    bool relative; /* to p = 0: nothing is found there */
};

/* "MLP1: 102 (p = 0) to 126 (p = 1); MLP3: ..." */
static void say_ends(struct rt_text *text, const struct rt_figure *figure, const struct quantity *quantity)
{
    int count = 0;

    for (size_t i = 0; i < figure->series_count; i++) {
        const struct rt_series *series = &figure->series[i];
        const size_t last = series->count - 1;
        if (!is_points(series, 0) || (quantity->relative && series->x[last] == 0) || ++count > NAMED)
            continue;
        rt_text_printf(text, "%s%s%s: %.*g (p = %.4g)", count > 1 ? "" : quantity->name,
                       count > 1 ? "; " : ". ", series->label, quantity->digits, series->y[0], series->x[0]);
        if (last)
            rt_text_printf(text, " to %.*g (p = %.4g)", quantity->digits, series->y[last], series->x[last]);
    }
    if (count > NAMED)
        rt_text_printf(text, " and %d more", count - NAMED);
    if (count)
        rt_text_append(text, ".");
}

/* The published point at x, or NaN. */
static double point_at(const struct rt_series *points, double x)
{
    for (size_t i = 0; i < points->count; i++)
        if (fabs(points->x[i] - x) < 1e-6)
            return points->y[i];
    return NAN;
}

struct comparison {
    double sum, most, x, own, published; /* absolute differences; where the largest is */
    const char *label;
    int series, points;
};

static void enter_points(struct comparison *all, const struct rt_series *own, const struct rt_series *published,
                         bool relative)
{
    all->series++;
    for (size_t i = 0; i < own->count; i++) {
        const double theirs = point_at(published, own->x[i]), difference = fabs(own->y[i] - theirs);
        if (!isfinite(difference) || (relative && own->x[i] == 0))
            continue;
        all->sum += difference;
        if (!all->points++ || difference > all->most) {
            all->most = difference;
            all->x = own->x[i];
            all->own = own->y[i];
            all->published = theirs;
            all->label = own->label;
        }
    }
}

static void compare_points(struct rt_text *text, const struct rt_figure *figure,
                           const struct quantity *quantity)
{
    const int digits = quantity->digits;
    struct comparison all = {0};

    for (size_t i = 0; i < figure->series_count; i++) {
        const struct rt_series *published = &figure->series[i];
        const struct rt_series *own = published->mark == RT_MARK_PUBLISHED_POINTS && published->panel == 0
                                          ? own_beside(figure, published)
                                          : NULL;
        if (own)
            enter_points(&all, own, published, quantity->relative);
    }
    if (all.series && !all.points)
        rt_text_append(text, " None of these points has a published one beside it.");
    else if (all.points == 1)
        rt_text_printf(text, " Published beside %s, p = %.4g: %.*g%s.", all.label, all.x, digits, all.published,
                       quantity->unit);
    else if (all.points && all.most == 0)
        rt_text_printf(text, " The %d points with a published one are equal to it.", all.points);
    else if (all.points)
        rt_text_printf(text,
                       " From the %d published points they differ by %.2g%s on average, at most by %.*g "
                       "(%s, p = %.4g: %.*g, published %.*g).",
                       all.points, all.sum / all.points, quantity->unit, digits, all.most, all.label, all.x,
                       digits, all.own, digits, all.published);
}

static void say_points(struct rt_text *text, const struct rt_figure *figure, const struct quantity *quantity)
{
    say_ends(text, figure, quantity);
    compare_points(text, figure, quantity);
}

/* ---- right and wrong labels ---- */

/* The highest of the peaks, and where its curve, the series before it, ends. */
static void say_peak(struct rt_text *text, const struct rt_figure *figure)
{
    const struct rt_series *peak = NULL, *curve;

    for (size_t i = 1; i < figure->series_count; i++) {
        const struct rt_series *series = &figure->series[i];
        if (series->mark == RT_MARK_POINTS && is_curve(&series[-1]) && (!peak || series->y[0] > peak->y[0]))
            peak = series;
    }
    if (!peak)
        return;
    curve = peak - 1;
    rt_text_printf(text,
                   "At the highest peak, %s in epoch %.0f, %.1f %% of the wrong labels are predicted as true; "
                   "at the end of that curve %.1f %%.",
                   curve->label, ceil(peak->x[0]), 100 * peak->y[0], 100 * curve->y[curve->count - 1]);
}

/* Test accuracy of the best epoch (solid) and of the end (dotted) are neighbours in the last panel. */
static void say_stopping(struct rt_text *text, const struct rt_figure *figure)
{
    const struct rt_series *where = NULL;
    double most = 0, x = 0, kept = 0, ended = 0;
    int count = 0;

    for (size_t i = 0; i + 1 < figure->series_count; i++) {
        const struct rt_series *best = &figure->series[i], *end = &figure->series[i + 1];
        if (!is_points(best, 2) || best->dash || !is_points(end, 2) || !end->dash)
            continue;
        for (size_t k = 0; k < best->count; k++) {
            const double gain = best->y[k] - point_at(end, best->x[k]);
            count += isfinite(gain);
            if (!(gain > most))
                continue;
            where = best;
            most = gain;
            x = best->x[k];
            kept = best->y[k];
            ended = best->y[k] - gain;
        }
    }
    if (where)
        rt_text_printf(text,
                       "The best epoch's test accuracy is above that of the end by up to %.2g (%s, p = %.4g: "
                       "%.3g against %.3g).",
                       most, where->label, x, kept, ended);
    else if (count)
        rt_text_append(text, "No better test accuracy was measured before the end of training.");
}

void rt_findings_append(struct rt_text *text, const struct rt_figure *figure, const struct rt_figure_kind *kind)
{
    if (!rt_figure_has_data(figure))
        return;
    if (kind->build == rt_figure_build_slowdown) {
        say_points(text, figure, &(struct quantity){"Epochs to the threshold", " epochs", 4, false});
    } else if (kind->build == rt_figure_build_relative) {
        say_points(text, figure, &(struct quantity){"Times the epochs on true labels", "", 3, true});
    } else if (kind->build == rt_figure_build_error_growth) {
        say_points(text, figure, &(struct quantity){"Test error", "", 3, false});
    } else if (kind->build == rt_figure_build_learnt) {
        say_peak(text, figure);
    } else if (kind->build == rt_figure_build_learnt_levels) {
        say_stopping(text, figure);
    } else if (kind->build == rt_figure_build_batch_norm_accuracy ||
               kind->build == rt_figure_build_batch_norm_loss) {
        say_best(text, figure, kind->build == rt_figure_build_batch_norm_accuracy);
        compare_curves(text, figure);
    } else {
        say_lengths(text, figure);
        compare_curves(text, figure);
    }
}
