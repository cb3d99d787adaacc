/* Dropout's mask, the same on every engine and for any number of threads: whether a value is kept is a function
 * of (seed, training step, node, index of the value in PyTorch's order [n, c, h, w]) alone, so that order,
 * threads and resuming cannot change it. Counter-based: splitmix64's finaliser (Steele, Lea and Flood 2014). */
#ifndef RT_NET_DROPOUT_H
#define RT_NET_DROPOUT_H

#include <stdbool.h>
#include <stdint.h>

static inline uint64_t rt_dropout_mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* The stream of one node's masks in one training step. */
static inline uint64_t rt_dropout_key(uint64_t seed, uint64_t serial, int node)
{
    return rt_dropout_mix(rt_dropout_mix(rt_dropout_mix(seed + 1) + serial + 1) + (uint64_t)node + 1);
}

/* rate in units of 2^-32, 0 <= rate < 1. */
static inline uint32_t rt_dropout_threshold(float rate)
{
    return (uint32_t)((double)rate * 0x1p32);
}

static inline bool rt_dropout_keeps(uint64_t key, uint64_t index, uint32_t threshold)
{
    return (uint32_t)(rt_dropout_mix(key + index * UINT64_C(0x9e3779b97f4a7c15)) >> 32) >= threshold;
}

#endif
