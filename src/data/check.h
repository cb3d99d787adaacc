/* Checks a whole data set: every record, the SHA-256 of each file, and how many images each class has. */
#ifndef RT_DATA_CHECK_H
#define RT_DATA_CHECK_H

#include "base/digest.h"
#include "data/source.h"

enum { RT_CHECK_FILES_MAX = 6 };

struct rt_data_report {
    struct rt_source source;
    size_t counts[2][RT_CLASSES]; /* of training and of test images */
    int file_count;               /* 0: the set is not made of files */
    struct rt_data_file {
        const char *name;
        char digest[RT_DIGEST_HEX];
        bool official;
    } files[RT_CHECK_FILES_MAX];
    bool official; /* all of them */
};

/* `data` as for rt_dataset_load. RT_EDATA names the first file and record at fault. Bytes that are well-formed
 * but not the official ones are no error. */
int rt_data_check(struct rt_data_report *report, const char *data, struct rt_error *err);

#endif
