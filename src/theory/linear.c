#include "theory/linear.h"

#include <math.h>
#include <string.h>

#include "base/clones.h"
#include "base/memory.h"

enum { LANES = 8 };

/* ---- products ---- */

static RT_CLONED void dot_into_body(double *out, const double *a, const double *b, size_t count)
{
    const size_t whole = count - count % LANES;
    double sums[LANES] = {0}, sum = 0;

    for (size_t i = 0; i < whole; i += LANES)
        for (size_t lane = 0; lane < LANES; lane++)
            sums[lane] += a[i + lane] * b[i + lane];
    for (size_t i = whole; i < count; i++)
        sum += a[i] * b[i];
    for (int lane = 0; lane < LANES; lane++)
        sum += sums[lane];
    *out = sum;
}
RT_CLONES(dot_into, (double *out, const double *a, const double *b, size_t count), (out, a, b, count))

static double dot(const double *a, const double *b, size_t count)
{
    double sum;

    dot_into(&sum, a, b, count);
    return sum;
}

static RT_CLONED void add_body(double *to, double factor, const double *from, size_t count)
{
    for (size_t i = 0; i < count; i++)
        to[i] += factor * from[i];
}
RT_CLONES(add, (double *to, double factor, const double *from, size_t count), (to, factor, from, count))

/* ---- the features ---- */

struct featuring {
    const struct rt_linear *linear;
    const double *g; /* [features][inputs] */
    double *values;  /* [features][images] */
    struct rt_team *team;
};

static void feature_share(void *context, int member)
{
    const struct featuring *f = context;
    const struct rt_linear *linear = f->linear;
    const struct rt_slice share = rt_team_slice(f->team, member, (long)linear->features, 1);

    for (size_t k = (size_t)share.begin; k < (size_t)share.end; k++)
        for (size_t i = 0; i < linear->images; i++)
            f->values[k * linear->images + i] =
                dot(f->g + k * linear->inputs, linear->x + i * linear->inputs, linear->inputs);
}

static void draw(double *g, size_t count, struct rt_mt *mt)
{
    for (size_t i = 0; i < count; i += 2) {
        float pair[2];

        rt_mt_normal_pair(mt, pair);
        for (size_t k = 0; k < 2 && i + k < count; k++)
            g[i + k] = pair[k];
    }
}

/* Gram and Schmidt, each vector twice against those before it, in place: values[features][images]. What is left
 * of one that depends on them is rounding error, and is left out. */
static void orthonormalise(struct rt_linear *linear)
{
    const size_t n = linear->images;
    size_t rank = 0;

    for (size_t k = 0; k < linear->features; k++) {
        double *v = linear->basis + k * n, *to = linear->basis + rank * n;
        const double before = sqrt(dot(v, v, n));

        for (int pass = 0; pass < 2; pass++)
            for (size_t j = 0; j < rank; j++)
                add(v, -dot(linear->basis + j * n, v, n), linear->basis + j * n, n);
        const double after = sqrt(dot(v, v, n));
        if (rank < n && after > 1e-10 * before) {
            for (size_t i = 0; i < n; i++)
                to[i] = v[i] / after;
            rank++;
        }
        linear->ranks[k + 1] = rank;
        if (rank == n) {
            for (size_t later = k + 1; later < linear->features; later++)
                linear->ranks[later + 1] = rank;
            return;
        }
    }
}

static void measure(struct rt_linear *linear)
{
    double all = 0;

    for (size_t i = 0; i < linear->images; i++) {
        const double *x = linear->x + i * linear->inputs, square = dot(x, x, linear->inputs);

        all += square;
        linear->radius = fmax(linear->radius, sqrt(square));
    }
    linear->expected = linear->radius > 0 ? sqrt(all) / ((double)linear->images * linear->radius) : 0;
}

int rt_linear_create(struct rt_linear *out, double **x, size_t images, size_t inputs, size_t features,
                     struct rt_mt *mt, struct rt_team *team, struct rt_error *err)
{
    struct rt_linear linear = {.images = images, .inputs = inputs, .features = features, .x = *x};
    double *g = NULL;
    int rc;

    *x = NULL;
    if ((rc = rt_alloc_aligned(&g, features, inputs * sizeof *g, "random features", err)) ||
        (rc = rt_alloc_aligned(&linear.basis, features, images * sizeof *g, "random features", err)) ||
        (rc = rt_alloc(&linear.ranks, features + 1, sizeof *linear.ranks, "random features", err)))
        goto done;
    draw(g, features * inputs, mt);
    rt_team_run(team, feature_share,
                &(struct featuring){.linear = &linear, .g = g, .values = linear.basis, .team = team});
    orthonormalise(&linear);
    measure(&linear);
    *out = linear;
    linear = (struct rt_linear){0};
done:
    rt_free(&g);
    rt_linear_free(&linear);
    return rc;
}

void rt_linear_free(struct rt_linear *linear)
{
    rt_free(&linear->basis);
    rt_free(&linear->ranks);
    rt_free(&linear->x);
    *linear = (struct rt_linear){0};
}

/* ---- what classes reach ---- */

struct rt_linear_reach rt_linear_reach(const struct rt_linear *linear, size_t d, const double *sigma,
                                       double *scratch)
{
    const size_t n = linear->images;
    struct rt_linear_reach reach = {0};

    memset(scratch, 0, n * sizeof *scratch);
    for (size_t k = 0; k < linear->ranks[d]; k++) {
        const double *q = linear->basis + k * n, along = dot(q, sigma, n);

        add(scratch, along, q, n);
        reach.bounded += along * along;
    }
    for (size_t i = 0; i < n; i++)
        reach.signs += sigma[i] * (scratch[i] >= 0 ? 1 : -1);
    reach.signs /= (double)n;
    reach.bounded = sqrt(reach.bounded / (double)n);
    return reach;
}

struct rt_linear_reach rt_linear_expected(size_t images, size_t d)
{
    const double share = d < images ? (double)d / (double)images : 1;

    return (struct rt_linear_reach){.bounded = sqrt(share),
                                    .signs = share < 1 ? erf(sqrt(share / (2 * (1 - share)))) : 1};
}

double rt_linear_short(const struct rt_linear *linear, const double *sigma, double *scratch)
{
    memset(scratch, 0, linear->inputs * sizeof *scratch);
    for (size_t i = 0; i < linear->images; i++)
        add(scratch, sigma[i], linear->x + i * linear->inputs, linear->inputs);
    return linear->radius > 0
               ? sqrt(dot(scratch, scratch, linear->inputs)) / ((double)linear->images * linear->radius)
               : 0;
}
