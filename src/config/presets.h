/* Presets: values of several keys at once, under one name (config key `preset`). Keys that are given
 * explicitly, in a file or by --set, beat it. Each is one line of RT_PRESETS: look-up, validation, --help, the
 * man page and docs/config.md expand from this list. */
#ifndef RT_CONFIG_PRESETS_H
#define RT_CONFIG_PRESETS_H

/* Zhang et al. 2017, section 2 and appendix A: SGD with momentum 0.9, the rate times 0.95 after every epoch, no
 * weight decay, dropout or augmentation, each image whitened by itself. The initial rate is 0.1 for Inception,
 * 0.01 for AlexNet and MLPs. */
#define RT_PRESET_PAPER_SETTINGS                                                                               \
    "optimizer=sgd momentum=0.9 scheduler=exponential lr_decay=0.95 weight_decay=0.0 dropout=0.0 "             \
    "augment=false batch_size=128 preprocessing=image"

/* "The default coefficient for each model", which the paper does not give. */
#define RT_PRESET_PAPER_WEIGHT_DECAY "0.0005"

#define RT_PRESET_PAPER_OURS                                                                                   \
    "the paper does not state batch size (here 128), initial weights (here PyTorch's uniform ones), "          \
    "number of epochs and coefficient of weight decay (here " RT_PRESET_PAPER_WEIGHT_DECAY " where it is on)"

/* X(name, settings, further ones of Inception's kinds, and of other models, what a run says of it, help) */
/* clang-format off */
#define RT_PRESETS(X) \
    X(none, "", "", "", "", "the keys' own defaults") \
    X(paper, RT_PRESET_PAPER_SETTINGS, "learning_rate=0.1", "learning_rate=0.01", RT_PRESET_PAPER_OURS, \
      "optimizer, momentum, rate (0.1 Inception, 0.01 others) and schedule of the paper, no regularisation")
/* clang-format on */

/* "none paper ", and "; none: the keys' ...; paper: optimizer, ..." */
#define RT_PRESET_WORD(name, settings, inception, others, remark, help) #name " "
#define RT_PRESET_CLAUSE(name, settings, inception, others, remark, help) "; " #name ": " help
#define RT_PRESET_WORDS RT_PRESETS(RT_PRESET_WORD)
#define RT_PRESET_CLAUSES RT_PRESETS(RT_PRESET_CLAUSE)

#endif
