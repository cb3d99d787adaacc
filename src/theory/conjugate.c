#include "theory/conjugate.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"

struct state {
    const struct rt_system *system;
    size_t count; /* numbers of a vector */
    double *r, *z, *p, *q;
    float *single; /* the preconditioner's */
    double rz[RT_OUTPUTS], y2[RT_OUTPUTS];
};

static void products(const struct state *s, const double *a, const double *b, double out[RT_OUTPUTS])
{
    for (int k = 0; k < RT_OUTPUTS; k++)
        out[k] = 0;
    for (size_t i = 0; i < s->count; i += RT_OUTPUTS)
        for (int k = 0; k < RT_OUTPUTS; k++)
            out[k] += a[i + (size_t)k] * b[i + (size_t)k];
}

/* q = (K + ridge I) p */
static int apply(const struct state *s, const double *p, double *q, struct rt_error *err)
{
    RT_TRY(rt_gram_multiply(s->system->gram, p, q, err));
    for (size_t i = 0; i < s->count; i++)
        q[i] += s->system->ridge * p[i];
    return RT_OK;
}

/* z = M^-1 r, scaled for single precision: residuals may be far below its range. */
static void precondition(struct state *s)
{
    double r2[RT_OUTPUTS], largest = 0;

    if (!s->system->factor) {
        memcpy(s->z, s->r, s->count * sizeof *s->z);
        return;
    }
    products(s, s->r, s->r, r2);
    for (int k = 0; k < s->system->outputs; k++)
        largest = fmax(largest, sqrt(r2[k]));
    for (size_t i = 0; i < s->count; i++)
        s->single[i] = largest > 0 ? (float)(s->r[i] / largest) : 0;
    rt_cholesky_solve(s->system->factor, s->system->lapack, s->single, s->system->outputs);
    for (size_t i = 0; i < s->count; i++)
        s->z[i] = (double)s->single[i] * largest;
}

static double residual_of(const struct state *s)
{
    double r2[RT_OUTPUTS], largest = 0;

    products(s, s->r, s->r, r2);
    for (int k = 0; k < s->system->outputs; k++)
        if (s->y2[k] > 0)
            largest = fmax(largest, sqrt(r2[k] / s->y2[k]));
    return largest;
}

/* values[i] += factor[output] * other[i] */
static void add(const struct state *s, double *values, const double factor[RT_OUTPUTS], const double *other)
{
    for (size_t i = 0; i < s->count; i += RT_OUTPUTS)
        for (int k = 0; k < RT_OUTPUTS; k++)
            values[i + (size_t)k] += factor[k] * other[i + (size_t)k];
}

static int step(struct state *s, double *x, struct rt_error *err)
{
    double pq[RT_OUTPUTS], rz[RT_OUTPUTS], along[RT_OUTPUTS], back[RT_OUTPUTS];

    RT_TRY(apply(s, s->p, s->q, err));
    products(s, s->p, s->q, pq);
    for (int k = 0; k < RT_OUTPUTS; k++) {
        along[k] = pq[k] > 0 ? s->rz[k] / pq[k] : 0;
        back[k] = -along[k];
    }
    add(s, x, along, s->p);
    add(s, s->r, back, s->q);
    precondition(s);
    products(s, s->r, s->z, rz);
    for (size_t i = 0; i < s->count; i++) {
        const int k = (int)(i % RT_OUTPUTS);

        s->p[i] = s->z[i] + (s->rz[k] > 0 ? rz[k] / s->rz[k] : 0) * s->p[i];
    }
    memcpy(s->rz, rz, sizeof rz);
    return RT_OK;
}

static int create(struct state *s, struct rt_error *err)
{
    RT_TRY(rt_alloc_aligned(&s->r, s->count, sizeof *s->r, "residuals", err));
    RT_TRY(rt_alloc_aligned(&s->z, s->count, sizeof *s->z, "residuals", err));
    RT_TRY(rt_alloc_aligned(&s->p, s->count, sizeof *s->p, "directions", err));
    RT_TRY(rt_alloc_aligned(&s->q, s->count, sizeof *s->q, "directions", err));
    return rt_alloc_aligned(&s->single, s->count, sizeof *s->single, "residuals", err);
}

static int solve(struct state *s, const double *y, double *x, double tolerance, int steps,
                 struct rt_convergence *convergence, rt_progress *progress, struct rt_error *err)
{
    double first = 1, now = 1;

    memset(x, 0, s->count * sizeof *x);
    memcpy(s->r, y, s->count * sizeof *y);
    products(s, y, y, s->y2);
    precondition(s);
    memcpy(s->p, s->z, s->count * sizeof *s->p);
    products(s, s->r, s->z, s->rz);
    for (convergence->steps = 0; convergence->steps < steps && !(now <= tolerance);) {
        RT_TRY(step(s, x, err));
        convergence->steps++;
        now = residual_of(s);
        if (convergence->steps == 1)
            first = fmax(now, tolerance * 10);
        if (progress)
            progress("conjugate gradients", fmin(1, log(fmin(1, now / first)) / log(tolerance / first)));
    }
    return RT_OK;
}

int rt_conjugate_solve(const struct rt_system *system, const double *y, double *x, double *kx, double tolerance,
                       int steps, struct rt_convergence *convergence, rt_progress *progress,
                       struct rt_error *err)
{
    struct state s = {.system = system, .count = (size_t)system->gram->rows * RT_OUTPUTS};
    int rc;

    if (!(rc = create(&s, err)) && !(rc = solve(&s, y, x, tolerance, steps, convergence, progress, err)) &&
        !(rc = rt_gram_multiply(system->gram, x, kx, err))) {
        for (size_t i = 0; i < s.count; i++)
            s.r[i] = y[i] - kx[i] - system->ridge * x[i];
        convergence->residual = residual_of(&s);
    }
    rt_free(&s.r);
    rt_free(&s.z);
    rt_free(&s.p);
    rt_free(&s.q);
    rt_free(&s.single);
    return rc;
}
