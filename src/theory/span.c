#include "theory/span.h"

#include <math.h>
#include <string.h>

#include "base/clones.h"
#include "base/memory.h"
#include "base/mt19937.h"

/* Matrices by rows. X [n][d], its Gram matrix's factor L [n][n], w [classes][d], coefficients [n][classes]. */
struct work {
    long n, d;
    double *x, *factor, *w, *least, *projected, *start, *coefficients;
    uint32_t *order;
    const uint8_t *labels;
};

/* sum over k of a[k] b[k]: eight partial sums, so that it is the same wherever it runs and still fast. */
static RT_CLONED void dot_into_body(const double *restrict a, const double *restrict b, long count, double *out)
{
    double sums[8] = {0}, sum = 0;
    long k = 0;

    for (; k + 8 <= count; k += 8)
        for (int i = 0; i < 8; i++)
            sums[i] += a[k + i] * b[k + i];
    for (int i = 0; i < 8; i++)
        sum += sums[i];
    for (; k < count; k++)
        sum += a[k] * b[k];
    *out = sum;
}
RT_CLONES(dot_into, (const double *restrict a, const double *restrict b, long count, double *out),
          (a, b, count, out))

static RT_CLONED void add_body(double *restrict to, double factor, const double *restrict from, long count)
{
    for (long k = 0; k < count; k++)
        to[k] += factor * from[k];
}
RT_CLONES(add, (double *restrict to, double factor, const double *restrict from, long count),
          (to, factor, from, count))

static double dot(const double *a, const double *b, long count)
{
    double sum;

    dot_into(a, b, count, &sum);
    return sum;
}

/* L L' = X X'. Rows of L up to the diagonal. */
static int factor(struct work *w, double *condition, struct rt_error *err)
{
    double largest = 0, smallest = INFINITY;

    for (long i = 0; i < w->n; i++) {
        double *row = w->factor + i * w->n;

        for (long j = 0; j <= i; j++) {
            const double *other = w->factor + j * w->n;
            const double left = dot(w->x + i * w->d, w->x + j * w->d, w->d) - dot(row, other, j);

            if (j < i) {
                row[j] = left / other[j];
                continue;
            }
            if (!(left > 1e-12 * dot(w->x + i * w->d, w->x + i * w->d, w->d)))
                return rt_fail(
                    err, RT_EDATA,
                    "kernel: %ld images of %ld features: image %ld is a combination of those before it, so "
                    "that no linear model fits any labels; give fewer with --train-size",
                    w->n, w->d, i);
            row[j] = sqrt(left);
            largest = fmax(largest, left);
            smallest = fmin(smallest, left);
        }
    }
    *condition = largest / smallest;
    return RT_OK;
}

/* (X X')^-1 b for one right-hand side of stride `stride`, in place. */
static void solve(const struct work *w, double *b, long stride)
{
    for (long i = 0; i < w->n; i++) {
        for (long j = 0; j < i; j++)
            b[i * stride] -= w->factor[i * w->n + j] * b[j * stride];
        b[i * stride] /= w->factor[i * w->n + i];
    }
    for (long i = w->n - 1; i >= 0; i--) {
        for (long j = i + 1; j < w->n; j++)
            b[i * stride] -= w->factor[j * w->n + i] * b[j * stride];
        b[i * stride] /= w->factor[i * w->n + i];
    }
}

/* to[classes][d] = X' (X X')^-1 coefficients; the coefficients are used up. */
static void combine(const struct work *w, double *to)
{
    memset(to, 0, (size_t)(RT_CLASSES * w->d) * sizeof *to);
    for (int k = 0; k < RT_CLASSES; k++) {
        solve(w, w->coefficients + k, RT_CLASSES);
        for (long i = 0; i < w->n; i++)
            add(to + k * w->d, w->coefficients[i * RT_CLASSES + k], w->x + i * w->d, w->d);
    }
}

static double distance(const struct work *w, const double *a, const double *b)
{
    double square = 0;

    for (long k = 0; k < RT_CLASSES * w->d; k++)
        square += (a[k] - b[k]) * (a[k] - b[k]);
    return sqrt(square);
}

static double length(const struct work *w, const double *a)
{
    return sqrt(dot(a, a, RT_CLASSES * w->d));
}

static void measure(const struct work *w, struct rt_span *span, long step)
{
    struct rt_span_point *p = &span->points[span->count];
    double square = 0;

    if (span->count == RT_SPAN_POINTS_MAX)
        return;
    *p = (struct rt_span_point){.step = step, .norm = length(w, w->w)};
    for (long i = 0; i < w->n; i++) {
        double *outputs = w->coefficients + i * RT_CLASSES;
        int best = 0;

        for (int k = 0; k < RT_CLASSES; k++) {
            const double off = (outputs[k] = dot(w->w + k * w->d, w->x + i * w->d, w->d)) - (w->labels[i] == k);

            square += off * off;
            if (outputs[k] > outputs[best])
                best = k;
        }
        p->train_wrong += best != w->labels[i];
    }
    combine(w, w->projected); /* of X w */
    p->residual = sqrt(square / (double)w->n);
    p->distance = distance(w, w->w, w->least) / span->norm_min;
    p->outside = p->norm > 0 ? distance(w, w->w, w->projected) / p->norm : 0;
    span->count++;
}

