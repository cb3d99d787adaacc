/* For tests on the fake driver (fake_cuda.c): a few small images of numbers that differ, without a data set.
 * The file that includes this has given IMAGES, SIDE and PIXELS (3 * SIDE * SIDE). */
#ifndef RT_TESTS_CUDA_IMAGES_H
#define RT_TESTS_CUDA_IMAGES_H

#include <dlfcn.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "data/dataset.h"

static float noise[IMAGES * PIXELS];
static uint8_t labels[IMAGES];
static const struct rt_dataset dataset = {
    .train_count = IMAGES, .channels = 3, .height = SIDE, .width = SIDE, .noise = noise, .labels = labels};

/* Fills the images; returns the fake driver, or null where there is none, the plan having said so. */
static void *prepare(void)
{
    void *const fake = dlopen(getenv("RETHINK_CUDA_DRIVER"), RTLD_NOW);

    if (!fake)
        printf("1..0 # SKIP no fake driver: %s\n", dlerror());
    for (size_t i = 0; i < sizeof noise / sizeof *noise; i++)
        noise[i] = (float)((i * 7919) % 101) / 50.0F - 1;
    for (size_t i = 0; i < IMAGES; i++)
        labels[i] = (uint8_t)(i % 4);
    return fake;
}

#endif
