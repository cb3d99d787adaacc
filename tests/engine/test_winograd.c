/* The numeric error of Winograd's convolutions, on the models' own layers, against the reference in double.
 *
 * The bounds are reasoned, not fitted. Let u = 2^-24, and let a sum of D products be made in float one after
 * the other: the k-th addition rounds a partial sum of variance k s^2, with an error uniform within u of it, so
 * that the sum's error has variance u^2 / 3 * D^2 / 2 * s^2; transforms and products add about a dozen
 * roundings a term. Winograd's algorithm makes such sums at all positions of transformed numbers, whose
 * variances are those of the inputs times the squared lengths of the rows of its matrices, and adds them up
 * with the squares of the third matrix's entries. For one axis, with matrices X and Y for the two factors and Z
 * for the result,
 *
 *   K_r^2 = sum over positions i of Z[r][i]^2 |X[i]|^2 |Y[i]|^2,
 *
 * and for two axes K is the product: errors are K_r K_c times those of sums of D products of the inputs
 * themselves. For F(7x7, 3x3) K_r^2 is between 22 and 363, for F(6x6, 3x3) 139, 30, 17, 17, 30 and 139, for
 * F(4x4, 5x5) 149, 42, 42 and 149, for F(7x7, 2x2) between 10 and 131: the rows and columns at a tile's edge
 * lose the most, about one and a half to two and a half digits. Short tiles lose less, so the bounds, which are
 * those of full tiles, hold for short ones too. Of a convolution of stride 2, all four phases count as 2x2
 * filters, of which three have fewer taps. The root mean square over all results must stay below twice what
 * this predicts, the largest error below seven times the prediction for the worst place, as a normal
 * distribution's does in millions of draws. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "support/engines.h"
#include "support/network.h"

enum { POINTS_MAX = 9, ROUNDINGS = 12 };

static const double unit = 0x1p-24, rms_factor = 2, largest_factor = 7;

/* Number i of a tile's points, the last of which is infinity: of up to eight points, or of nine. */
static double point_of(int points, int i)
{
    static const double eight[] = {0, 1, -1, 2, -2, 0.5, -0.5};
    static const double nine[] = {0.25, -0.25, 0.6875, -0.6875, 1.125, -1.125, 2, -2};

    return points == POINTS_MAX ? nine[i] : eight[i];
}

/* F(outputs, taps) at outputs + taps - 1 points (Lavin and Gray 2016), before any scaling of rows, which
 * changes nothing here: what the filters' rows lose, the inputs' rows gain. */
struct tile {
    int outputs, taps;
};

static int points_of(struct tile tile)
{
    return tile.outputs + tile.taps - 1;
}

/* The r-th coefficient of the product of x - b over the finite points, without number `without`. */
static double coefficient(int points, int without, int r)
{
    double product[POINTS_MAX] = {1};
    int degree = 0;

    for (int b = 0; b < points - 1; b++) {
        if (b == without)
            continue;
        degree++;
        for (int i = degree; i >= 0; i--)
            product[i] = (i > 0 ? product[i - 1] : 0) - point_of(points, b) * (i < degree ? product[i] : 0);
    }
    return product[r];
}

static double slope(int points, int i)
{
    double product = 1;

    for (int b = 0; b < points - 1; b++)
        product *= b == i ? 1 : point_of(points, i) - point_of(points, b);
    return product;
}

enum factor { INPUT, FILTER, OUTPUT };

/* Row i of the factor's matrix: B^T and G, and A. */
static double entry(enum factor factor, int i, int r, struct tile tile)
{
    const int points = points_of(tile), last = (factor == FILTER ? tile.taps : tile.outputs) - 1;

    if (factor == INPUT)
        return coefficient(points, i, r);
    if (i == points - 1)
        return r == last;
    return (r ? pow(point_of(points, i), r) : 1) / (factor == FILTER ? slope(points, i) : 1);
}

static int length(enum factor factor, struct tile tile)
{
    return factor == INPUT ? points_of(tile) : factor == FILTER ? tile.taps : tile.outputs;
}

static double row_norm(enum factor factor, int i, struct tile tile)
{
    double sum = 0;

    for (int r = 0; r < length(factor, tile); r++)
        sum += entry(factor, i, r, tile) * entry(factor, i, r, tile);
    return sum;
}

