#include "theory/minimum_norm.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/machine.h"
#include "base/memory.h"

/* CG's steps with and without a preconditioner; |y - A x| / |y| at which they end. */
enum { REFINEMENTS = 100, STEPS = 5000 };
#define TOLERANCE 1e-6
/* What is added to the factor's diagonal, in parts of its mean, until its pivots are positive; and the residual
 * above which K counts as singular when they were not. */
#define SHIFT_FIRST 1e-6
#define SHIFT_LAST 1e-3
#define SINGULAR 1e-3
/* Of the memory that is available: the rest is for what else the program and its libraries take. */
#define SHARE 0.85

/* What one solution needs; zeroed it may be freed. */
struct work {
    struct rt_gram gram, factor, test; /* K; its factor; test against training images */
    double *y, *alpha, *fitted, *predicted;
    double ridge; /* absolute */
    double shift; /* of the factor alone, in parts of the mean diagonal */
    long pivot;   /* the first that was not positive without a shift, or -1 */
};

static void free_work(struct work *w)
{
    rt_gram_free(&w->gram);
    rt_gram_free(&w->factor);
    rt_gram_free(&w->test);
    rt_free(&w->y);
    rt_free(&w->alpha);
    rt_free(&w->fitted);
    rt_free(&w->predicted);
}

/* Matrices without tiles for `fit` images from the first on, and the `tested` images from `first_tested` on. */
static void shape_work(struct work *w, const struct rt_kernel_problem *problem, const struct rt_kernel *kernel,
                       long fit, long first_tested, long tested)
{
    w->gram = (struct rt_gram){.points = problem->points,
                               .kernel = *kernel,
                               .team = problem->team,
                               .rows = fit,
                               .columns = fit,
                               .symmetric = true};
    w->factor = w->gram;
    w->test = w->gram;
    w->test.symmetric = false;
    w->test.first_row = first_tested;
    w->test.rows = tested;
}

static int allocate_vectors(struct work *w, const uint8_t *labels, struct rt_error *err)
{
    const size_t rows = (size_t)w->gram.rows, bytes = RT_OUTPUTS * sizeof(double);

    RT_TRY(rt_alloc_aligned(&w->y, rows, bytes, "targets", err));
    RT_TRY(rt_alloc_aligned(&w->alpha, rows, bytes, "coefficients", err));
    RT_TRY(rt_alloc_aligned(&w->fitted, rows, bytes, "outputs", err));
    RT_TRY(rt_alloc_aligned(&w->predicted, (size_t)w->test.rows, bytes, "outputs", err));
    for (size_t i = 0; i < rows; i++)
        w->y[i * RT_OUTPUTS + labels[i]] = 1;
    return RT_OK;
}

static double mean_diagonal(const struct rt_gram *gram)
{
    double sum = 0;

    for (long i = 0; i < gram->rows; i++)
        sum += rt_gram_diagonal(gram, i);
    return sum / (double)gram->rows;
}

/* The factor's tiles hold K (or are filled with it), then K + (ridge + shift) I, then L. */
static int factor_shifted(struct work *w, const struct rt_kernel_problem *problem, double mean, long *pivot,
                          struct rt_error *err)
{
    struct rt_gram *const filled[] = {&w->factor};

    if (w->gram.tiles)
        memcpy(w->factor.tiles, w->gram.tiles, (size_t)rt_gram_bytes(&w->gram));
    else
        RT_TRY(rt_gram_fill(filled, 1, problem->progress, err));
    for (long i = 0; i < w->factor.rows; i++) {
        float *at = rt_gram_tile(&w->factor, i / RT_TILE, i / RT_TILE) + i % RT_TILE * (RT_TILE + 1);

        *at = (float)((double)*at + w->ridge + w->shift * mean);
    }
    return rt_cholesky_factor(&w->factor, problem->lapack, FLT_EPSILON * mean, pivot, problem->progress, err);
}

