#include "theory/gram.h"

#include <math.h>
#include <string.h>

#include "base/clones.h"
#include "base/memory.h"

enum { TILE_FLOATS = RT_TILE * RT_TILE, SPAN = 64 };

static const struct {
    const char *name;
    bool radial;
} kernels[] = {
#define RT_KERNEL_ENTRY(name, radial, help) {#name, radial},
    RT_KERNELS(RT_KERNEL_ENTRY)
#undef RT_KERNEL_ENTRY
};

const char *rt_kernel_name(enum rt_kernel_index index)
{
    return kernels[index].name;
}

bool rt_kernel_is_radial(enum rt_kernel_index index)
{
    return kernels[index].radial;
}

bool rt_kernel_find(enum rt_kernel_index *index, const char *name)
{
    for (int i = 0; i < RT_KERNEL_COUNT; i++)
        if (i != RT_KERNEL_distance && !strcmp(name, kernels[i].name)) {
            *index = (enum rt_kernel_index)i;
            return true;
        }
    return false;
}

double rt_kernel_at(const struct rt_kernel *kernel, double argument)
{
    switch (kernel->index) {
    case RT_KERNEL_gaussian:
        return exp(-kernel->width * argument);
    case RT_KERNEL_laplacian:
        return exp(-kernel->width * sqrt(argument));
    default:
        return argument;
    }
}

/* ---- tiles ---- */

long rt_gram_blocks(long count)
{
    return (count + RT_TILE - 1) / RT_TILE;
}

static long tile_count(const struct rt_gram *gram)
{
    const long rows = rt_gram_blocks(gram->rows);

    return gram->symmetric ? rows * (rows + 1) / 2 : rows * rt_gram_blocks(gram->columns);
}

double rt_gram_bytes(const struct rt_gram *gram)
{
    return (double)tile_count(gram) * TILE_FLOATS * sizeof(float);
}

int rt_gram_store(struct rt_gram *gram, struct rt_error *err)
{
    return rt_alloc_aligned(&gram->tiles, (size_t)tile_count(gram), TILE_FLOATS * sizeof(float),
                            "a kernel's matrix", err);
}

void rt_gram_free(struct rt_gram *gram)
{
    rt_free(&gram->tiles);
}

float *rt_gram_tile(const struct rt_gram *gram, long i, long j)
{
    const long at = gram->symmetric ? i * (i + 1) / 2 + j : i * rt_gram_blocks(gram->columns) + j;

    return gram->tiles + at * TILE_FLOATS;
}

static long rows_of(long count, long block)
{
    return count - block * RT_TILE < RT_TILE ? count - block * RT_TILE : RT_TILE;
}

/* The kernel's argument from the product of two rows' stored values: |x - y|^2 does not depend on the offset;
 * <x, y> =
 * (<v, w> + offset (sum v + sum w) + offset^2 depth) / scale^2. */
static double argument_of(const struct rt_gram *gram, double product, long row, long column)
{
    const struct rt_points *p = gram->points;
    double value;

    if (rt_kernel_is_radial(gram->kernel.index)) {
        value = p->squares[row] + p->squares[column] - 2 * product;
        if (!(value > 0) || row == column)
            value = 0;
    } else {
        value =
            product + p->offset * (p->sums[row] + p->sums[column]) + p->offset * p->offset * (double)p->depth;
    }
    return value / (p->scale * p->scale);
}

double rt_gram_diagonal(const struct rt_gram *gram, long row)
{
    const long image = gram->first_row + row;

    return rt_kernel_at(&gram->kernel, argument_of(gram, gram->points->squares[image], image, image));
}

/* Adds this block's products to tile (i, j), and after the last block makes the kernel's values of them. B's
 * rows are packed. Outside the matrix a tile is zero. */
