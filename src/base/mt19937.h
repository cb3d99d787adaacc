/* MT19937 exactly as numpy (legacy) and PyTorch's CPU generator draw from it, so that a seed gives their data,
 * batches and weights. Matsumoto and Nishimura 1998; formats: docs/formats.md, "Random numbers". */
#ifndef RT_BASE_MT19937_H
#define RT_BASE_MT19937_H

#include <stddef.h>
#include <stdint.h>

#define RT_MT_WORDS 624

struct rt_mt {
    uint32_t state[RT_MT_WORDS];
    uint32_t next; /* index of the next word to temper; RT_MT_WORDS: twist first */
};

/* Knuth's linear recurrence: s[0] = seed, s[i] = 1812433253 * (s[i-1] ^ (s[i-1] >> 30)) + i. */
void rt_mt_seed(struct rt_mt *mt, uint32_t seed);

uint32_t rt_mt_next(struct rt_mt *mt);   /* one tempered output */
uint64_t rt_mt_next64(struct rt_mt *mt); /* (next << 32) | next, the first draw high */

/* The next `count` outputs in one call (the same words, several times faster), and the same discarded. */
void rt_mt_fill(struct rt_mt *mt, uint32_t *words, size_t count);
void rt_mt_skip(struct rt_mt *mt, uint64_t count);

/* numpy.random.rand(): [0, 1) from 53 bits. */
double rt_mt_rand(struct rt_mt *mt);

/* numpy.random.choice(n, ...) for one draw, 1 <= n <= 2^32 - 1: masked rejection. */
uint32_t rt_mt_choice(struct rt_mt *mt, uint32_t n);

/* torch.randperm(n) on the CPU: permutation[n], for n < 2^32 / 20. */
void rt_mt_randperm(struct rt_mt *mt, uint32_t *permutation, uint32_t n);

/* torch.randn, serial path: the next pair of standard normals (Box-Muller in double, rounded to float). */
void rt_mt_normal_pair(struct rt_mt *mt, float out[2]);

/* torch.nn.init.uniform_(-bound, bound), float, to the last bit. */
float rt_mt_uniform(struct rt_mt *mt, float bound);

#endif
