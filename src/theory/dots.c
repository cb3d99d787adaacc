#include "theory/dots.h"

#include <string.h>

#include "base/memory.h"
#include "engine/native/isa/product.h"

enum { PANEL = 16, PANELS = RT_TILE / PANEL, SLAB = 256, EXACT = 1024, SLAB_FLOATS = PANELS * SLAB * PANEL };

int rt_dots_create(struct rt_dots *dots, long depth, struct rt_error *err)
{
    const size_t slabs = (size_t)((depth + SLAB - 1) / SLAB);

    RT_TRY(rt_isa_choose(&dots->kernels, err));
    dots->depth = depth;
    RT_TRY(rt_alloc_aligned(&dots->packed, slabs, SLAB_FLOATS * sizeof(float), "packed rows", err));
    RT_TRY(rt_alloc_aligned(&dots->partial, RT_TILE * RT_TILE, sizeof(float), "a tile", err));
    return rt_alloc_aligned(&dots->sums, RT_TILE * RT_TILE, sizeof(double), "a tile", err);
}

void rt_dots_free(struct rt_dots *dots)
{
    rt_free(&dots->packed);
    rt_free(&dots->partial);
    rt_free(&dots->sums);
}

/* packed[slab][panel][k][16]; columns behind the last are zero. */
void rt_dots_pack(struct rt_dots *dots, const float *b, long columns, long stride)
{
    dots->columns = columns;
    for (long k = 0; k < dots->depth; k += SLAB) {
        const long depth = dots->depth - k < SLAB ? dots->depth - k : SLAB;
        float *slab = dots->packed + k / SLAB * SLAB_FLOATS;

        for (long c = 0; c < (columns + PANEL - 1) / PANEL * PANEL; c++) {
            float *to = slab + c / PANEL * SLAB * PANEL + c % PANEL;

            for (long i = 0; i < depth; i++)
                to[i * PANEL] = c < columns ? b[c * stride + k + i] : 0;
        }
    }
}

static void add_partial(struct rt_dots *dots, long rows)
{
    for (long r = 0; r < rows; r++) {
        const float *from = dots->partial + r * RT_TILE;
        double *to = dots->sums + r * RT_TILE;

        for (long c = 0; c < dots->columns; c++)
            to[c] += (double)from[c];
    }
}

void rt_dots_multiply(struct rt_dots *dots, const float *a, long rows, long stride)
{
    memset(dots->sums, 0, (size_t)rows * RT_TILE * sizeof *dots->sums);
    for (long k = 0; k < dots->depth; k += SLAB) {
        const struct rt_product product = {
            .a = a + k,
            .b = dots->packed + k / SLAB * SLAB_FLOATS,
            .c = dots->partial,
            .a_row = stride,
            .a_col = 1,
            .b_row = PANEL,
            .b_panel = SLAB * PANEL,
            .c_row = RT_TILE,
            .c_panel = PANEL,
            .rows = rows,
            .panels = (dots->columns + PANEL - 1) / PANEL,
            .depth = dots->depth - k < SLAB ? dots->depth - k : SLAB,
            .accumulate = k % EXACT != 0,
        };

        dots->kernels->product->multiply(&product);
        if ((k + SLAB) % EXACT == 0 || k + SLAB >= dots->depth)
            add_partial(dots, rows);
    }
}