static void fill_tile(const struct rt_gram *gram, struct rt_dots *dots, long i, long j, float *tile)
{
    const struct rt_points *p = gram->points;
    const long rows = rows_of(gram->rows, i), columns = dots->columns;
    const long row = gram->first_row + i * RT_TILE, column = gram->first_column + j * RT_TILE;
    const bool first = p->block == 0, last = p->block == p->blocks - 1;

    rt_dots_multiply(dots, p->values + row * p->stride, rows, p->stride);
    for (long r = 0; r < rows; r++) {
        const double *sums = dots->sums + r * RT_TILE;
        float *to = tile + r * RT_TILE;

        for (long c = 0; c < columns; c++) {
            const double sum = first ? sums[c] : sums[c] + (double)to[c];

            to[c] =
                (float)(last ? rt_kernel_at(&gram->kernel, argument_of(gram, sum, row + r, column + c)) : sum);
        }
    }
}

struct filling {
    const struct rt_gram *gram;
    struct rt_dots *dots; /* one a thread */
    rt_progress *progress;
};

static void pack(const struct rt_gram *gram, struct rt_dots *dots, long j)
{
    const struct rt_points *p = gram->points;

    rt_dots_pack(dots, p->values + (gram->first_column + j * RT_TILE) * p->stride, rows_of(gram->columns, j),
                 p->stride);
}

/* Tiles in the order of columns, so that what is packed serves a whole column. */
static void fill_share(void *context, int member)
{
    struct filling *f = context;
    const struct rt_gram *gram = f->gram;
    const struct rt_slice share = rt_team_slice(gram->team, member, tile_count(gram), 1);
    struct rt_dots *dots = &f->dots[member];
    long number = 0;

    for (long j = 0; j < rt_gram_blocks(gram->columns); j++) {
        bool packed = false;

        for (long i = gram->symmetric ? j : 0; i < rt_gram_blocks(gram->rows); i++, number++) {
            if (number < share.begin || number >= share.end)
                continue;
            if (!packed)
                pack(gram, dots, j);
            packed = true;
            fill_tile(gram, dots, i, j, rt_gram_tile(gram, i, j));
        }
        if (member == 0 && f->progress && share.end) {
            const struct rt_points *p = gram->points;

            f->progress("kernel matrix",
                        ((double)p->block + fmin(1, (double)number / (double)share.end)) / (double)p->blocks);
        }
    }
}

static void free_dots(struct rt_dots *dots, int count)
{
    for (int i = 0; dots && i < count; i++)
        rt_dots_free(&dots[i]);
    rt_free(&dots);
}

static int create_dots(struct rt_dots **out, int count, long depth, struct rt_error *err)
{
    struct rt_dots *dots;
    int rc;

    RT_TRY(rt_alloc(&dots, (size_t)count, sizeof *dots, "scratch", err));
    for (int i = 0; i < count; i++)
        if ((rc = rt_dots_create(&dots[i], depth, err))) {
            free_dots(dots, count);
            return rc;
        }
    *out = dots;
    return RT_OK;
}

int rt_gram_fill(struct rt_gram *const *grams, int count, rt_progress *progress, struct rt_error *err)
{
    struct rt_points *points = grams[0]->points;
    const int threads = rt_team_size(grams[0]->team);
    struct filling filling = {.progress = progress};
    int rc = RT_OK;

    RT_TRY(create_dots(&filling.dots, threads, points->block_depth, err));
    for (long block = 0; block < points->blocks; block++) {
        if ((rc = rt_points_load(points, block, err)))
            break;
        for (int i = 0; i < count; i++) {
            filling.gram = grams[i];
            rt_team_run(grams[i]->team, fill_share, &filling);
        }
    }
    free_dots(filling.dots, threads);
    return rc;
}

void rt_gram_from_distances(struct rt_gram *to, const struct rt_gram *from)
{
    const long floats = tile_count(from) * TILE_FLOATS;

    for (long i = 0; i < floats; i++)
        to->tiles[i] = (float)rt_kernel_at(&to->kernel, (double)from->tiles[i]);
}

/* ---- products with coefficients ---- */

