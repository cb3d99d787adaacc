/* The pixel corruptions that `data_corruption_type` may name. Each is one file in data/corruption/, which
 * defines rt_corruption_NAME; config validation, --help and the samples expand from this list. */
#ifndef RT_CONFIG_CORRUPTIONS_H
#define RT_CONFIG_CORRUPTIONS_H

/* X(name, what it does to the images) */
#define RT_CORRUPTIONS(X)                                                                                      \
    X(none, "the images as they are")                                                                          \
    X(shuff_pix, "one permutation of the pixels for all images")                                               \
    X(rand_pix, "a permutation of its own for each image")                                                     \
    X(gauss_pix, "Gaussian noise with the channels' mean and standard deviation")

#endif