/* K_r^2: the mean over r, and the largest. */
struct growth {
    double mean, largest;
};

static struct growth growth_of(enum factor x, enum factor y, enum factor z, struct tile tile)
{
    const int results = length(z, tile);
    struct growth growth = {0};

    for (int r = 0; r < results; r++) {
        double sum = 0;

        for (int i = 0; i < points_of(tile); i++)
            sum += entry(z, i, r, tile) * entry(z, i, r, tile) * row_norm(x, i, tile) * row_norm(y, i, tile);
        growth.mean += sum / results;
        growth.largest = fmax(growth.largest, sum);
    }
    return growth;
}

/* The layers of the models that use the algorithm: one of each kind. */
static const struct layer {
    const char *edge;
    int in, out, side, kernel, stride, padding, batch;
    struct tile tile; /* a full one */
} layers[] = {
    {"Inception's first: large maps, few channels", 64, 48, 28, 3, 1, 1, 4, {7, 3}},
    {"Inception's last: the longest sums forward, a map is one tile", 336, 160, 7, 3, 1, 1, 8, {7, 3}},
    {"a map of 14", 160, 96, 14, 3, 1, 1, 4, {7, 3}},
    {"WideResNet's last: tiles of 4", 192, 192, 4, 3, 1, 1, 16, {4, 3}},
    {"the longest sums of a weight's gradient", 48, 48, 14, 3, 1, 1, 32, {7, 3}},
    {"no model's: tiles of 6, and of 4 at the edge", 64, 64, 16, 3, 1, 1, 8, {6, 3}},
    {"AlexNet's second: F(4x4, 5x5), padding less than half", 64, 256, 12, 5, 1, 1, 4, {4, 5}},
    {"Inception's first of stride 2", 80, 80, 28, 3, 2, 1, 4, {7, 2}},
    {"WideResNet's last of stride 2: an odd map", 96, 192, 7, 3, 2, 1, 16, {4, 2}},
};

static double *reals(size_t count)
{
    double *values;

    assert_int_equal(rt_alloc(&values, count, sizeof *values, "a test's numbers", NULL), RT_OK);
    return values;
}

/* What one engine makes of a layer. */
struct outcome {
    double *y, *dx, *dw;
};

struct trial {
    const struct layer *layer;
    size_t in, out, weights; /* numbers */
    double *x, *dy, *w;
};

static void run(const struct trial *trial, const struct rt_engine *engine, bool winograd,
                struct outcome *outcome)
{
    const struct layer *l = trial->layer;
    const struct rt_plan_options options = {
        .batch_max = l->batch, .training = true, .input_gradient = true, .winograd = winograd};
    struct rt_plan *plan = NULL;
    struct rt_error err = {0};
    struct rt_graph graph;
    char text[64];

    *outcome = (struct outcome){reals(trial->out), reals(trial->in), reals(trial->weights)};
    snprintf(text, sizeof text, "conv %d %d %d %d 0", l->out, l->kernel, l->stride, l->padding);
    if (rt_test_network(&graph, (struct rt_shape){l->in, l->side, l->side}, text, &err) ||
        rt_test_plan_create(&plan, engine, &graph, &options, &err))
        fail_msg("%s: %s", l->edge, err.message);
    rt_test_import(plan, RT_STATE_TENSOR, 0, trial->w);
    rt_test_probe(plan, trial->x, l->batch, outcome->y, trial->dy, outcome->dx);
    rt_test_export(plan, RT_STATE_GRADIENT, 0, outcome->dw);
    rt_test_plan_free(&plan);
    rt_graph_free(&graph);
}

static void free_outcome(struct outcome *outcome)
{
    rt_free(&outcome->y);
    rt_free(&outcome->dx);
    rt_free(&outcome->dw);
}

static double mean_square(const double *values, size_t count)
{
    double sum = 0;

    for (size_t i = 0; i < count; i++)
        sum += values[i] * values[i];
    return sum / (double)count;
}

/* The errors of one pass: results that are sums of `products` products of numbers with these mean squares.
 * `depth`: of the sums that the algorithm makes at each position. */