/* Where a pivot is not positive in single precision, the factor is of K + shift I: it only guides the conjugate
 * gradients, which solve with K itself. */
static int factor(struct work *w, const struct rt_kernel_problem *problem, struct rt_error *err)
{
    const double mean = mean_diagonal(&w->gram);
    struct rt_error cause = {0};
    long pivot = -1;
    int rc;

    w->shift = 0;
    w->pivot = -1;
    while ((rc = factor_shifted(w, problem, mean, &pivot, &cause)) == RT_EDATA && w->shift < SHIFT_LAST) {
        if (w->pivot < 0)
            w->pivot = pivot;
        w->shift = w->shift > 0 ? w->shift * 10 : SHIFT_FIRST;
    }
    return rc ? rt_fail(err, cause.status, "%s", cause.message) : RT_OK;
}

/* Why K may be singular. */
static const char *singular_cause(const struct work *w, char cause[96])
{
    if (rt_kernel_is_radial(w->gram.kernel.index))
        snprintf(cause, 96, "images that are alike, or too small a width");
    else if (w->gram.rows > w->gram.points->depth)
        snprintf(cause, 96, "more images than features, of which an image has %ld", w->gram.points->depth);
    else
        snprintf(cause, 96, "images that are alike, or sums of others");
    return cause;
}

static int solve(struct work *w, const struct rt_kernel_problem *problem, struct rt_convergence *convergence,
                 struct rt_error *err)
{
    const bool direct = problem->solver == RT_KERNEL_CHOLESKY;
    const struct rt_system system = {.gram = &w->gram,
                                     .ridge = w->ridge,
                                     .factor = direct ? &w->factor : NULL,
                                     .lapack = problem->lapack,
                                     .outputs = RT_CLASSES};
    char pivot[64] = "", cause[96];

    RT_TRY(rt_conjugate_solve(&system, w->y, w->alpha, w->fitted, TOLERANCE, direct ? REFINEMENTS : STEPS,
                              convergence, problem->progress, err));
    if (convergence->residual <= SINGULAR)
        return RT_OK;
    if (!direct)
        return rt_fail(
            err, RT_EDATA,
            "kernel: conjugate gradients leave a residual of %.2g of |Y| after %d steps (%s?); set --ridge, %s"
            "or --solver cholesky",
            convergence->residual, convergence->steps, singular_cause(w, cause),
            rt_kernel_is_radial(w->gram.kernel.index) ? "a larger --width, " : "");
    if (w->pivot >= 0)
        snprintf(pivot, sizeof pivot, ": pivot %ld is not positive", w->pivot);
    return rt_fail(err, RT_EDATA,
                   "kernel: the matrix of %ld images is singular in single precision%s, and the residual stays "
                   "at %.2g of |Y| (%s); set --ridge %g or more, or --ridge auto",
                   w->gram.rows, pivot, convergence->residual, singular_cause(w, cause),
                   w->ridge > 0 ? 10 * w->ridge / mean_diagonal(&w->gram) : 1e-6);
}

static long count_wrong(const double *outputs, const uint8_t *labels, long count)
{
    long wrong = 0;

    for (long i = 0; i < count; i++) {
        const double *row = outputs + i * RT_OUTPUTS;
        int best = 0;

        for (int k = 1; k < RT_CLASSES; k++)
            if (row[k] > row[best])
                best = k;
        wrong += best != labels[i];
    }
    return wrong;
}

static double available_bytes(const struct rt_kernel_problem *problem)
{
    return problem->memory_bytes > 0 ? problem->memory_bytes : SHARE * rt_machine_available_bytes();
}

/* ---- searching ---- */

struct searching {
    struct rt_kernel_search *search;
    const struct rt_kernel_problem *problem;
    enum rt_kernel_index kernel;
    struct work distances, work; /* of distances (or products): made once */
    double ridge;
    bool search_ridge;
};

