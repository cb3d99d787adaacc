/* The kinds of label noise that `label_noise` may name. Each is one file in data/label_noise/, which defines
 * rt_label_noise_NAME, and one line here: look-up, validation, --help, the man page and docs/config.md expand
 * from this list. */
#ifndef RT_CONFIG_LABEL_NOISE_H
#define RT_CONFIG_LABEL_NOISE_H

/* X(name, what becomes of a label) */
#define RT_LABEL_NOISES(X)                                                                                     \
    X(published, "a uniform draw of the ten classes, of which the true one is one")                            \
    X(symmetric, "a uniform draw of the nine other classes")                                                   \
    X(pair_flip, "the next class, 0 after 9")                                                                  \
    X(asymmetric, "what it is taken for: 9 to 1, 2 to 0, 4 to 7, 3 to 5 and 5 to 3; others stay")              \
    X(class_dependent, "a draw from its row of label_noise_matrix")                                            \
    X(instance_dependent,                                                                                      \
      "by a random projection of the image, at its own rate: normal about label_corruption_prob, deviation "   \
      "0.1, cut to 0..1 (Xia et al. 2020)")                                                                    \
    X(two_classes, "class 0 or 1, at even odds: the random signs of Rademacher complexity")                    \
    X(file, "the label that label_file has; label_corruption_prob stays 0")

/* "published symmetric ... ", and "; published: a uniform draw ...; ..." */
#define RT_LABEL_NOISE_WORD(name, help) #name " "
#define RT_LABEL_NOISE_CLAUSE(name, help) "; " #name ": " help
#define RT_LABEL_NOISE_WORDS RT_LABEL_NOISES(RT_LABEL_NOISE_WORD)
#define RT_LABEL_NOISE_CLAUSES RT_LABEL_NOISES(RT_LABEL_NOISE_CLAUSE)

#endif