static void check(const char *what, const double *got, const double *want, size_t count, double square_x,
                  double square_y, double depth, double products, struct growth growth)
{
    const double scale = sqrt(square_x * square_y);
    const double one = unit * scale * sqrt((depth * depth / 2 + ROUNDINGS * depth) / 3);
    const double rms_bound = rms_factor * one * growth.mean,
                 largest_bound = largest_factor * one * growth.largest;
    double largest = 0, sum = 0;

    for (size_t i = 0; i < count; i++) {
        const double d = fabs(got[i] - want[i]);

        largest = d <= largest ? largest : d; /* NaN stays */
        sum += d * d;
    }
    print_message("#   %-3s rms error %.1e of %.1e, largest %.1e of %.1e, results about %.1e\n", what,
                  sqrt(sum / (double)count), rms_bound, largest, largest_bound, scale * sqrt(products));
    assert_true(sqrt(sum / (double)count) <= rms_bound && largest <= largest_bound);
}

static int rows_of(const struct layer *l)
{
    return (l->side + 2 * l->padding - l->kernel) / l->stride + 1;
}

static void open_trial(struct trial *trial, const struct layer *l)
{
    const size_t side = (size_t)rows_of(l);

    *trial = (struct trial){.layer = l,
                            .in = (size_t)l->batch * (size_t)(l->in * l->side * l->side),
                            .out = (size_t)l->batch * (size_t)l->out * side * side,
                            .weights = (size_t)(l->in * l->out * l->kernel * l->kernel)};
    trial->x = reals(trial->in);
    trial->dy = reals(trial->out);
    trial->w = reals(trial->weights);
    rt_test_fill(1, trial->x, trial->in);
    rt_test_fill(2, trial->dy, trial->out);
    rt_test_fill(3, trial->w, trial->weights);
    for (size_t i = 0; i < trial->in; i++) /* what a ReLU lets through, whose mean is not 0 */
        trial->x[i] = fmax(trial->x[i], 0);
}

static void check_layer(const struct layer *l)
{
    const int across = (rows_of(l) + l->tile.outputs - 1) / l->tile.outputs, phases = l->stride * l->stride;
    const double taps = l->kernel * l->kernel, tiles = l->batch * across * across;
    struct outcome got, want;
    struct trial trial;
    double x, dy, w;

    open_trial(&trial, l);
    run(&trial, &rt_engine_native, true, &got);
    run(&trial, &rt_engine_reference_f64, false, &want);
    x = mean_square(trial.x, trial.in);
    dy = mean_square(trial.dy, trial.out);
    w = mean_square(trial.w, trial.weights);
    print_message("# %s\n", l->edge);
    check("y", got.y, want.y, trial.out, x, w, phases * l->in, l->in * taps,
          growth_of(INPUT, FILTER, OUTPUT, l->tile));
    check("dx", got.dx, want.dx, trial.in, dy, w, l->out, l->out * taps / phases,
          growth_of(INPUT, FILTER, OUTPUT, l->tile));
    check("dw", got.dw, want.dw, trial.weights, x, dy, tiles, tiles * l->tile.outputs * l->tile.outputs,
          growth_of(INPUT, OUTPUT, FILTER, l->tile));
    free_outcome(&got);
    free_outcome(&want);
    rt_free(&trial.x);
    rt_free(&trial.dy);
    rt_free(&trial.w);
}

static void test_error(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++)
        check_layer(&layers[i]);
}

/* The algorithm is in use, and only where it is allowed: its results are not those of direct products. */
static void test_choice(void **state)
{
    struct outcome fast, direct, again;
    struct trial trial;

    (void)state;
    open_trial(&trial, &layers[3]);
    run(&trial, &rt_engine_native, true, &fast);
    run(&trial, &rt_engine_native, false, &direct);
    run(&trial, &rt_engine_native, false, &again);
    assert_memory_not_equal(fast.y, direct.y, trial.out * sizeof *fast.y);
    assert_memory_not_equal(fast.dx, direct.dx, trial.in * sizeof *fast.dx);
    assert_memory_not_equal(fast.dw, direct.dw, trial.weights * sizeof *fast.dw);
    assert_memory_equal(again.y, direct.y, trial.out * sizeof *fast.y);
    free_outcome(&fast);
    free_outcome(&direct);
    free_outcome(&again);
    rt_free(&trial.x);
    rt_free(&trial.dy);
    rt_free(&trial.w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_error), cmocka_unit_test(test_choice)};

    return cmocka_run_group_tests_name("engine/winograd", tests, NULL, NULL);
}