static int try(struct searching *s, double width, double ridge, struct rt_kernel_trial *best,
               struct rt_error *err)
{
    const uint8_t *labels = s->problem->dataset->labels;
    struct rt_kernel_trial trial = {.width = width, .ridge = ridge, .error = NAN};
    struct work *w = &s->work;
    struct rt_convergence convergence;
    int rc = RT_OK;

    w->gram.kernel.width = w->factor.kernel.width = w->test.kernel.width = width;
    rt_gram_from_distances(&w->gram, &s->distances.gram);
    rt_gram_from_distances(&w->test, &s->distances.test);
    w->ridge = ridge * mean_diagonal(&w->gram);
    w->pivot = -1;
    if (s->problem->solver == RT_KERNEL_CHOLESKY)
        rc = factor(w, s->problem, err);
    if (!rc)
        rc = solve(w, s->problem, &convergence, err);
    if (rc && rc != RT_EDATA)
        return rc;
    if (!rc) {
        RT_TRY(rt_gram_multiply(&w->test, w->alpha, w->predicted, err));
        trial.error =
            (double)count_wrong(w->predicted, labels + w->test.first_row, w->test.rows) / (double)w->test.rows;
    }
    if (s->search->count < RT_KERNEL_TRIALS_MAX)
        s->search->trials[s->search->count++] = trial;
    if (trial.error < best->error)
        *best = trial;
    return RT_OK;
}

/* One width, with the ridge or all ridges. */
static int try_width(struct searching *s, double width, struct rt_kernel_trial *best, struct rt_error *err)
{
    static const double ridges[] = {0, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1};

    *best = (struct rt_kernel_trial){.error = INFINITY};
    if (!s->search_ridge)
        return try(s, width, s->ridge, best, err);
    for (size_t i = 0; i < sizeof ridges / sizeof *ridges; i++)
        RT_TRY(try(s, width, ridges[i], best, err));
    return RT_OK;
}

/* The mean over pairs, one tile of them, of |x - y|^2 or of |x - y|. */
static double mean_distance(const struct rt_gram *distances, bool root)
{
    const long rows = distances->rows < RT_TILE ? distances->rows : RT_TILE;
    const long columns = distances->columns < RT_TILE ? distances->columns : RT_TILE;
    double sum = 0;

    for (long r = 0; r < rows; r++)
        for (long c = 0; c < columns; c++) {
            const double value = (double)rt_gram_tile(distances, 0, 0)[r * RT_TILE + c];

            sum += root ? sqrt(value) : value;
        }
    return sum / (double)(rows * columns);
}

/* From an eighth to 32 times the middle by factors of 2; while the best is at an end, further. */
static int try_widths(struct searching *s, struct rt_error *err)
{
    enum { LOW = -3, HIGH = 5, FURTHER = 8 };
    const double mean = mean_distance(&s->distances.test, s->kernel == RT_KERNEL_laplacian);
    struct rt_kernel_trial *best = &s->search->best, one;
    int low = LOW, high = HIGH, at = LOW;

    if (!(mean > 0))
        return rt_fail(err, RT_EDATA, "kernel: all held-out images are alike: there is no width to search");
    for (int i = LOW; i <= HIGH; i++) {
        RT_TRY(try_width(s, ldexp(1 / mean, i), &one, err));
        if (one.error < best->error) {
            *best = one;
            at = i;
        }
    }
    while ((at == low && low > LOW - FURTHER) || (at == high && high < HIGH + FURTHER)) {
        const int next = at == low ? --low : ++high;

        RT_TRY(try_width(s, ldexp(1 / mean, next), &one, err));
        if (one.error < best->error) {
            *best = one;
            at = next;
        }
    }
    return RT_OK;
}

