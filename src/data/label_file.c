#include "data/label_file.h"

#include <stdio.h>
#include <string.h>

#include "base/path.h"

int rt_label_format_find(enum rt_label_format *format, const char *path, struct rt_error *err)
{
#define LABEL_FORMAT_MATCH(suffix, help)                                                                       \
    if (rt_path_has_suffix(path, "." #suffix)) {                                                               \
        *format = RT_LABEL_FORMAT_##suffix;                                                                    \
        return RT_OK;                                                                                          \
    }
#define LABEL_FORMAT_WORD(suffix, help) " ." #suffix
    RT_LABEL_FORMATS(LABEL_FORMAT_MATCH)
    return rt_fail(err, RT_EUSAGE,
                   "%s: its name says no format of labels; give one that ends in one of" RT_LABEL_FORMATS(
                       LABEL_FORMAT_WORD),
                   path);
#undef LABEL_FORMAT_MATCH
#undef LABEL_FORMAT_WORD
}

static void append_csv(struct rt_text *text, const struct rt_dataset *dataset)
{
    const size_t count = dataset->train_count + dataset->test_count;

    rt_text_append(text, "index,label,true\n");
    for (size_t i = 0; i < count; i++)
        rt_text_printf(text, "%zu,%d,%d\n",
                       i < dataset->train_count ? i : i - dataset->train_count + dataset->train_total,
                       dataset->labels[i], dataset->labels_true[i]);
}

static void append_json(struct rt_text *text, const uint8_t *labels, size_t count)
{
    for (size_t i = 0; i < count; i++)
        rt_text_printf(text, "%s%d", i ? ", " : "[", labels[i]);
    rt_text_append(text, "]\n");
}

/* Format 1.0: the magic, the version, the length of what follows up to the array, which begins at a multiple
 * of 64. */
static void append_npy(struct rt_text *text, const uint8_t *labels, size_t count)
{
    enum { HEADER = 128, PREFIX = 10 };
    const uint8_t prefix[PREFIX] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, HEADER - PREFIX, 0};
    char header[HEADER - PREFIX + 1];

    snprintf(header, sizeof header, "{'descr': '|u1', 'fortran_order': False, 'shape': (%zu,), }", count);
    rt_text_append_bytes(text, prefix, PREFIX);
    rt_text_printf(text, "%-*s\n", HEADER - PREFIX - 1, header);
    rt_text_append_bytes(text, labels, count);
}

void rt_label_file_append(struct rt_text *text, const struct rt_dataset *dataset, enum rt_label_format format,
                          bool truth)
{
    const uint8_t *labels = truth ? dataset->labels_true : dataset->labels;
    const size_t count = dataset->train_count + dataset->test_count;

    switch (format) {
    case RT_LABEL_FORMAT_csv:
        append_csv(text, dataset);
        break;
    case RT_LABEL_FORMAT_json:
        append_json(text, labels, count);
        break;
    case RT_LABEL_FORMAT_npy:
        append_npy(text, labels, count);
        break;
    }
}
