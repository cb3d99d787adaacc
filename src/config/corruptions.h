/* The pixel corruptions that `data_corruption_type` may name. Each is one file in data/corruption/, which
 * defines rt_corruption_NAME, and one line here: look-up, validation, the built-in experiments, --help, the man
 * page, docs/config.md, sample pictures, and the figures' and the report's legends expand from this list. */
#ifndef RT_CONFIG_CORRUPTIONS_H
#define RT_CONFIG_CORRUPTIONS_H

/* X(name, in a legend, its sample picture's file, what it does to the images): all but `none` */
#define RT_PIXEL_CORRUPTIONS(X)                                                                                \
    X(shuff_pix, "shuffled pixels", "shuffled_pixels", "one permutation of the pixels for all images")         \
    X(rand_pix, "random pixels", "random_pixels", "a different permutation for each image")                    \
    X(gauss_pix, "gaussian", "gaussian_pixels", "Gaussian noise of the data's mean and deviation")

#define RT_CORRUPTIONS(X)                                                                                      \
    X(none, "true pixels", "", "the images as they are")                                                       \
    RT_PIXEL_CORRUPTIONS(X)

/* "none shuff_pix ... ", and "; none: the images as they are; shuff_pix: ..." */
#define RT_CORRUPTION_WORD(name, title, file, help) #name " "
#define RT_CORRUPTION_CLAUSE(name, title, file, help) "; " #name ": " help
#define RT_CORRUPTION_WORDS RT_CORRUPTIONS(RT_CORRUPTION_WORD)
#define RT_CORRUPTION_CLAUSES RT_CORRUPTIONS(RT_CORRUPTION_CLAUSE)

#endif
