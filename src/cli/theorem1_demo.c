#include "cli/theorem1.h"

enum { POINTS = 3 };

static const double demo_x[POINTS] = {1, 2, 3}, demo_y[POINTS] = {5, -1, 4};

static double hinge(const struct rt_theorem1 *n, size_t i, size_t j)
{
    return n->z[i] > n->b[j] ? n->z[i] - n->b[j] : 0;
}

static void append_list(struct rt_text *text, const char *name, const double *values)
{
    rt_text_printf(text, "  %s = ", name);
    for (size_t i = 0; i < POINTS; i++)
        rt_text_printf(text, "%s%g", i ? ", " : "", values[i]);
    rt_text_append(text, "\n");
}

static void append_matrix(struct rt_text *text, const struct rt_theorem1 *n)
{
    rt_text_append(text, "\nA_ij = max(z_i - b_j, 0) is lower triangular with a positive diagonal:\n");
    for (size_t i = 0; i < POINTS; i++) {
        for (size_t j = 0; j < POINTS; j++)
            rt_text_printf(text, "  %4g", hinge(n, i, j));
        rt_text_printf(text, "  |  %2g\n", n->y[i]);
    }
}

static void append_substitution(struct rt_text *text, const struct rt_theorem1 *n)
{
    rt_text_append(text, "\nForward substitution, w_i = (y_i - sum_(j<i) A_ij w_j) / A_ii:\n");
    for (size_t i = 0; i < POINTS; i++) {
        rt_text_printf(text, "  w_%zu = (%g", i + 1, n->y[i]);
        for (size_t j = 0; j < i; j++)
            rt_text_printf(text, " - %g * %g", hinge(n, i, j), n->w[j]);
        rt_text_printf(text, ") / %g = %g\n", hinge(n, i, i), n->w[i]);
    }
}

static void append_differences(struct rt_text *text, const struct rt_theorem1 *n)
{
    double slope = 0;

    rt_text_append(
        text, "\nThe same in n steps from the differences of rows, with the slope s = w_1 + ... + w_(i-1),\n"
              "w_i = (y_i - y_(i-1) - (z_i - z_(i-1)) s) / A_ii:\n");
    for (size_t i = 0; i < POINTS; i++) {
        if (!i)
            rt_text_printf(text, "  w_1 = %g / %g = %g\n", n->y[0], hinge(n, 0, 0), n->w[0]);
        else
            rt_text_printf(text, "  w_%zu = (%g - %g - %g * %g) / %g = %g\n", i + 1, n->y[i], n->y[i - 1],
                           n->z[i] - n->z[i - 1], slope, hinge(n, i, i), n->w[i]);
        slope += n->w[i];
    }
}

static void append_forward(struct rt_text *text, const struct rt_theorem1 *n)
{
    rt_text_append(text, "\nThe network at each x:\n");
    for (size_t i = 0; i < POINTS; i++) {
        rt_text_printf(text, "  c(%g) =", demo_x[i]);
        for (size_t j = 0; j < POINTS; j++)
            rt_text_printf(text, "%s %g * %g", j ? " +" : "", n->w[j], hinge(n, i, j));
        rt_text_printf(text, " = %g\n", rt_theorem1_residual(n, n->z[i], 0));
    }
}

int rt_theorem1_demo(struct rt_text *text, struct rt_error *err)
{
    struct rt_theorem1 network;
    struct rt_theorem1 other;
    int rc;

    RT_TRY(rt_theorem1_create(&network, demo_x, demo_y, POINTS, 1, 2, err));
    if ((rc = rt_theorem1_create(&other, demo_x, demo_y, POINTS, 1, 2, err)))
        goto done;
    rt_theorem1_solve(&network, RT_THEOREM1_SUBSTITUTION);
    rt_theorem1_solve(&other, RT_THEOREM1_DIFFERENCES);
    rt_text_append(text, "Theorem 1 on three points of one number each: c(x) = sum_j w_j max(a x - b_j, 0)\n"
                         "  a = 1, so that z = a x = x\n");
    append_list(text, "x", demo_x);
    append_list(text, "y", demo_y);
    append_list(text, "b", network.b);
    append_matrix(text, &network);
    append_substitution(text, &network);
    append_differences(text, &other);
    append_forward(text, &network);
    rt_text_append(
        text, "\n2n + d = 7 numbers (a, three b and three w) fit any three labels: another y has another w.\n"
              "Nothing was trained, and nothing in it depends on whether the labels make sense.\n");
    rt_theorem1_free(&other);
done:
    rt_theorem1_free(&network);
    return rc;
}
