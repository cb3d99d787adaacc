/* Short names of config keys: options of their own wherever an experiment is given (`--lr 0.1`), which `--set`
 * takes too (`--set lr=0.1`). In files, run folders and results a key has its one full name. --help, the man
 * page, the completion and the suggestion for an unknown key expand from this list. */
#ifndef RT_CONFIG_SHORTHANDS_H
#define RT_CONFIG_SHORTHANDS_H

/* X(option, key, its value in --help, what it is) */
/* clang-format off */
#define RT_SHORTHANDS(X) \
    X("epochs", num_epochs, "N", "train until epoch N at most") \
    X("lr", learning_rate, "RATE", "learning rate of the first epoch") \
    X("batch-size", batch_size, "N", "images in a batch") \
    X("seed", seed, "N", "seed of corruption, initial weights and order of images") \
    X("label-noise", label_corruption_prob, "P", "probability that a label is replaced by a random one") \
    X("train-size", train_size, "N", "only the first N training images")
/* clang-format on */

#endif
