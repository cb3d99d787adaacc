#include "theory/theorem1.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "theory/hinges.h"

/* ---- the points ---- */

void rt_theorem1_draw(double *a, size_t inputs, struct rt_mt *mt)
{
    const double grid = 0x1p29;

    for (size_t i = 0; i < inputs; i += 2) {
        float pair[2];

        rt_mt_normal_pair(mt, pair);
        for (size_t k = 0; k < 2 && i + k < inputs; k++)
            a[i + k] = nearbyint(pair[k] * grid) / grid;
    }
}

/* Exact, and so the same in any order. */
static double project(const uint8_t *pixels, const double *a, size_t inputs)
{
    enum { LANES = 8 };
    const size_t whole = inputs - inputs % LANES;
    double sums[LANES] = {0}, sum = 0;

    for (size_t i = 0; i < whole; i += LANES)
        for (size_t lane = 0; lane < LANES; lane++)
            sums[lane] += a[i + lane] * pixels[i + lane];
    for (size_t i = whole; i < inputs; i++)
        sum += a[i] * pixels[i];
    for (int lane = 0; lane < LANES; lane++)
        sum += sums[lane];
    return sum / 256;
}

struct projecting {
    double *z;
    const struct rt_theorem1_images *images;
    const double *a;
    struct rt_team *team;
};

static void project_share(void *context, int member)
{
    const struct projecting *p = context;
    const struct rt_slice share = rt_team_slice(p->team, member, (long)p->images->count, 1);

    for (long i = share.begin; i < share.end; i++)
        p->z[i] = project(p->images->pixels + (size_t)i * p->images->inputs, p->a, p->images->inputs);
}

void rt_theorem1_project(double *z, const struct rt_theorem1_images *images, const double *a,
                         struct rt_team *team)
{
    struct projecting projecting = {.images = images, .a = a, .team = team};

    projecting.z = z;
    rt_team_run(team, project_share, &projecting);
}

static int compare_points(const void *left, const void *right)
{
    const struct rt_theorem1_point *a = left, *b = right;

    if (a->z != b->z)
        return a->z < b->z ? -1 : 1;
    return a->image < b->image ? -1 : a->image > b->image;
}

void rt_theorem1_sort(struct rt_theorem1_point *points, const double *z, size_t count)
{
    for (size_t i = 0; i < count; i++)
        points[i] = (struct rt_theorem1_point){z[i], (uint32_t)i};
    qsort(points, count, sizeof *points, compare_points);
}

void rt_theorem1_find_ties(struct rt_theorem1_ties *ties, const struct rt_theorem1_images *images,
                           const struct rt_theorem1_point *points)
{
    const size_t inputs = images->inputs;
    size_t first = 0; /* of those with this z */

    *ties = (struct rt_theorem1_ties){0};
    for (size_t i = 1; i < images->count; i++) {
        const uint32_t earlier = points[first].image, later = points[i].image;

        if (points[i].z != points[first].z) {
            first = i;
        } else if (memcmp(images->pixels + earlier * inputs, images->pixels + later * inputs, inputs) != 0) {
            ties->collision = true;
        } else if (images->labels[earlier] == images->labels[later]) {
            ties->copies++;
        } else if (!ties->contradiction || later < ties->later) {
            ties->contradiction = true;
            ties->earlier = earlier;
            ties->later = later;
        }
    }
}

/* ---- the network ---- */

void rt_theorem1_thresholds(double *b, const double *z, size_t count)
{
    if (count)
        b[0] = z[0] - (count > 1 ? z[1] - z[0] : 1) / 2;
    for (size_t i = 1; i < count; i++)
        b[i] = z[i - 1] + (z[i] - z[i - 1]) / 2;
}

/* The units of hidden layer `layer` of `layers`. */
static struct rt_slice block_of(const struct rt_theorem1 *network, size_t layer)
{
    return rt_slice((int)layer, (int)(network->depth - 1), (long)network->units, 1);
}

/* Of a layer: its block; z, but for the last; the sum, but for the first. */
static void measure(struct rt_theorem1 *network)
{
    const size_t layers = network->depth - 1;

    network->widest = network->fixed = 0;
    for (size_t layer = 0; layer < layers; layer++) {
        const struct rt_slice block = block_of(network, layer);
        const size_t units = (size_t)(block.end - block.begin), hands_on = layer + 1 < layers;
        const size_t width = units + hands_on + (layer ? 2 : 0);

        network->widest = width > network->widest ? width : network->widest;
        if (layer)
            network->fixed += units + hands_on; /* from the unit that has z */
        if (layer > 1)
            network->fixed += 4; /* from either half of the sum to either */
        if (hands_on)
            network->fixed += units; /* -w, to the sum's negative half */
    }
    if (layers > 1)
        network->fixed += 2; /* from both halves to the output */
}

