/* What computes, and how exactly: the words of `device` (and --device) and `precision`. Which of them an engine
 * offers is the engine's own to say (engine/engine.h). */
#ifndef RT_CONFIG_DEVICES_H
#define RT_CONFIG_DEVICES_H

/* X(word, what it is) */
#define RT_DEVICES(X)                                                                                          \
    X(auto, "the best that there is")                                                                          \
    X(cpu, "the processor's cores")                                                                            \
    X(cuda, "an NVIDIA GPU, cuda:1 the second one")

/* X(SYMBOL, word, what products are computed in; sums are in float at least) */
#define RT_PRECISIONS(X)                                                                                       \
    X(DEFAULT, "default", "the engine's own")                                                                  \
    X(FP32, "fp32", "IEEE single precision")                                                                   \
    X(TF32, "tf32", "tensor cores of a GPU, products of 10-bit fractions")                                     \
    X(BF16, "bf16", "tensor cores of a GPU, products and activations of 7-bit fractions")

enum rt_precision {
#define RT_PRECISION_ENUM(symbol, word, help) RT_PRECISION_##symbol,
    RT_PRECISIONS(RT_PRECISION_ENUM)
#undef RT_PRECISION_ENUM
};

/* "auto cpu ... ", and "; auto: the best ...; cpu: the ..." */
#define RT_DEVICE_WORD(word, help) #word " "
#define RT_DEVICE_CLAUSE(word, help) "; " #word ": " help
#define RT_DEVICE_WORDS RT_DEVICES(RT_DEVICE_WORD)
#define RT_DEVICE_CLAUSES RT_DEVICES(RT_DEVICE_CLAUSE)
#define RT_PRECISION_WORD(symbol, word, help) word " "
#define RT_PRECISION_CLAUSE(symbol, word, help) "; " word ": " help
#define RT_PRECISION_WORDS RT_PRECISIONS(RT_PRECISION_WORD)
#define RT_PRECISION_CLAUSES RT_PRECISIONS(RT_PRECISION_CLAUSE)

#endif
