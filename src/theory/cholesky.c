#include "theory/cholesky.h"

/* Tiles are stored by rows, LAPACK's matrices by columns, so that it sees each tile transposed: of L's tile (i,
 * j) it sees U = L(i, j)', and the lower triangle is its upper one. */
static const int lead = RT_TILE;
static const float one = 1, minus_one = -1;

struct factoring {
    struct rt_gram *gram;
    const struct rt_lapack *lapack;
    rt_progress *progress;
    long blocks, pivot; /* pivot: of a row that fails, or -1 */
    double least;
};

static int rows_of(const struct rt_gram *gram, long block)
{
    const long left = gram->rows - block * RT_TILE;

    return (int)(left < RT_TILE ? left : RT_TILE);
}

/* A(i, j) -= L(i, k) L(j, k)' */
static void update(const struct factoring *f, long i, long j, long k)
{
    const int ni = rows_of(f->gram, i), nj = rows_of(f->gram, j), nk = rows_of(f->gram, k);
    const float *left = rt_gram_tile(f->gram, i, k), *right = rt_gram_tile(f->gram, j, k);
    float *tile = rt_gram_tile(f->gram, i, j);

    if (i == j)
        f->lapack->ssyrk("U", "T", &nj, &nk, &minus_one, right, &lead, &one, tile, &lead);
    else
        f->lapack->sgemm("T", "N", &nj, &ni, &nk, &minus_one, right, &lead, left, &lead, &one, tile, &lead);
}

static void factor_diagonal(struct factoring *f, long k)
{
    const int n = rows_of(f->gram, k);
    float *tile = rt_gram_tile(f->gram, k, k);
    int info = 0;

    f->lapack->spotrf("U", &n, tile, &lead, &info);
    for (int i = 0; i < n && (!info || i < info - 1) && f->pivot < 0; i++) {
        const double root = (double)tile[i * (RT_TILE + 1)];

        if (!(root * root > f->least))
            f->pivot = k * RT_TILE + i;
    }
    if (info && f->pivot < 0)
        f->pivot = k * RT_TILE + (info > 0 ? info - 1 : 0);
}

/* Column by column: its diagonal tile, those below it, and what they take from the columns behind. Each tile is
 * one thread's, by its index. */
static void factor_share(void *context, int member)
{
    struct factoring *f = context;
    struct rt_team *team = f->gram->team;
    const int threads = rt_team_size(team);

    for (long k = 0; k < f->blocks; k++) {
        const int nk = rows_of(f->gram, k);
        long number = 0;

        if (member == 0)
            factor_diagonal(f, k);
        rt_team_barrier(team);
        if (f->pivot >= 0)
            return;
        for (long i = k + 1 + member; i < f->blocks; i += threads) {
            const int ni = rows_of(f->gram, i);

            f->lapack->strsm("L", "U", "T", "N", &nk, &ni, &one, rt_gram_tile(f->gram, k, k), &lead,
                             rt_gram_tile(f->gram, i, k), &lead);
        }
        rt_team_barrier(team);
        for (long j = k + 1; j < f->blocks; j++)
            for (long i = j; i < f->blocks; i++)
                if (number++ % threads == member)
                    update(f, i, j, k);
        rt_team_barrier(team);
        if (member == 0 && f->progress) {
            const double left = 1 - (double)(k + 1) / (double)f->blocks;

            f->progress("Cholesky", 1 - left * left * left);
        }
    }
}

int rt_cholesky_factor(struct rt_gram *gram, const struct rt_lapack *lapack, double least, long *pivot,
                       rt_progress *progress, struct rt_error *err)
{
    struct factoring factoring = {.gram = gram,
                                  .lapack = lapack,
                                  .progress = progress,
                                  .blocks = rt_gram_blocks(gram->rows),
                                  .pivot = -1,
                                  .least = least};

    rt_team_run(gram->team, factor_share, &factoring);
    *pivot = factoring.pivot;
    if (factoring.pivot < 0)
        return RT_OK;
    return rt_fail(
        err, RT_EDATA,
        "kernel: the matrix of %ld images is singular in single precision: pivot %ld is not positive",
        gram->rows, factoring.pivot);
}

void rt_cholesky_solve(const struct rt_gram *factor, const struct rt_lapack *lapack, float *b, int outputs)
{
    const long blocks = rt_gram_blocks(factor->rows);
    const int width = RT_OUTPUTS;

    for (long i = 0; i < blocks; i++) { /* L y = b */
        const int ni = rows_of(factor, i);
        float *bi = b + i * RT_TILE * RT_OUTPUTS;

        for (long j = 0; j < i; j++)
            lapack->sgemm("N", "N", &outputs, &ni, &lead, &minus_one, b + j * RT_TILE * RT_OUTPUTS, &width,
                          rt_gram_tile(factor, i, j), &lead, &one, bi, &width);
        lapack->strsm("R", "U", "N", "N", &outputs, &ni, &one, rt_gram_tile(factor, i, i), &lead, bi, &width);
    }
    for (long i = blocks - 1; i >= 0; i--) { /* L' x = y */
        const int ni = rows_of(factor, i);
        float *bi = b + i * RT_TILE * RT_OUTPUTS;

        for (long k = i + 1; k < blocks; k++) {
            const int nk = rows_of(factor, k);

            lapack->sgemm("N", "T", &outputs, &ni, &nk, &minus_one, b + k * RT_TILE * RT_OUTPUTS, &width,
                          rt_gram_tile(factor, k, i), &lead, &one, bi, &width);
        }
        lapack->strsm("R", "U", "T", "N", &outputs, &ni, &one, rt_gram_tile(factor, i, i), &lead, bi, &width);
    }
}
