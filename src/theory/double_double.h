/* Double-double numbers: the unevaluated sum of two doubles, high + low with |low| <= ulp(high) / 2, about 106
 * bits (Dekker 1971; Ogita, Rump and Oishi 2005). Right only without contraction and reassociation, which the
 * build turns off. Magnitudes stay below 2^990, so that no splitting overflows. */
#ifndef RT_THEORY_DOUBLE_DOUBLE_H
#define RT_THEORY_DOUBLE_DOUBLE_H

struct rt_dd {
    double high, low;
};

/* a + b, exactly. */
static inline struct rt_dd rt_dd_two_sum(double a, double b)
{
    const double sum = a + b, part = sum - a;

    return (struct rt_dd){sum, (a - (sum - part)) + (b - part)};
}

/* a + b, exactly, where |a| >= |b| or a is 0. */
static inline struct rt_dd rt_dd_quick_sum(double a, double b)
{
    const double sum = a + b;

    return (struct rt_dd){sum, b - (sum - a)};
}

/* a = high + low, each of at most 26 bits (Veltkamp). */
static inline struct rt_dd rt_dd_split(double a)
{
    const double shifted = 134217729.0 * a, high = shifted - (shifted - a); /* 2^27 + 1 */

    return (struct rt_dd){high, a - high};
}

/* a * b, exactly (Dekker): no fused multiply-add, which not every machine has. */
static inline struct rt_dd rt_dd_two_product(double a, double b)
{
    const struct rt_dd x = rt_dd_split(a), y = rt_dd_split(b);
    const double product = a * b;

    return (struct rt_dd){product,
                          x.low * y.low - (((product - x.high * y.high) - x.low * y.high) - x.high * y.low)};
}

static inline struct rt_dd rt_dd_add(struct rt_dd a, struct rt_dd b)
{
    const struct rt_dd high = rt_dd_two_sum(a.high, b.high), low = rt_dd_two_sum(a.low, b.low);
    const struct rt_dd sum = rt_dd_quick_sum(high.high, high.low + low.high);

    return rt_dd_quick_sum(sum.high, sum.low + low.low);
}

static inline struct rt_dd rt_dd_negate(struct rt_dd a)
{
    return (struct rt_dd){-a.high, -a.low};
}

/* a * b for a double b. */
static inline struct rt_dd rt_dd_scale(struct rt_dd a, double b)
{
    const struct rt_dd product = rt_dd_two_product(a.high, b);

    return rt_dd_quick_sum(product.high, product.low + a.low * b);
}

/* a / b for a double b: long division of three digits. */
static inline struct rt_dd rt_dd_divide(struct rt_dd a, double b)
{
    const double first = a.high / b;
    const struct rt_dd rest = rt_dd_add(a, rt_dd_negate(rt_dd_two_product(first, b)));
    const double second = rest.high / b;
    const struct rt_dd last = rt_dd_add(rest, rt_dd_negate(rt_dd_two_product(second, b)));
    const struct rt_dd sum = rt_dd_quick_sum(first, second);

    return rt_dd_quick_sum(sum.high, sum.low + last.high / b);
}

#endif