/* Distances, K, its factor, and what is held out of the first two; all of them stored. */
static int check_search_memory(const struct searching *s, struct rt_error *err)
{
    const double points = s->problem->points->blocks > 1 ? rt_points_bytes(s->problem->points) : 0;
    const double needed = 3 * rt_gram_bytes(&s->work.gram) + 2 * rt_gram_bytes(&s->work.test) + points;
    const double available = available_bytes(s->problem),
                 images = (double)(s->search->fit + s->search->held_out);
    /* bytes grow as the square of the images, with something left over */
    const long fits = (long)(images * sqrt(0.9 * available / needed)) / 100 * 100;

    if (needed <= available)
        return RT_OK;
    return rt_fail(
        err, RT_EMEMORY,
        "kernel: a search on %.0f images needs %.2f GB and %.2f GB can be used; --search-size %ld fits", images,
        needed / 1e9, available / 1e9, fits > 100 ? fits : 100);
}

static int prepare_search(struct searching *s, struct rt_error *err)
{
    const struct rt_kernel of = {.index = s->kernel};
    const struct rt_kernel distance = {.index = rt_kernel_is_radial(s->kernel) ? RT_KERNEL_distance
                                                                               : RT_KERNEL_linear};
    const long fit = s->search->fit, held_out = s->search->held_out;
    struct rt_gram *const filled[] = {&s->distances.gram, &s->distances.test};

    shape_work(&s->distances, s->problem, &distance, fit, fit, held_out);
    shape_work(&s->work, s->problem, &of, fit, fit, held_out);
    RT_TRY(check_search_memory(s, err));
    RT_TRY(rt_gram_store(&s->distances.gram, err));
    RT_TRY(rt_gram_store(&s->distances.test, err));
    RT_TRY(rt_gram_store(&s->work.gram, err));
    RT_TRY(rt_gram_store(&s->work.factor, err));
    RT_TRY(rt_gram_store(&s->work.test, err));
    RT_TRY(allocate_vectors(&s->work, s->problem->dataset->labels, err));
    return rt_gram_fill(filled, 2, s->problem->progress, err);
}

int rt_kernel_search(struct rt_kernel_search *search, const struct rt_kernel_problem *problem,
                     enum rt_kernel_index kernel, double width, double ridge, long images, struct rt_error *err)
{
    struct rt_kernel_problem quiet = *problem;
    struct searching s = {
        .search = search, .problem = &quiet, .kernel = kernel, .ridge = ridge, .search_ridge = isnan(ridge)};
    int rc;

    if (images > problem->points->train)
        images = problem->points->train;
    if (images < 5)
        return rt_fail(err, RT_EDATA,
                       "kernel: %ld training images are too few to search on; at least 5 are needed", images);
    *search = (struct rt_kernel_search){.fit = images - images / 5, .held_out = images / 5};
    search->best = (struct rt_kernel_trial){.width = width, .error = INFINITY};
    quiet.progress = problem->points->blocks > 1 ? problem->progress : NULL;
    problem->points->limit = problem->points->blocks > 1 ? images : 0;
    rc = prepare_search(&s, err);
    problem->points->limit = 0;
    if (!rc) {
        quiet.progress = NULL;
        if (isnan(width) && rt_kernel_is_radial(kernel))
            rc = try_widths(&s, err);
        else
            rc = try_width(&s, width, &search->best, err);
    }
    if (!rc && !(search->best.error <= 1))
        rc = rt_fail(
            err, RT_EDATA,
            "kernel: the matrix is singular at every width tried (images that are alike?); set --ridge 1e-6, "
            "or --ridge auto");
    free_work(&s.distances);
    free_work(&s.work);
    return rc;
}

/* ---- solving ---- */

/* Decides what is stored: K and its factor, or the factor alone (then K is computed again for each residual),
 * or, for conjugate gradients, K or nothing. Points in several blocks need everything stored. */
