/* The list of figures: those of the published results, drawn from runs. */
#ifndef RT_FIGURES_FIGURES_H
#define RT_FIGURES_FIGURES_H

#include "figures/curve.h"
#include "figures/figure.h"
#include "runs/records.h"

struct rt_figure_kind {
    char name[64];  /* of the files */
    char model[64]; /* whose runs; "": several */
    char help[128]; /* one line: what it shows */
    /* Fills *figure (zeroed by rt_figure_build) from the runs; without any that fits, it stays without data. */
    int (*build)(struct rt_figure *figure, const struct rt_figure_kind *kind, const struct rt_records *records,
                 const struct rt_figure_options *options, struct rt_error *err);
};

/* X(name, builder, model, help) */
#define RT_FIGURES(X)                                                                                          \
    X(mlp1_curves, curves, "MLP1", "training loss of MLP1 in the five randomization tests")                    \
    X(mlp3_curves, curves, "MLP3", "training loss of MLP3 in the five randomization tests")                    \
    X(alexnet_curves, curves, "AlexNet", "training loss of AlexNet in the five randomization tests")           \
    X(inception_curves, curves, "Inception", "training loss of Inception in the five randomization tests")     \
    X(wrn_curves, curves, "WRN", "training loss of WRN in the five randomization tests")                       \
    X(conv_slowdown, slowdown, "", "epochs, FLOPs and minutes to the threshold against label corruption")      \
    X(relative_slowdown, relative, "", "epochs to the threshold, relative to true labels (figure 1b)")         \
    X(gen_err_growth, error_growth, "", "test error at the threshold against label corruption")                \
    X(mlp1_corrup_curves, levels, "MLP1", "training accuracy of MLP1 for eleven label corruption levels")      \
    X(mlp3_corrup_curves, levels, "MLP3", "training accuracy of MLP3 for eleven label corruption levels")      \
    X(alexnet_corrup_curves, levels, "AlexNet", "training accuracy of AlexNet for eleven levels")              \
    X(inception_corrup_curves, levels, "Inception", "training accuracy of Inception for eleven levels")        \
    X(wrn_corrup_curves, levels, "WRN", "training accuracy of WRN for eleven label corruption levels")         \
    X(mlp1_learnt_curves, learnt, "MLP1",                                                                      \
      "right labels learnt, wrong ones memorised or recovered, along training")                                \
    X(mlp3_learnt_curves, learnt, "MLP3",                                                                      \
      "right labels learnt, wrong ones memorised or recovered, along training")                                \
    X(alexnet_learnt_curves, learnt, "AlexNet",                                                                \
      "right labels learnt, wrong ones memorised or recovered, along training")                                \
    X(inception_learnt_curves, learnt, "Inception",                                                            \
      "right labels learnt, wrong ones memorised or recovered, along training")                                \
    X(wrn_learnt_curves, learnt, "WRN",                                                                        \
      "right labels learnt, wrong ones memorised or recovered, along training")                                \
    X(learnt_levels, learnt_levels, "",                                                                        \
      "the same against label corruption, and what early stopping would keep")                                 \
    X(icp_fig2_acc, batch_norm_accuracy, "Inception", "accuracy of Inception with and without batch norm")     \
    X(icp_fig2_loss, batch_norm_loss, "Inception", "loss of Inception with and without batch norm")            \
    X(seed_noseed, seeds, "", "training loss of runs resumed with and without their seed")

enum { RT_FIGURE_KINDS_MAX = 24 + 2 * RT_MODELS_MAX };

/* The list, then the curves of models of one's own that the runs (null: none) have: mlp2_curves and
 * mlp2_corrup_curves. Returns how many. */
int rt_figure_kinds(struct rt_figure_kind out[RT_FIGURE_KINDS_MAX], const struct rt_records *records);

/* Builds one figure; check rt_figure_has_data before drawing it. The caller frees it, after an error too. */
int rt_figure_build(struct rt_figure *figure, const struct rt_figure_kind *kind,
                    const struct rt_records *records, const struct rt_figure_options *options,
                    struct rt_error *err);

/* Builds and draws every figure that has data (or, with names, just those) into `directory`; calls
 * drawn(context, kind) after each. Naming a figure that has no data, or that is none, is an error (RT_EDATA,
 * RT_EUSAGE). `left_out` gets the runs that no figure shows; with names, those that these leave out. */
int rt_figures_draw(const struct rt_records *records, const char *directory, const char *const *names,
                    int name_count, const struct rt_figure_options *options,
                    void (*drawn)(void *context, const struct rt_figure_kind *kind), void *context,
                    struct rt_left_outs *left_out, struct rt_error *err);

/* The builders, called only by rt_figure_build. */
#define RT_FIGURE_BUILDER(builder)                                                                             \
    int rt_figure_build_##builder(struct rt_figure *figure, const struct rt_figure_kind *kind,                 \
                                  const struct rt_records *records, const struct rt_figure_options *options,   \
                                  struct rt_error *err)
RT_FIGURE_BUILDER(curves);
RT_FIGURE_BUILDER(levels);
RT_FIGURE_BUILDER(learnt);
RT_FIGURE_BUILDER(learnt_levels);
RT_FIGURE_BUILDER(slowdown);
RT_FIGURE_BUILDER(relative);
RT_FIGURE_BUILDER(error_growth);
RT_FIGURE_BUILDER(batch_norm_accuracy);
RT_FIGURE_BUILDER(batch_norm_loss);
RT_FIGURE_BUILDER(seeds);

#endif
