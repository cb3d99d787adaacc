/* The micro-kernel, by rows and panels a tile: accumulators stay in registers for the whole depth.
 *
 * A tile of R rows by V vectors does R * V multiply-adds for R broadcasts and V loads. With 32 registers of 16
 * lanes the best tiles are 14 x 2 and 8 x 3; with 16 registers of 8 lanes 6 x 2 (Goto and van de Geijn 2008).
 */
#include "engine/native/isa/product.h"
#include "engine/native/isa/tables.h"

enum {
    PER_PANEL = RT_PANEL / RT_LANES, /* vectors a panel */
    PANELS_MAX = PER_PANEL == 1 ? 3 : 1,
    ROWS_1 = PER_PANEL == 1       ? 14
             : PER_PANEL == 2     ? 6
             : RT_REGISTERS == 32 ? 6
                                  : 2, /* rows of a tile 1 panel wide */
    ROWS_2 = 14,
    ROWS_3 = 8,
};

/* Panels that are needed next. */
struct prefetch {
    const float *at;
    long stride; /* floats from panel to panel */
};

/* One tile; `rows`, `panels` and `across` are constants where this is inlined. `across`: A's rows are
 * neighbours in memory (a_row 1: A is a transposed activation); otherwise its columns are (a_col 1). Lines
 * from `next` on are prefetched on the way. */
RT_INLINE void tile(const struct rt_product *p, const float *a, const float *b, float *c, struct prefetch next,
                    const int rows, const int panels, const bool across)
{
    enum { VECTORS_MAX = 4 };
    const int vectors = panels * PER_PANEL;
    const long a_row = across ? 1 : p->a_row, a_col = across ? p->a_col : 1;
    const long b_row = p->b_row, b_panel = p->b_panel, c_row = p->c_row, c_panel = p->c_panel;
    rt_vec sum[ROWS_2][VECTORS_MAX];
    const float *a3[5]; /* every third row: the rows between are reached by scaled indices */

    for (int i = 0; i < 5; i++)
        a3[i] = a + 3 * i * a_row;
#pragma GCC unroll 14
    for (int i = 0; i < rows; i++) /* the next tile's place, which is often in no cache */
#pragma GCC unroll 4
        for (int v = 0; v < panels; v++)
            __builtin_prefetch(c + (rows + i) * c_row + v * c_panel, 1);
#pragma GCC unroll 14
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++)
            sum[i][v] = p->accumulate
                            ? rt_load(c + i * c_row + v / PER_PANEL * c_panel + v % PER_PANEL * RT_LANES)
                            : rt_splat(0);
    for (long k = 0; k < p->depth; k++) {
        rt_vec row[VECTORS_MAX];

#pragma GCC unroll 4
        for (int v = 0; v < panels; v++)
            __builtin_prefetch(next.at + v * next.stride);
        next.at += b_row;
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++)
            row[v] = rt_load(b + v / PER_PANEL * b_panel + v % PER_PANEL * RT_LANES);
#pragma GCC unroll 14
        for (int i = 0; i < rows; i++) {
            const rt_vec x = rt_splat(across ? a[i] : a3[i / 3][i % 3 * a_row]);

#pragma GCC unroll 4
            for (int v = 0; v < vectors; v++)
                sum[i][v] += x * row[v];
        }
        b += b_row;
        if (across) {
            a += a_col;
        } else {
#pragma GCC unroll 5
            for (int i = 0; i < 5; i++)
                a3[i]++;
        }
    }
#pragma GCC unroll 14
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++)
            rt_store(c + i * c_row + v / PER_PANEL * c_panel + v % PER_PANEL * RT_LANES, sum[i][v]);
}

typedef void tile_function(const struct rt_product *p, const float *a, const float *b, float *c,
                           struct prefetch next);

/* One function per tile shape: tile_PANELS_ROWS_ORDER. */
#define TILE(panels, rows)                                                                                     \
    static void tile_##panels##_##rows##_along(const struct rt_product *p, const float *a, const float *b,     \
                                               float *c, struct prefetch next)                                 \
    {                                                                                                          \
        tile(p, a, b, c, next, rows, panels, false);                                                           \
    }                                                                                                          \
    static void tile_##panels##_##rows##_across(const struct rt_product *p, const float *a, const float *b,    \
                                                float *c, struct prefetch next)                                \
    {                                                                                                          \
        tile(p, a, b, c, next, rows, panels, true);                                                            \
    }