static int make_room(struct rt_theorem1 *network, size_t units, struct rt_error *err)
{
    double **arrays[] = {&network->z, &network->y,     &network->b,
                         &network->w, &network->w_low, &network->shifted};

    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        RT_TRY(rt_alloc_aligned(arrays[i], units, sizeof **arrays, "a network of theorem 1", err));
    return RT_OK;
}

/* What follows from z and the depth. */
static void finish(struct rt_theorem1 *network)
{
    rt_theorem1_thresholds(network->b, network->z, network->units);
    for (size_t i = 0; i < network->units; i++)
        network->shifted[i] = network->b[i] - network->b[0];
    measure(network);
}

int rt_theorem1_create(struct rt_theorem1 *out, const double *z, const double *y, size_t count, size_t inputs,
                       size_t depth, struct rt_error *err)
{
    struct rt_theorem1 network = {.units = count, .inputs = inputs, .depth = depth};
    const int rc = make_room(&network, count, err);

    if (rc) {
        rt_theorem1_free(&network);
        return rc;
    }
    memcpy(network.z, z, count * sizeof *z);
    memcpy(network.y, y, count * sizeof *y);
    finish(&network);
    *out = network;
    return RT_OK;
}

int rt_theorem1_create_for(struct rt_theorem1 *out, const struct rt_theorem1_images *images,
                           const struct rt_theorem1_point *points, size_t count, const double *a, size_t depth,
                           struct rt_error *err)
{
    struct rt_theorem1 network = {.inputs = images->inputs, .a = a, .depth = depth};
    const int rc = make_room(&network, count, err);

    if (rc) {
        rt_theorem1_free(&network);
        return rc;
    }
    for (size_t i = 0; i < images->count; i++) {
        const size_t units = network.units;

        if (points[i].image >= count || (units && points[i].z == network.z[units - 1]))
            continue;
        network.z[units] = points[i].z;
        network.y[units] = images->labels[points[i].image];
        network.units++;
    }
    finish(&network);
    *out = network;
    return RT_OK;
}

void rt_theorem1_free(struct rt_theorem1 *network)
{
    rt_free(&network->z);
    rt_free(&network->y);
    rt_free(&network->b);
    rt_free(&network->w);
    rt_free(&network->w_low);
    rt_free(&network->shifted);
    *network = (struct rt_theorem1){0};
}

/* ---- its weights ---- */

const char *rt_theorem1_method(enum rt_theorem1_solution solution)
{
    static const char *const names[] = {
#define METHOD(symbol, method, steps, arithmetic) [RT_THEOREM1_##symbol] = method,
        RT_THEOREM1_SOLUTIONS(METHOD)
#undef METHOD
    };

    return names[solution];
}

const char *rt_theorem1_arithmetic(enum rt_theorem1_solution solution)
{
    static const char *const names[] = {
#define ARITHMETIC(symbol, method, steps, arithmetic) [RT_THEOREM1_##symbol] = arithmetic,
        RT_THEOREM1_SOLUTIONS(ARITHMETIC)
#undef ARITHMETIC
    };

    return names[solution];
}

/* w_i = (y_i - sum_(j<i) w_j (z_i - b_j)) / (z_i - b_i) */
static void substitute(struct rt_theorem1 *n)
{
    for (size_t i = 0; i < n->units; i++)
        n->w[i] = (n->y[i] - rt_hinges_sum(n->w, n->b, i, n->z[i])) / (n->z[i] - n->b[i]);
}

/* w_i = (y_i - y_(i-1) - (z_i - z_(i-1)) slope) / (z_i - b_i), where slope = sum_(j<i) w_j; y_0 = 0 */
static void differences(struct rt_theorem1 *n)
{
    double slope = 0;

    for (size_t i = 0; i < n->units; i++) {
        const double gap = i ? n->z[i] - n->z[i - 1] : 0, rise = i ? n->y[i] - n->y[i - 1] : n->y[0];

        n->w[i] = (rise - gap * slope) / (n->z[i] - n->b[i]);
        slope += n->w[i];
    }
}

