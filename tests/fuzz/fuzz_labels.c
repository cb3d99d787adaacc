/* data/label_file: any bytes as labels (.npy, JSON or CSV, by what they begin with) of a set of 8 training and
 * 4 test images, 6 and 3 of them kept; and as .npy rows of 3 labels. What is accepted are labels. */
#include <string.h>

#include "base/memory.h"
#include "data/label_file.h"
#include "fuzz.h"

enum { TRAIN = 8, TEST = 4, ROW = 3, ROWS = 2 };

void rt_fuzz_one(const uint8_t *bytes, size_t size)
{
    static const uint8_t truth[TRAIN + TEST] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1};
    const struct rt_label_places places = {TRAIN, TEST, 6, 3, truth};
    uint8_t labels[TRAIN + TEST] = {0}, row[ROW] = {0};
    struct rt_error err = {0};
    char *text;
    int rc;

    RT_FUZZ_CHECK(!rt_alloc(&text, size + 1, 1, "the bytes", &err));
    if (size)
        memcpy(text, bytes, size);
    memcpy(labels, truth, sizeof labels);
    if ((rc = rt_label_file_parse(labels, &places, "labels", text, size, &err)))
        rt_fuzz_check_error(rc, &err);
    for (size_t i = 0; i < TRAIN + TEST; i++)
        RT_FUZZ_CHECK(labels[i] < RT_CLASSES);
    if ((rc = rt_label_file_row(row, ROW, 1, ROWS, "labels", text, size, &err)))
        rt_fuzz_check_error(rc, &err);
    for (size_t i = 0; i < ROW; i++)
        RT_FUZZ_CHECK(row[i] < RT_CLASSES);
    rt_free(&text);
}