static int plan_memory(struct work *w, const struct rt_kernel_problem *problem, struct rt_error *err)
{
    const bool direct = problem->solver == RT_KERNEL_CHOLESKY, streamed = problem->points->blocks > 1;
    const double one = rt_gram_bytes(&w->gram), gb = 1e9, available = available_bytes(problem);
    const double vectors = 8.0 * RT_OUTPUTS * sizeof(double) * (double)(w->gram.rows + w->test.rows);
    const double test = streamed ? rt_gram_bytes(&w->test) + rt_points_bytes(problem->points) : 0,
                 most = (direct ? 2 * one : one) + test + vectors;
    const double least = streamed ? most : (direct ? one : 0) + vectors;
    /* of 8 n^2 / 4 bytes, with something left over */
    const long fits = (long)sqrt(0.9 * available / (streamed ? 6.0 : direct ? 2.0 : 100.0)) / 1000 * 1000;

    if (least > available)
        return rt_fail(err, RT_EMEMORY,
                       "kernel: %ld images need %.2f GB and %.2f GB can be used; --train-size %ld fits%s",
                       w->gram.rows, least / gb, available / gb, fits > 0 ? fits : 100,
                       direct && !streamed ? ", or --solver cg, which stores no matrix and takes longer" : "");
    if (most <= available)
        RT_TRY(rt_gram_store(&w->gram, err));
    if (direct)
        RT_TRY(rt_gram_store(&w->factor, err));
    return streamed ? rt_gram_store(&w->test, err) : RT_OK;
}

static int fill(struct work *w, const struct rt_kernel_problem *problem, struct rt_error *err)
{
    struct rt_gram *const filled[] = {&w->gram, &w->test};

    return w->gram.tiles ? rt_gram_fill(filled, w->test.tiles ? 2 : 1, problem->progress, err) : RT_OK;
}

static double since(double *mark)
{
    const double now = rt_clock_wall_s(), passed = now - *mark;

    *mark = now;
    return passed;
}

static int solve_and_test(struct rt_kernel_result *result, struct work *w,
                          const struct rt_kernel_problem *problem, double ridge, struct rt_error *err)
{
    const struct rt_dataset *dataset = problem->dataset;
    double mark = rt_clock_wall_s(), squares = 0;

    RT_TRY(fill(w, problem, err));
    result->matrix_s = since(&mark);
    w->ridge = ridge * mean_diagonal(&w->gram);
    w->pivot = -1;
    if (problem->solver == RT_KERNEL_CHOLESKY)
        RT_TRY(factor(w, problem, err));
    result->factor_s = since(&mark);
    result->shift = w->shift;
    RT_TRY(solve(w, problem, &result->convergence, err));
    result->solve_s = since(&mark);
    RT_TRY(rt_gram_multiply(&w->test, w->alpha, w->predicted, err));
    result->predict_s = since(&mark);
    for (long i = 0; i < w->gram.rows * RT_OUTPUTS; i++)
        squares += w->alpha[i] * w->fitted[i];
    result->norm = sqrt(squares);
    if (problem->outputs)
        memcpy(problem->outputs, w->predicted, (size_t)w->test.rows * RT_OUTPUTS * sizeof(double));
    result->train_wrong = count_wrong(w->fitted, dataset->labels, w->gram.rows);
    result->test_wrong = count_wrong(w->predicted, dataset->labels + w->gram.rows, w->test.rows);
    result->test_wrong_true = count_wrong(w->predicted, dataset->labels_true + w->gram.rows, w->test.rows);
    return RT_OK;
}

int rt_kernel_solve(struct rt_kernel_result *result, const struct rt_kernel_problem *problem,
                    const struct rt_kernel *kernel, double ridge, struct rt_error *err)
{
    const struct rt_points *points = problem->points;
    struct work w = {0};
    int rc;

    *result = (struct rt_kernel_result){.train = points->train, .test = points->test};
    shape_work(&w, problem, kernel, points->train, points->train, points->test);
    if (!(rc = plan_memory(&w, problem, err)) && !(rc = allocate_vectors(&w, problem->dataset->labels, err))) {
        result->stored = w.gram.tiles;
        rc = solve_and_test(result, &w, problem, ridge, err);
    }
    free_work(&w);
    return rc;
}
