/* The rows of the paper's tables and its numbers: Zhang, Bengio, Hardt, Recht, Vinyals, "Understanding deep
 * learning requires rethinking generalization", ICLR 2017, arXiv 1611.03530v2. A new row is a line here.
 *
 * Marks: [R] read in several independent transcriptions of the table, which agree; [T] read in the paper's
 * text; [S] one secondary source only. X(name, model, title, labels, regulariser, settings, train, test, note)
 */
#ifndef RT_RUNS_PAPER_ROWS_H
#define RT_RUNS_PAPER_ROWS_H

/* Random crops alone, and crops with flips and rotations. */
#define RT_PAPER_CROP "crop=random "
#define RT_PAPER_AUGMENT "crop=random flip=true rotate=25"
/* The coefficient is added to these, so that it comes last: --weight-decay. */
#define RT_PAPER_DECAY "weight_decay="

/* clang-format off */
/* Table 1 [R]: training and test accuracy on CIFAR-10, per cent. */
#define RT_TABLE1_ROWS(X) \
    X("Inception_crop_decay", "InceptionPaper", "Inception", "true", "crop, weight decay", RT_PAPER_CROP RT_PAPER_DECAY, 100.0, 89.05, "") \
    X("Inception_crop", "InceptionPaper", "Inception", "true", "crop", RT_PAPER_CROP, 100.0, 89.31, "") \
    X("Inception_decay", "InceptionPaper", "Inception", "true", "weight decay", RT_PAPER_DECAY, 100.0, 86.03, "") \
    X("Inception", "InceptionPaper", "Inception", "true", "none", "", 100.0, 85.75, "") \
    X("Inception_random", "InceptionPaper", "Inception", "random", "none", "", 100.0, 9.78, "") \
    X("InceptionNoBN_decay", "InceptionPaper", "Inception w/o BatchNorm", "true", "weight decay", "bn=false " RT_PAPER_DECAY, 100.0, 83.00, "") \
    X("InceptionNoBN", "InceptionPaper", "Inception w/o BatchNorm", "true", "none", "bn=false", 100.0, 82.00, "") \
    X("InceptionNoBN_random", "InceptionPaper", "Inception w/o BatchNorm", "random", "none", "bn=false", 100.0, 10.12, "") \
    X("AlexNet_crop_decay", "AlexNetPaper", "AlexNet", "true", "crop, weight decay", RT_PAPER_CROP RT_PAPER_DECAY, 99.90, 81.22, "") \
    X("AlexNet_crop", "AlexNetPaper", "AlexNet", "true", "crop", RT_PAPER_CROP, 99.82, 79.66, "") \
    X("AlexNet_decay", "AlexNetPaper", "AlexNet", "true", "weight decay", RT_PAPER_DECAY, 100.0, 77.36, "") \
    X("AlexNet", "AlexNetPaper", "AlexNet", "true", "none", "", 100.0, 76.07, "") \
    X("AlexNet_random", "AlexNetPaper", "AlexNet", "random", "none", "", 99.82, 9.86, "") \
    X("MLP3_decay", "MLP3", "MLP 3x512", "true", "weight decay", RT_PAPER_DECAY, 100.0, 53.35, "") \
    X("MLP3", "MLP3", "MLP 3x512", "true", "none", "", 100.0, 52.39, "") \
    X("MLP3_random", "MLP3", "MLP 3x512", "random", "none", "", 100.0, 10.48, "") \
    X("MLP1_decay", "MLP1", "MLP 1x512", "true", "weight decay", RT_PAPER_DECAY, 99.80, 50.39, "") \
    X("MLP1", "MLP1", "MLP 1x512", "true", "none", "", 100.0, 50.51, "") \
    X("MLP1_random", "MLP1", "MLP 1x512", "random", "none", "", 99.34, 10.61, "")

/* Table 4 (appendix E): training accuracy on random labels, per cent. Numbers [S]; that AlexNet fails, and the
 * others still fit, [T]. */
#define RT_TABLE4_ROWS(X) \
    X("Inception_decay", "InceptionPaper", "Inception", "random", "weight decay", RT_PAPER_DECAY, 100.0, NAN, "[S]") \
    X("AlexNet_decay", "AlexNetPaper", "AlexNet", "random", "weight decay", RT_PAPER_DECAY, NAN, NAN, "fails to converge [T]") \
    X("MLP3_decay", "MLP3", "MLP 3x512", "random", "weight decay", RT_PAPER_DECAY, 100.0, NAN, "[S]") \
    X("MLP1_decay", "MLP1", "MLP 1x512", "random", "weight decay", RT_PAPER_DECAY, 99.21, NAN, "[S]") \
    X("Inception_crop", "InceptionPaper", "Inception", "random", "crop", RT_PAPER_CROP, 99.93, NAN, "[S]") \
    X("Inception_augment", "InceptionPaper", "Inception", "random", "crop, flip, rotation up to 25 degrees", RT_PAPER_AUGMENT, 99.28, NAN, "[S]")
/* clang-format on */

#define RT_PAPER_ROW(name, model, title, labels, regulariser, settings, train, test, note)                     \
    {name, model, title, labels, regulariser, settings, train, test, note},

#endif
