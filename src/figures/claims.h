/* The paper, claim by claim: the list behind the report's section and the table of docs/paper.md (a test
 * compares them), and what runs and the figures' folder show of each. */
#ifndef RT_FIGURES_CLAIMS_H
#define RT_FIGURES_CLAIMS_H

#include "base/text.h"
#include "figures/figures.h"

/* X(finder, picture, claim, command, the paper's number, what it shows). The finder, find_FINDER in claims.c,
 * says what was found here; `picture` is the figure that shows it, "" for none. */
/* clang-format off */
#define RT_CLAIMS(X) \
    X(fit, "conv_slowdown", "Networks fit random labels (section 2)", \
      "rethink figure1", "training accuracy 100 %; AlexNet 99.82 %, MLP 1x512 99.34 %", \
      "What a network can represent, its number of parameters included, does not tell one that generalises from one that does not.") \
    X(figure, "relative_slowdown", "Fitting takes longer with more random labels, by a small factor (figure 1b)", \
      "rethink figure1", "a small constant factor", \
      "Memorising is not much harder for SGD than learning is: that it is easy to optimise explains no generalisation.") \
    X(figure, "gen_err_growth", "Test error rises to chance with corruption (figure 1c)", \
      "rethink figure1", "90 % at p = 1", \
      "One network and one optimiser give every generalisation error there is; what differs is the labels.") \
    X(pixels, "", "Random pixels are fitted, too, and sooner than random labels (figure 1a)", \
      "rethink figure1", "sooner", \
      "Images of noise, from which nothing can be learnt, are far apart from each other and easily told apart.") \
    X(table1, "table1_accuracy", "Without regularisation networks still generalise (table 1)", \
      "rethink table1", "MLP 3x512: 52.39 % test accuracy, 53.35 % with weight decay", \
      "Regularisers adjust the result; something else makes these networks generalise.") \
    X(table4, "table4_accuracy", "Regularisers do not stop random labels from being fitted (table 4)", \
      "rethink table4", "MLP 3x512 with weight decay: 100 %", \
      "A regulariser that lets a network memorise noise is no bound on what it can fit.") \
    X(figure, "icp_fig2_acc", "Batch norm steadies learning, early stopping gains little (figure 2)", \
      "rethink figure2", "batch norm: 3 to 4 points", \
      "Implicit regularisers help, too, and are not what makes networks generalise.") \
    X(theorem1, "theorem1", "2n + d weights represent any labels (theorem 1)", \
      "rethink theorem1 --labels random -o figures", "any n", \
      "Representing a training set takes few weights, and says nothing of new images.") \
    X(rademacher, "rademacher", "Rademacher complexity of networks is about 1 (section 4)", \
      "rethink rademacher --models MLP1,MLP3 -o figures", "about 1", \
      "The bound on the test error that this complexity gives is above 1, and empty.") \
    X(kernel_pixels, "", "A kernel that fits all labels generalises (section 5)", \
      "rethink kernel --search-size 10000 -o figures", "Gaussian kernel on pixels: 46 % test error", \
      "Neither depth nor SGD is needed for what the paper finds: a linear model in a kernel's features does the same.") \
    X(kernel_conv, "", "Random convolutional filters before the kernel more than halve its error", \
      "rethink kernel --features conv --ridge auto -o figures", "17 %; 15 % with a ridge (32,000 filters)", \
      "What is known of images is in the convolutions, more than in what is learnt.") \
    X(kernel_sgd, "", "SGD from 0 on a linear model ends at the minimum-norm solution", \
      "rethink kernel --sgd --train-size 100 --steps 200000 -o figures", "the same solution", \
      "Of all solutions SGD chooses the one of least norm without being asked to: an implicit regulariser.") \
    X(kernel_mnist, "", "The norm of the solution does not predict its error (MNIST)", \
      "rethink kernel --data mnist -o figures", "1.2 % (norm 220); Gabor 0.6 % (390)", \
      "Gabor wavelets raise the norm and halve the error: the least norm is no explanation by itself.")
/* clang-format on */

struct rt_claim {
    const char *picture, *claim, *command, *paper, *shows;
};

enum {
#define RT_CLAIM_ONE(...) +1
    RT_CLAIM_COUNT = 0 RT_CLAIMS(RT_CLAIM_ONE)
#undef RT_CLAIM_ONE
};
extern const struct rt_claim rt_claims[RT_CLAIM_COUNT]; /* in the list's order */

/* What was found of each claim, as HTML; empty: nothing here. */
struct rt_claims_found {
    struct rt_text texts[RT_CLAIM_COUNT];
};

/* Looks through the runs, and `folder` for the files that theorem1, rademacher and kernel leave there. A file
 * that cannot be read is named in the text. RT_EMEMORY, or what building a figure returned; free it then, too.
 */
int rt_claims_find(struct rt_claims_found *found, const struct rt_records *records, const char *folder,
                   const struct rt_figure_options *options, struct rt_error *err);
void rt_claims_free(struct rt_claims_found *found);

#endif
