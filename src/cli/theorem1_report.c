#include "cli/output.h"
#include "cli/rows.h"
#include "cli/theorem1.h"

/* Depth and width are left out for people where they are 2 and n. */
static int fill_rows(const struct rt_theorem1_work *work, bool people, struct rt_results *rows,
                     struct rt_error *err)
{
    static const char *const flat[] = {
        "n",          "2n+d",         "weights",      "largest_weight", "method",
        "arithmetic", "residual_max", "residual_rms", "accuracy",       "seconds",
        NULL};
    static const char *const deep[] = {
        "n",      "2n+d",       "weights",      "depth",        "width",    "fixed",   "largest_weight",
        "method", "arithmetic", "residual_max", "residual_rms", "accuracy", "seconds", NULL};
    const bool all = !people || work->depth > 2;

    RT_TRY(rt_rows_begin(rows, all ? deep : flat, err));
    for (int i = 0; i < work->size_count * RT_THEOREM1_SOLUTION_COUNT; i++) {
        const struct rt_theorem1_fit *fit = &work->fits[i / RT_THEOREM1_SOLUTION_COUNT];
        const int solution = i % RT_THEOREM1_SOLUTION_COUNT;
        const struct rt_theorem1_way *way = &fit->ways[solution];

        RT_TRY(rt_rows_add(rows, err));
        rt_rows_whole(rows, "n", (double)fit->n);
        rt_rows_whole(rows, "2n+d", (double)(2 * fit->n + work->images.inputs));
        rt_rows_whole(rows, "weights", (double)(2 * fit->units + work->images.inputs));
        if (all) {
            rt_rows_whole(rows, "depth", (double)work->depth);
            rt_rows_whole(rows, "width", (double)fit->widest);
            rt_rows_whole(rows, "fixed", (double)fit->fixed);
        }
        rt_rows_real(rows, "largest_weight", fit->largest_weight);
        rt_rows_text(rows, "method", rt_theorem1_method((enum rt_theorem1_solution)solution));
        rt_rows_text(rows, "arithmetic", rt_theorem1_arithmetic((enum rt_theorem1_solution)solution));
        rt_rows_real(rows, "residual_max", way->largest);
        rt_rows_real(rows, "residual_rms", way->rms);
        rt_rows_real(rows, "accuracy", (double)way->right / (double)fit->n);
        rt_rows_real(rows, "seconds", way->seconds);
    }
    return RT_OK;
}

/* What random or other labels are here. */
static void append_labels(const struct rt_theorem1_work *work, struct rt_text *text)
{
    struct rt_label_counts counts;

    rt_dataset_count_labels(&work->dataset, 0, work->images.count, &counts);
    if (counts.changed)
        rt_text_printf(text, "%lld of %lld labels wrong", (long long)counts.changed, (long long)counts.images);
    else
        rt_text_append(text, "true labels");
}

void rt_theorem1_append_title(const struct rt_theorem1_work *work, struct rt_text *text)
{
    rt_text_printf(text, "Theorem 1 on %s, ", work->dataset.name);
    append_labels(work, text);
    rt_text_printf(text, ", seed %lld", (long long)work->experiment.seed.value);
    if (work->depth > 2)
        rt_text_printf(text, ", depth %ld", work->depth);
}

static void append_intro(const struct rt_theorem1_work *work, struct rt_text *text)
{
    rt_theorem1_append_title(work, text);
    rt_text_printf(
        text,
        "\nc(x) = sum_j w_j max(<a, x> - b_j, 0): a random a of d = %zu numbers, n thresholds b, n "
        "weights w.\nx: pixels / 256. y: the label, 0 to 9; an image is right when its nearest label "
        "is its own.\n\n",
        work->images.inputs);
}

/* Up to which n of the list a way gets every image right, and what it leaves at the largest n. */
static void append_needed(const struct rt_theorem1_work *work, struct rt_text *text)
{
    const struct rt_theorem1_fit *last = &work->fits[work->size_count - 1];

    for (int way = 0; way < RT_THEOREM1_SOLUTION_COUNT; way++) {
        int failed = 0;

        rt_text_printf(text, "  %s in %s: ", rt_theorem1_method((enum rt_theorem1_solution)way),
                       rt_theorem1_arithmetic((enum rt_theorem1_solution)way));
        for (int i = 0; i < work->size_count; i++)
            if (work->fits[i].ways[way].right != work->fits[i].n)
                rt_text_printf(text, "%s%zu", failed++ ? ", " : "not enough at n = ", work->fits[i].n);
        if (!failed)
            rt_text_append(text, "enough at every n");
        rt_text_printf(text, "; at n = %zu it leaves %.2g\n", last->n, last->ways[way].largest);
    }
}

static void append_reading(const struct rt_theorem1_work *work, struct rt_text *text)
{
    const struct rt_theorem1_fit *last = &work->fits[work->size_count - 1];
    const size_t inputs = work->images.inputs;

    rt_text_append(text, "\nArithmetic needed for 100 %:\n");
    append_needed(work, text);
    rt_text_printf(text,
                   "  Why: the closest two of n projections are about 1/n^2 of their range apart, so that "
                   "weights, the jumps\n"
                   "  of slope there, grow as n^2, to %.2g; they cancel to labels of 0 to 9. The rows' "
                   "differences (n steps,\n"
                   "  equal in exact arithmetic) carry every rounding error of the slope on. Substitution "
                   "(n^2/2 steps) sees\n"
                   "  the sum of what it has rounded and corrects it, for sums in this order; a deep network "
                   "adds in another.\n",
                   last->largest_weight);
    if (work->depth > 2)
        rt_text_printf(
            text,
            "\nDepth %ld: %ld hidden layers with at most %zu units, about n / %ld, the same %zu weights and "
            "%zu fixed\nconnections (1, -1, or -w) that hand on z and the sum: the paper's O(n / k).\n",
            work->depth, work->depth - 1, last->widest, work->depth - 1, 2 * last->units + inputs, last->fixed);
    rt_text_printf(
        text,
        "\nThe paper: 2n + d = %zu weights fit any labels of n = %zu images. Here: %zu, built without "
        "training.\nThat a network can fit its training set, with true or with random labels, says "
        "nothing of new images.\n",
        2 * last->n + inputs, last->n, 2 * last->units + inputs);
    if (work->ties.copies)
        rt_text_printf(text,
                       "%zu of all images are copies of earlier ones with the same label, and need no unit.\n",
                       work->ties.copies);
}

int rt_theorem1_say(const struct rt_theorem1_work *work, const struct rt_result_format *format, bool people,
                    struct rt_error *err)
{
    struct rt_results rows = {0};
    struct rt_text text = {0};
    int rc;

    if (people)
        append_intro(work, &text);
    if (!(rc = fill_rows(work, people, &rows, err)) && !(rc = format->append(&text, &rows, err))) {
        if (people)
            append_reading(work, &text);
        rc = rt_output_text(&text, err);
    }
    rt_text_free(&text);
    rt_results_free(&rows);
    return rc;
}
