/* Labels as other programs read and write them: CSV ("index,label,true"), a JSON list, NumPy's .npy. */
#ifndef RT_DATA_LABEL_FILE_H
#define RT_DATA_LABEL_FILE_H

#include "base/text.h"
#include "data/dataset.h"

/* The formats, by what a file's name ends in. X(suffix, what it has) */
#define RT_LABEL_FORMATS(X)                                                                                    \
    X(csv, "a line for each image: index,label,true")                                                          \
    X(json, "a list of whole numbers")                                                                         \
    X(npy, "an array of bytes, as numpy.load reads it")

enum rt_label_format {
#define RT_LABEL_FORMAT_ENUM(suffix, help) RT_LABEL_FORMAT_##suffix,
    RT_LABEL_FORMATS(RT_LABEL_FORMAT_ENUM)
#undef RT_LABEL_FORMAT_ENUM
};

/* By the path's suffix; RT_EUSAGE lists those that there are. */
int rt_label_format_find(enum rt_label_format *format, const char *path, struct rt_error *err);

/* Appends the labels of the kept images, training before test. CSV has both labels of an image, and its index
 * in the whole set, training images first; the others have the given labels, or with `truth` the true ones. */
void rt_label_file_append(struct rt_text *text, const struct rt_dataset *dataset, enum rt_label_format format,
                          bool truth);

/* What a file is read for. */
struct rt_label_places {
    size_t train_total, test_total; /* of the whole set, training images first */
    size_t train_count, test_count; /* the first ones of each, which are kept */
    const uint8_t *truth;           /* [train_total + test_total] */
};

/* Reads labels from a file's bytes, followed by a NUL, into labels[train_total + test_total]; images of which
 * it says nothing keep what is there. By its content: .npy   one dimension of whole numbers JSON   a list of
 * whole numbers CSV    lines "index,label" or "index,label,true", in any order, perhaps under a header line A
 * list is of all training images, of all images, or of those kept likewise. CSV has each kept training image,
 * and each or no kept test image. RT_EDATA "PATH: ...": another length, a label out of range, an image twice or
 * not at all, a true label that is not the data set's, which means another order. */
int rt_label_file_parse(uint8_t *labels, const struct rt_label_places *places, const char *path,
                        const char *bytes, size_t size, struct rt_error *err);

/* One row of whole numbers of an .npy file with `rows` rows of `count`, as bytes. RT_EDATA: another shape or
 * type, or a number that is no label. */
int rt_label_file_row(uint8_t *labels, size_t count, size_t row, size_t rows, const char *path,
                      const char *bytes, size_t size, struct rt_error *err);

#endif
