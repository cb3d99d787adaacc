/* The published models, and what each sets differently from the keys' defaults: the built-in experiments,
 * --models, the man page and docs/config.md expand from this list. A model need not be here to be trained:
 * net/models.h lists all that there are. */
#ifndef RT_CONFIG_MODELS_H
#define RT_CONFIG_MODELS_H

/* X(model, other names it goes by, what differs from the keys' defaults). num_epochs is well above the slowest
 * published run to the threshold (MLP1 126, MLP3 55, AlexNet 126, Inception 63, WRN 21), since runs stop there
 * by themselves. Schedules: published table of models; MLP1's published pixel tests show a rate without the
 * drop at epoch 100, whose schedule is not known, so these have the same one. */
/* clang-format off */
#define RT_PUBLISHED_MODELS(X) \
    X(MLP1, "", "num_epochs=200 scheduler=multi-step milestones=100,200") \
    X(MLP3, "", "num_epochs=100") \
    X(AlexNet, "AlexNetSmall", "num_epochs=200") \
    X(Inception, "InceptionSmall", "num_epochs=100 learning_rate=0.1") \
    X(WRN, "WideResNet", "num_epochs=50")
/* clang-format on */

/* "MLP1 MLP3 ... ", and "MLP1, MLP3, ..., " */
#define RT_PUBLISHED_MODEL_WORD(model, aliases, settings) #model " "
#define RT_PUBLISHED_MODEL_COMMA(model, aliases, settings) #model ", "
#define RT_PUBLISHED_MODEL_WORDS RT_PUBLISHED_MODELS(RT_PUBLISHED_MODEL_WORD)
#define RT_PUBLISHED_MODEL_ENUMERATION RT_PUBLISHED_MODELS(RT_PUBLISHED_MODEL_COMMA)

#endif
