/* For tests: small networks written in one line, and numbers that C and Python make alike.
 *
 * A network is statements separated by ';', each a layer that reads the statement before it, or @i: statement
 * i, counted from 1 (@0 is the input). Layer i's tensors are named "si.weight" and so on.
 *
 *   conv OUT KERNEL STRIDE PADDING BIAS | linear OUT | relu | bn EPS | max_pool KERNEL STRIDE PADDING |
 *   avg_pool SIZE | lrn SIZE ALPHA BETA K | concat @i @j | add @i @j | flatten | dropout RATE | loss
 *
 * "conv 4 3 1 1 0; bn 1e-5; relu; add @3 @0". tests/parity/oracle.py reads the same language for PyTorch. */
#ifndef RT_TESTS_NETWORK_H
#define RT_TESTS_NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/graph.h"

/* Builds the network on images of `input` into *graph. RT_EUSAGE: the text; else the layers' own errors. The
 * caller frees the graph either way. */
int rt_test_network(struct rt_graph *graph, struct rt_shape input, const char *text, struct rt_error *err);

/* MLP1, ..., Inception, InceptionNoBN, WRN: a model by its name in tests/golden/state-dict.txt, with its loss.
 */
int rt_test_model(struct rt_graph *graph, const char *name, struct rt_error *err);

/* Whether two arrays of structs without undefined padding are bit-equal: -0 and 0 differ, a NaN equals itself.
 */
bool rt_test_same_bytes(const void *a, const void *b, size_t size);

/* values[count]: 24-bit MT19937 draws of `seed`, uniform in [-1, 1), exact in float. */
void rt_test_fill(uint32_t seed, double *values, size_t count);

/* A batch for the models, as oracle.py's images_and_labels: images[count][3][28][28] in [-2, 2), labels 0..9.
 */
int rt_test_batch(uint32_t seed, int count, double *images, uint8_t *labels, struct rt_error *err);

#endif
