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

#endif
