#include "theory/hinges.h"

#include <stdint.h>
#include <string.h>

#include "base/clones.h"

enum { PART = 4, PARTS = 2, LANES = PART * PARTS };

/* As wide as AVX2's registers; the baseline's clone has two of its own for each. */
typedef double lanes __attribute__((vector_size(PART * sizeof(double))));
typedef double unaligned __attribute__((vector_size(PART * sizeof(double)), aligned(8), may_alias));
typedef int64_t bits __attribute__((vector_size(PART * sizeof(double))));

struct sums {
    double high[LANES], low[LANES];
};

/* on = max(z - b_j, 0) of PART units */
#define HINGES(on, b, z)                                                                                       \
    (on) = (z) - *(const unaligned *)(b);                                                                      \
    (on) = (lanes)((bits)((on) > 0) & (bits)(on))

/* Of a multiple of LANES units. */
static RT_CLONED void sum_body(struct sums *sums, const double *w, const double *b, size_t count, double z)
{
    lanes total[PARTS] = {0};

    for (size_t j = 0; j < count; j += LANES)
        for (size_t part = 0; part < PARTS; part++) {
            lanes on;

            HINGES(on, b + j + part * PART, z);
            total[part] += *(const unaligned *)(w + j + part * PART) * on;
        }
    memcpy(sums->high, total, sizeof total);
}
RT_CLONES(sum, (struct sums * sums, const double *w, const double *b, size_t count, double z),
          (sums, w, b, count, z))

/* high = the part of a that has 26 bits, low = the rest: rt_dd_split, lane by lane */
#define SPLIT(high, low, a)                                                                                    \
    (high) = 134217729.0 * (a);                                                                                \
    (high) = (high) - ((high) - (a));                                                                          \
    (low) = (a) - (high)

/* Lane by lane rt_dd_two_product of w and the hinge, added by rt_dd_two_sum. */
static RT_CLONED void sum_dd_body(struct sums *sums, const double *w, const double *w_low, const double *b,
                                  size_t count, double z)
{
    lanes high[PARTS] = {0}, low[PARTS] = {0};

    for (size_t j = 0; j < count; j += LANES)
        for (size_t part = 0; part < PARTS; part++) {
            const size_t at = j + part * PART;
            const lanes weight = *(const unaligned *)(w + at);
            lanes on, on_high, on_low, weight_high, weight_low;

            HINGES(on, b + at, z);
            SPLIT(on_high, on_low, on);
            SPLIT(weight_high, weight_low, weight);
            const lanes product = weight * on;
            const lanes error =
                weight_low * on_low -
                (((product - weight_high * on_high) - weight_low * on_high) - weight_high * on_low);
            const lanes total = high[part] + product, moved = total - high[part];

            low[part] += ((high[part] - (total - moved)) + (product - moved)) +
                         (error + *(const unaligned *)(w_low + at) * on);
            high[part] = total;
        }
    memcpy(sums->high, high, sizeof high);
    memcpy(sums->low, low, sizeof low);
}
RT_CLONES(sum_dd,
          (struct sums * sums, const double *w, const double *w_low, const double *b, size_t count, double z),
          (sums, w, w_low, b, count, z))

double rt_hinges_sum(const double *w, const double *b, size_t count, double z)
{
    const size_t whole = count - count % LANES;
    struct sums sums;
    double total = 0;

    sum(&sums, w, b, whole, z);
    for (size_t j = whole; j < count; j++) {
        const double r = z - b[j];

        sums.high[j - whole] += w[j] * (r > 0 ? r : 0);
    }
    for (int lane = 0; lane < LANES; lane++)
        total += sums.high[lane];
    return total;
}

struct rt_dd rt_hinges_sum_dd(const double *w, const double *w_low, const double *b, size_t count, double z)
{
    const size_t whole = count - count % LANES;
    struct sums sums;
    struct rt_dd total = {0};

    sum_dd(&sums, w, w_low, b, whole, z);
    for (int lane = 0; lane < LANES; lane++)
        total = rt_dd_add(total, rt_dd_two_sum(sums.high[lane], sums.low[lane]));
    for (size_t j = whole; j < count; j++) {
        const double r = z - b[j];

        total = rt_dd_add(total, rt_dd_scale((struct rt_dd){w[j], w_low[j]}, r > 0 ? r : 0));
    }
    return total;
}