static void differences_dd(struct rt_theorem1 *n)
{
    struct rt_dd slope = {0};

    for (size_t i = 0; i < n->units; i++) {
        const double gap = i ? n->z[i] - n->z[i - 1] : 0, rise = i ? n->y[i] - n->y[i - 1] : n->y[0];
        const struct rt_dd rest = rt_dd_add((struct rt_dd){rise, 0}, rt_dd_negate(rt_dd_scale(slope, gap)));
        const struct rt_dd w = rt_dd_divide(rest, n->z[i] - n->b[i]);

        n->w[i] = w.high;
        n->w_low[i] = w.low;
        slope = rt_dd_add(slope, w);
    }
}

void rt_theorem1_solve(struct rt_theorem1 *network, enum rt_theorem1_solution by)
{
    static void (*const solve[])(struct rt_theorem1 *) = {
        [RT_THEOREM1_SUBSTITUTION] = substitute,
        [RT_THEOREM1_DIFFERENCES] = differences,
        [RT_THEOREM1_DOUBLE_DOUBLE] = differences_dd,
    };

    memset(network->w_low, 0, network->units * sizeof *network->w_low);
    solve[by](network);
    network->by = by;
}

double rt_theorem1_largest_weight(const struct rt_theorem1 *network)
{
    double largest = 0;

    for (size_t i = 0; i < network->units; i++)
        if (!(fabs(network->w[i]) <= largest))
            largest = fabs(network->w[i]);
    return largest;
}

/* ---- forward passes ---- */

/* How many units of a block have a threshold below z: the others are off, and would add 0. */
static size_t count_on(const double *b, size_t count, double z)
{
    size_t low = 0;

    while (count) {
        const size_t half = count / 2;

        if (b[low + half] < z) {
            low += half + 1;
            count -= half + 1;
        } else {
            count = half;
        }
    }
    return low;
}

/* The weighted sum of a block's units at z with these thresholds. */
static struct rt_dd sum_block(const struct rt_theorem1 *n, const double *b, struct rt_slice block, double z)
{
    const size_t at = (size_t)block.begin, on = count_on(b + at, (size_t)(block.end - block.begin), z);

    if (n->by != RT_THEOREM1_DOUBLE_DOUBLE)
        return (struct rt_dd){rt_hinges_sum(n->w + at, b + at, on, z), 0};
    return rt_hinges_sum_dd(n->w + at, n->w_low + at, b + at, on, z);
}

static struct rt_dd relu(struct rt_dd x)
{
    return x.high > 0 || (x.high == 0 && x.low > 0) ? x : (struct rt_dd){0, 0};
}

/* Of a later layer: the sum so far is handed on as max(r, 0) - max(-r, 0). */
static struct rt_dd hand_on(const struct rt_theorem1 *n, struct rt_dd sum, struct rt_dd more)
{
    const struct rt_dd positive = relu(sum), negative = relu(rt_dd_negate(sum));

    if (n->by != RT_THEOREM1_DOUBLE_DOUBLE)
        return (struct rt_dd){positive.high - negative.high + more.high, 0};
    return rt_dd_add(rt_dd_add(positive, rt_dd_negate(negative)), more);
}

double rt_theorem1_residual(const struct rt_theorem1 *n, double z, double y)
{
    struct rt_dd sum = sum_block(n, n->b, block_of(n, 0), z);
    double u = n->units && z > n->b[0] ? z - n->b[0] : 0; /* the unit that hands on z */

    for (size_t layer = 1; layer + 1 < n->depth; layer++) {
        sum = hand_on(n, sum, sum_block(n, n->shifted, block_of(n, layer), u));
        u = u > 0 ? u : 0;
    }
    return (sum.high - y) + sum.low;
}

struct evaluating {
    const struct rt_theorem1 *network;
    const struct rt_theorem1_images *images;
    size_t count;
    double *residual;
    struct rt_team *team;
};

static void evaluate_share(void *context, int member)
{
    const struct evaluating *e = context;
    const struct rt_theorem1_images *images = e->images;
    const struct rt_slice share = rt_team_slice(e->team, member, (long)e->count, 1);

    for (long i = share.begin; i < share.end; i++) {
        const double z = project(images->pixels + (size_t)i * images->inputs, e->network->a, images->inputs);

        e->residual[i] = rt_theorem1_residual(e->network, z, images->labels[i]);
    }
}

void rt_theorem1_evaluate(const struct rt_theorem1 *network, const struct rt_theorem1_images *images,
                          size_t count, double *residual, struct rt_team *team)
{
    struct evaluating evaluating = {.network = network, .images = images, .count = count, .team = team};

    evaluating.residual = residual;
    rt_team_run(team, evaluate_share, &evaluating);
}