#define ALONG(panels, rows) tile_##panels##_##rows##_along,
#define ACROSS(panels, rows) tile_##panels##_##rows##_across,

#if defined(__AVX512F__)
#define TILES_1(X)                                                                                             \
    X(1, 1)                                                                                                    \
    X(1, 2) X(1, 3) X(1, 4) X(1, 5) X(1, 6) X(1, 7) X(1, 8) X(1, 9) X(1, 10) X(1, 11) X(1, 12) X(1, 13) X(1, 14)
#define TILES_2(X)                                                                                             \
    X(2, 1)                                                                                                    \
    X(2, 2) X(2, 3) X(2, 4) X(2, 5) X(2, 6) X(2, 7) X(2, 8) X(2, 9) X(2, 10) X(2, 11) X(2, 12) X(2, 13) X(2, 14)
#define TILES_3(X) X(3, 1) X(3, 2) X(3, 3) X(3, 4) X(3, 5) X(3, 6) X(3, 7) X(3, 8)
#define TILES(X) TILES_1(X) TILES_2(X) TILES_3(X)
#elif defined(__AVX2__) || defined(__aarch64__)
#define TILES_1(X) X(1, 1) X(1, 2) X(1, 3) X(1, 4) X(1, 5) X(1, 6)
#define TILES(X) TILES_1(X)
#else
#define TILES_1(X) X(1, 1) X(1, 2)
#define TILES(X) TILES_1(X)
#endif
TILES(TILE)

static const struct {
    int rows_max;
    tile_function *const *along, *const *across; /* [rows - 1] */
} shapes[] = {
    {ROWS_1, (tile_function *const[]){TILES_1(ALONG)}, (tile_function *const[]){TILES_1(ACROSS)}},
#if defined(__AVX512F__)
    {ROWS_2, (tile_function *const[]){TILES_2(ALONG)}, (tile_function *const[]){TILES_2(ACROSS)}},
    {ROWS_3, (tile_function *const[]){TILES_3(ALONG)}, (tile_function *const[]){TILES_3(ACROSS)}},
#endif
};

/* What the tile with this number prefetches while it multiplies `panels` panels of B, the first of them
 * `panel`.
 */
static struct prefetch prefetch_of(const struct rt_product *p, long number, long panel, int panels)
{
    const float *b = p->b + panel * p->b_panel;

    if (number == 0 && panel + panels < p->panels)
        return (struct prefetch){b + panels * p->b_panel, p->b_panel};
    if (number == 0 && p->next_b)
        return (struct prefetch){p->next_b, p->b_panel};
    if ((number == 1 || number == 2) && p->prefetch[number - 1])
        return (struct prefetch){p->prefetch[number - 1] + panel * p->prefetch_panel, p->prefetch_panel};
    return (struct prefetch){b, p->b_panel}; /* what is at hand, so that tiles need no test */
}

/* All rows of one group of panels, in tiles as equal as they can be. */
static void group(const struct rt_product *p, long panel, int panels)
{
    const int rows_max = shapes[panels - 1].rows_max;
    const long tiles = (p->rows + rows_max - 1) / rows_max;

    tile_function *const *functions = p->a_col == 1 ? shapes[panels - 1].along : shapes[panels - 1].across;
    const float *b = p->b + panel * p->b_panel;
    float *c = p->c + panel * p->c_panel;

    for (long i = 0; i < tiles; i++) {
        const long begin = p->rows * i / tiles, end = p->rows * (i + 1) / tiles;

        functions[end - begin - 1](p, p->a + begin * p->a_row, b, c + begin * p->c_row,
                                   prefetch_of(p, i, panel, panels));
    }
}

static void multiply(const struct rt_product *p)
{
    long panel = 0;

    while (panel < p->panels) {
        int panels = 1;

        if (PANELS_MAX == 3 && p->panels - panel > 1) /* twos, and one three when their number is odd */
            panels = p->panels - panel == 3 ? 3 : 2;
        group(p, panel, panels);
        panel += panels;
    }
}

const struct rt_product_kernels RT_ISA_NAME(product_kernels) = {
    .multiply = multiply,
};