/* Whether a step is one that is measured: 1, 2, 5, 10, ... */
static bool is_marked(long step)
{
    while (step % 10 == 0)
        step /= 10;
    return step == 1 || step == 2 || step == 5;
}

static int descend(struct work *w, struct rt_span *span, long steps, uint32_t seed, struct rt_error *err)
{
    struct rt_mt mt;

    rt_mt_seed(&mt, seed);
    for (long step = 0; step < steps; step++) {
        if (step % w->n == 0)
            rt_mt_randperm(&mt, w->order, (uint32_t)w->n);
        const long i = (long)w->order[step % w->n];
        const double *x = w->x + i * w->d;

        for (int k = 0; k < RT_CLASSES; k++) {
            double *weights = w->w + k * w->d;

            add(weights, span->rate * ((w->labels[i] == k) - dot(weights, x, w->d)), x, w->d);
        }
        if (is_marked(step + 1) || step + 1 == steps) {
            measure(w, span, step + 1);
            if (!isfinite(span->points[span->count - 1].norm))
                return rt_fail(err, RT_EDIVERGED,
                               "kernel: SGD diverged at a rate of %g within %ld steps; 1 / max |x|^2 is safe",
                               span->rate, step + 1);
        }
    }
    return RT_OK;
}

static int allocate(struct work *w, struct rt_error *err)
{
    const size_t n = (size_t)w->n, d = (size_t)w->d, size = sizeof(double);

    RT_TRY(rt_alloc_aligned(&w->x, n * d, size, "images", err));
    RT_TRY(rt_alloc_aligned(&w->factor, n * n, size, "a factor", err));
    RT_TRY(rt_alloc_aligned(&w->w, RT_CLASSES * d, size, "weights", err));
    RT_TRY(rt_alloc_aligned(&w->least, RT_CLASSES * d, size, "weights", err));
    RT_TRY(rt_alloc_aligned(&w->projected, RT_CLASSES * d, size, "weights", err));
    RT_TRY(rt_alloc_aligned(&w->start, RT_CLASSES * d, size, "weights", err));
    RT_TRY(rt_alloc_aligned(&w->coefficients, n * RT_CLASSES, size, "coefficients", err));
    return rt_alloc(&w->order, n, sizeof *w->order, "an order", err);
}

/* w = outside |w_min| of a random direction without its part in the span. */
static void start_outside(struct work *w, struct rt_span *span, double outside, uint32_t seed)
{
    struct rt_mt mt;
    double scale;

    rt_mt_seed(&mt, seed);
    for (long k = 0; k < RT_CLASSES * w->d; k++)
        w->start[k] = rt_mt_rand(&mt) - 0.5;
    for (long i = 0; i < w->n; i++)
        for (int k = 0; k < RT_CLASSES; k++)
            w->coefficients[i * RT_CLASSES + k] = dot(w->start + k * w->d, w->x + i * w->d, w->d);
    combine(w, w->projected);
    scale = outside * span->norm_min / distance(w, w->start, w->projected);
    for (long k = 0; k < RT_CLASSES * w->d; k++)
        w->w[k] = scale * (w->start[k] - w->projected[k]);
}

static int follow(struct work *w, struct rt_span *span, const struct rt_points *points, double rate,
                  double outside, long steps, uint32_t seed, struct rt_error *err)
{
    double largest = 0;

    for (long i = 0; i < w->n; i++) {
        for (long k = 0; k < w->d; k++)
            w->x[i * w->d + k] =
                ((double)points->values[i * points->stride + k] + points->offset) / points->scale;
        largest = fmax(largest, dot(w->x + i * w->d, w->x + i * w->d, w->d));
        w->coefficients[i * RT_CLASSES + w->labels[i]] = 1;
    }
    RT_TRY(factor(w, &span->condition, err));
    combine(w, w->least);
    span->norm_min = length(w, w->least);
    span->rate = isnan(rate) ? 1 / largest : rate;
    if (outside > 0)
        start_outside(w, span, outside, seed);
    return descend(w, span, steps, seed, err);
}

int rt_span_follow(struct rt_span *span, const struct rt_points *points, const uint8_t *labels, double rate,
                   double outside, long steps, uint32_t seed, struct rt_error *err)
{
    struct work w = {.n = points->train, .d = points->depth, .labels = labels};
    int rc;

    *span = (struct rt_span){.images = w.n, .features = w.d};
    if (!(rc = allocate(&w, err)))
        rc = follow(&w, span, points, rate, outside, steps, seed, err);
    rt_free(&w.x);
    rt_free(&w.factor);
    rt_free(&w.w);
    rt_free(&w.least);
    rt_free(&w.projected);
    rt_free(&w.start);
    rt_free(&w.coefficients);
    rt_free(&w.order);
    return rc;
}
