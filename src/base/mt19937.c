#include "base/mt19937.h"

#include <math.h>

enum { SHIFT = 397 }; /* the recurrence's middle word, "m" in the paper */

void rt_mt_seed(struct rt_mt *mt, uint32_t seed)
{
    mt->state[0] = seed;
    for (uint32_t i = 1; i < RT_MT_WORDS; i++) {
        const uint32_t before = mt->state[i - 1];

        mt->state[i] = 1812433253u * (before ^ (before >> 30)) + i;
    }
    mt->next = RT_MT_WORDS;
}

/* The recurrence on one word: the high bit of `here` joined to the low bits of `after`, times the matrix. */
static inline uint32_t twisted(uint32_t here, uint32_t after, uint32_t middle)
{
    const uint32_t joined = (here & 0x80000000u) | (after & 0x7fffffffu);

    return middle ^ (joined >> 1) ^ (-(joined & 1u) & 0x9908b0dfu);
}

/* The next 624 words. Three loops, so that the compiler sees that none reads what its neighbours write: the
 * nearest dependence is 227 words back. */
static void twist(struct rt_mt *mt)
{
    uint32_t *s = mt->state;

    for (int i = 0; i < RT_MT_WORDS - SHIFT; i++)
        s[i] = twisted(s[i], s[i + 1], s[i + SHIFT]);
    for (int i = RT_MT_WORDS - SHIFT; i < RT_MT_WORDS - 1; i++)
        s[i] = twisted(s[i], s[i + 1], s[i + SHIFT - RT_MT_WORDS]);
    s[RT_MT_WORDS - 1] = twisted(s[RT_MT_WORDS - 1], s[0], s[SHIFT - 1]);
    mt->next = 0;
}

static inline uint32_t tempered(uint32_t y)
{
    y ^= y >> 11;
    y ^= (y << 7) & 0x9d2c5680u;
    y ^= (y << 15) & 0xefc60000u;
    return y ^ (y >> 18);
}

uint32_t rt_mt_next(struct rt_mt *mt)
{
    if (mt->next >= RT_MT_WORDS)
        twist(mt);
    return tempered(mt->state[mt->next++]);
}

uint64_t rt_mt_next64(struct rt_mt *mt)
{
    const uint64_t high = rt_mt_next(mt);

    return high << 32 | rt_mt_next(mt);
}

void rt_mt_fill(struct rt_mt *mt, uint32_t *words, size_t count)
{
    while (count > 0) {
        size_t run;

        if (mt->next >= RT_MT_WORDS)
            twist(mt);
        run = RT_MT_WORDS - mt->next;
        if (run > count)
            run = count;
        for (size_t i = 0; i < run; i++)
            words[i] = tempered(mt->state[mt->next + i]);
        mt->next += (uint32_t)run;
        words += run;
        count -= run;
    }
}

void rt_mt_skip(struct rt_mt *mt, uint64_t count)
{
    while (count > RT_MT_WORDS - mt->next) {
        count -= RT_MT_WORDS - mt->next;
        twist(mt);
    }
    mt->next += (uint32_t)count;
}

double rt_mt_rand(struct rt_mt *mt)
{
    const uint32_t a = rt_mt_next(mt) >> 5;
    const uint32_t b = rt_mt_next(mt) >> 6;

    return (a * 67108864.0 + b) / 9007199254740992.0;
}

uint32_t rt_mt_choice(struct rt_mt *mt, uint32_t n)
{
    uint32_t mask = n - 1, draw;

    if (n < 2)
        return 0; /* numpy draws nothing when there is no choice */
    for (int shift = 1; shift < 32; shift *= 2)
        mask |= mask >> shift;
    do
        draw = rt_mt_next(mt) & mask;
    while (draw > n - 1);
    return draw;
}

void rt_mt_randperm(struct rt_mt *mt, uint32_t *permutation, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        permutation[i] = i;
    for (uint32_t i = 0; i + 1 < n; i++) {
        const uint32_t other = i + rt_mt_next(mt) % (n - i);
        const uint32_t kept = permutation[i];

        permutation[i] = permutation[other];
        permutation[other] = kept;
    }
}

void rt_mt_normal_pair(struct rt_mt *mt, float out[2])
{
    const double unit = 1.0 / 9007199254740992.0;
    const uint64_t mask = (UINT64_C(1) << 53) - 1;
    const double u1 = (double)(rt_mt_next64(mt) & mask) * unit;
    const double u2 = (double)(rt_mt_next64(mt) & mask) * unit;
    const double radius = sqrt(-2.0 * log1p(-u2));
    const double angle = 2.0 * 3.14159265358979323846 * u1;

    out[0] = (float)(radius * cos(angle));
    out[1] = (float)(radius * sin(angle));
}

/* One rounding, not two: the published CPU kernels are compiled to a fused multiply-add. */
float rt_mt_uniform(struct rt_mt *mt, float bound)
{
    const float unit = (float)(rt_mt_next(mt) & 0xffffffu) * 0x1p-24f;

    return fmaf(unit, bound + bound, -bound);
}