/* out[rows][RT_OUTPUTS] += T[rows][columns] in[columns][RT_OUTPUTS] */
static RT_CLONED void along_body(const float *tile, const double *in, double *out, long rows, long columns)
{
    for (long r = 0; r < rows; r++) {
        double sum[RT_OUTPUTS];

        memcpy(sum, out + r * RT_OUTPUTS, sizeof sum);
        for (long c = 0; c < columns; c++) {
            const double value = (double)tile[r * RT_TILE + c];

            for (int k = 0; k < RT_OUTPUTS; k++)
                sum[k] += value * in[c * RT_OUTPUTS + k];
        }
        memcpy(out + r * RT_OUTPUTS, sum, sizeof sum);
    }
}
RT_CLONES(along, (const float *tile, const double *in, double *out, long rows, long columns),
          (tile, in, out, rows, columns))

/* out[columns][RT_OUTPUTS] += T' in[rows][RT_OUTPUTS], SPAN columns at a time, which fit the nearest cache. */
static RT_CLONED void across_body(const float *tile, const double *in, double *out, long rows, long columns)
{
    for (long from = 0; from < columns; from += SPAN) {
        const long to = from + SPAN < columns ? from + SPAN : columns;

        for (long r = 0; r < rows; r++)
            for (long c = from; c < to; c++) {
                const double value = (double)tile[r * RT_TILE + c];

                for (int k = 0; k < RT_OUTPUTS; k++)
                    out[c * RT_OUTPUTS + k] += value * in[r * RT_OUTPUTS + k];
            }
    }
}
RT_CLONES(across, (const float *tile, const double *in, double *out, long rows, long columns),
          (tile, in, out, rows, columns))

struct multiplying {
    const struct rt_gram *gram;
    const double *in;
    double *out;
    struct rt_dots *dots; /* one a thread, where tiles are not stored */
    float *scratch;       /* [threads][TILE_FLOATS] */
};

/* Rows of tiles `share` of the result; a tile above the diagonal is the one below it, transposed. */
static void multiply_stored(const struct multiplying *m, struct rt_slice share)
{
    const struct rt_gram *gram = m->gram;

    for (long i = share.begin; i < share.end; i++) {
        double *out = m->out + i * RT_TILE * RT_OUTPUTS;

        for (long j = 0; j < rt_gram_blocks(gram->columns); j++) {
            const double *in = m->in + j * RT_TILE * RT_OUTPUTS;

            if (gram->symmetric && j > i)
                across(rt_gram_tile(gram, j, i), in, out, rows_of(gram->columns, j), rows_of(gram->rows, i));
            else
                along(rt_gram_tile(gram, i, j), in, out, rows_of(gram->rows, i), rows_of(gram->columns, j));
        }
    }
}

static void multiply_computed(const struct multiplying *m, struct rt_slice share, int member)
{
    const struct rt_gram *gram = m->gram;
    float *tile = m->scratch + (long)member * TILE_FLOATS;

    for (long j = 0; j < rt_gram_blocks(gram->columns) && share.begin < share.end; j++) {
        pack(gram, &m->dots[member], j);
        for (long i = share.begin; i < share.end; i++) {
            fill_tile(gram, &m->dots[member], i, j, tile);
            along(tile, m->in + j * RT_TILE * RT_OUTPUTS, m->out + i * RT_TILE * RT_OUTPUTS,
                  rows_of(gram->rows, i), rows_of(gram->columns, j));
        }
    }
}

static void multiply_share(void *context, int member)
{
    const struct multiplying *m = context;
    const struct rt_slice share = rt_team_slice(m->gram->team, member, rt_gram_blocks(m->gram->rows), 1);

    if (m->gram->tiles)
        multiply_stored(m, share);
    else
        multiply_computed(m, share, member);
}

int rt_gram_multiply(const struct rt_gram *gram, const double *in, double *out, struct rt_error *err)
{
    const int threads = rt_team_size(gram->team);
    struct multiplying m = {.gram = gram, .in = in, .out = out};
    int rc = RT_OK;

    if (!gram->tiles && !(rc = create_dots(&m.dots, threads, gram->points->block_depth, err)))
        rc = rt_alloc_aligned(&m.scratch, (size_t)threads, TILE_FLOATS * sizeof(float), "tiles", err);
    if (!rc) {
        memset(out, 0, (size_t)gram->rows * RT_OUTPUTS * sizeof *out);
        rt_team_run(gram->team, multiply_share, &m);
    }
    free_dots(m.dots, threads);
    rt_free(&m.scratch);
    return rc;
}
