/* Reading labels: the second half of label_file.h. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/npy.h"
#include "base/utf8.h"
#include "data/label_file.h"

static int check_label(int64_t label, size_t index, const char *path, struct rt_error *err)
{
    if (label >= 0 && label < RT_CLASSES)
        return RT_OK;
    return rt_fail(err, RT_EDATA, "%s: the label at index %zu is %" PRId64 ", expected 0 to %d", path, index,
                   label, RT_CLASSES - 1);
}

/* ---- lists ---- */

/* How many of the list are labels of training images, by its length; the rest are of test images. */
static int split_list(size_t *train, const struct rt_label_places *p, size_t length, const char *path,
                      struct rt_error *err)
{
    const struct {
        size_t train, test;
    } ways[] = {{p->train_total, 0},
                {p->train_total, p->test_total},
                {p->train_count, 0},
                {p->train_count, p->test_count}};
    size_t found = 0;

    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        if (ways[i].train + ways[i].test != length || ways[i].train == found)
            continue;
        if (found)
            return rt_fail(
                err, RT_EDATA,
                "%s: %zu labels could be of the first %zu or %zu training images; a CSV file says which", path,
                length, found, ways[i].train);
        found = ways[i].train;
    }
    if (!found)
        return rt_fail(err, RT_EDATA, "%s: %zu labels, expected %zu (training images) or %zu (and test images)",
                       path, length, p->train_count, p->train_count + p->test_count);
    *train = found;
    return RT_OK;
}

static void place_list(uint8_t *labels, const struct rt_label_places *places, const uint8_t *list,
                       size_t length, size_t train)
{
    memcpy(labels, list, train);
    memcpy(labels + places->train_total, list + train, length - train);
}

/* ---- .npy ---- */

/* A whole number of `bytes` bytes, little-endian; what does not fit is no label. */
static int64_t number_at(const uint8_t *at, size_t bytes, bool has_sign)
{
    uint64_t value = 0;

    for (size_t i = 0; i < bytes; i++)
        value |= (uint64_t)at[i] << (8 * i);
    if (has_sign && bytes < 8 && value >> (8 * bytes - 1))
        value |= UINT64_MAX << (8 * bytes);
    return value > INT64_MAX && !has_sign ? INT64_MAX : (int64_t)value;
}

static int take_type(const struct rt_npy *npy, size_t *bytes, bool *has_sign, const char *path,
                     struct rt_error *err)
{
    const char *type = npy->type;

    *bytes = type[0] && type[1] ? (size_t)(type[2] - '0') : 0;
    *has_sign = type[1] == 'i';
    if ((type[0] == '<' || (type[0] == '|' && *bytes == 1)) && (type[1] == 'i' || type[1] == 'u') && !type[3] &&
        (*bytes == 1 || *bytes == 2 || *bytes == 4 || *bytes == 8))
        return RT_OK;
    return rt_fail(err, RT_EDATA,
                   "%s: an array of type '%.7s', expected whole numbers, little-endian, as '|u1' or '<i8'",
                   path, type);
}

/* Numbers [first, first + count) of the array. */
static int take_numbers(uint8_t *labels, const struct rt_npy *npy, size_t first, size_t count, const char *path,
                        const char *bytes, struct rt_error *err)
{
    const uint8_t *at = (const uint8_t *)bytes + npy->header_bytes;
    size_t width;
    bool has_sign;

    RT_TRY(take_type(npy, &width, &has_sign, path, err));
    for (size_t i = 0; i < count; i++) {
        const int64_t label = number_at(at + (first + i) * width, width, has_sign);

        RT_TRY(check_label(label, i, path, err));
        labels[i] = (uint8_t)label;
    }
    return RT_OK;
}

/* Header, and that the file has what its shape says. */
static int open_npy(struct rt_npy *npy, size_t *length, const char *path, const char *bytes, size_t size,
                    struct rt_error *err)
{
    size_t width, all;
    bool has_sign;

    RT_TRY(rt_npy_parse(npy, path, bytes, size < RT_NPY_HEADER_MAX ? size : RT_NPY_HEADER_MAX, err));
    RT_TRY(take_type(npy, &width, &has_sign, path, err));
    *length = 1;
    for (int i = 0; i < npy->rank; i++)
        if (npy->shape[i] > size || !rt_size_mul(*length, (size_t)npy->shape[i], length))
            *length = SIZE_MAX;
    if (!rt_size_mul(*length, width, &all) || all != size - npy->header_bytes)
        return rt_fail(err, RT_EDATA, "%s: its array has %zu bytes, not what its header says", path,
                       size - npy->header_bytes);
    return RT_OK;
}

static int parse_npy(uint8_t *labels, const struct rt_label_places *places, const char *path, const char *bytes,
                     size_t size, struct rt_error *err)
{
    struct rt_npy npy;
    uint8_t *list = NULL;
    size_t length, train;
    int rc;

    RT_TRY(open_npy(&npy, &length, path, bytes, size, err));
    if (npy.rank != 1)
        return rt_fail(err, RT_EDATA, "%s: an array of %d dimensions, expected 1: a label for each image", path,
                       npy.rank);
    RT_TRY(split_list(&train, places, length, path, err));
    RT_TRY(rt_alloc(&list, length, 1, "labels", err));
    if (!(rc = take_numbers(list, &npy, 0, length, path, bytes, err)))
        place_list(labels, places, list, length, train);
    rt_free(&list);
    return rc;
}

int rt_label_file_row(uint8_t *labels, size_t count, size_t row, size_t rows, const char *path,
                      const char *bytes, size_t size, struct rt_error *err)
{
    struct rt_npy npy;
    size_t length;

    RT_TRY(open_npy(&npy, &length, path, bytes, size, err));
    if (npy.rank != 2 || npy.shape[0] != rows || npy.shape[1] != count)
        return rt_fail(err, RT_EDATA, "%s: its array is not of %zu rows of %zu labels", path, rows, count);
    return take_numbers(labels, &npy, row * count, count, path, bytes, err);
}

/* ---- JSON ---- */

static int parse_json(uint8_t *labels, const struct rt_label_places *places, const char *path,
                      const char *bytes, size_t size, struct rt_error *err)
{
    struct rt_json *root = NULL;
    uint8_t *list = NULL;
    size_t length = 0, train;
    int64_t label;
    int rc;

    if ((rc = rt_json_parse(&root, path, bytes, size, err)))
        goto done;
    if (rt_json_kind(root) != RT_JSON_ARRAY) {
        rc = rt_fail(err, RT_EDATA, "%s: expected a list of labels, [5, 0, ...]", path);
        goto done;
    }
    length = rt_json_count(root);
    if ((rc = split_list(&train, places, length, path, err)) ||
        (rc = rt_alloc(&list, length, 1, "labels", err)))
        goto done;
    for (size_t i = 0; i < length; i++) {
        if (rt_json_get_integer(rt_json_item(root, i), path, "", &label, NULL)) {
            rc = rt_fail(err, RT_EDATA, "%s: item %zu is no whole number", path, i);
            goto done;
        }
        if ((rc = check_label(label, i, path, err)))
            goto done;
        list[i] = (uint8_t)label;
    }
    place_list(labels, places, list, length, train);
done:
    rt_free(&list);
    rt_json_free(&root);
    return rc;
}

/* ---- CSV ---- */

struct table {
    const struct rt_label_places *places;
    const char *path;
    size_t line;
    uint8_t *labels, *seen; /* [train_total + test_total] */
};

static int complain(const struct table *table, const char *what, struct rt_error *err)
{
    return rt_fail(err, RT_EDATA, "%s:%zu: %s", table->path, table->line, what);
}

/* A whole number, and the comma or the line's end behind it. */
static bool take_number(const char **at, size_t *number)
{
    char *end;

    if (**at < '0' || **at > '9')
        return false;
    *number = strtoull(*at, &end, 10);
    *at = end;
    return *end == ',' || *end == '\n' || *end == '\r' || !*end;
}

/* "12,3" or "12,3,5" */
static int take_line(struct table *table, const char *at, struct rt_error *err)
{
    const size_t count = table->places->train_total + table->places->test_total;
    size_t index, label, truth;

    if (!take_number(&at, &index) || *at++ != ',' || !take_number(&at, &label))
        return complain(table, "expected index,label or index,label,true", err);
    if (index >= count)
        return rt_fail(err, RT_EDATA, "%s:%zu: index %zu, the data set has %zu images", table->path,
                       table->line, index, count);
    if (label >= RT_CLASSES)
        return rt_fail(err, RT_EDATA, "%s:%zu: label %zu, expected 0 to %d", table->path, table->line, label,
                       RT_CLASSES - 1);
    if (*at == ',') {
        at++;
        if (!take_number(&at, &truth))
            return complain(table, "expected a true label behind the second comma", err);
        if (truth != table->places->truth[index])
            return rt_fail(err, RT_EDATA,
                           "%s:%zu: image %zu has the true label %zu there, %d in the data set: another order, "
                           "or other data",
                           table->path, table->line, index, truth, table->places->truth[index]);
    }
    if (*at == '\r')
        at++;
    if (*at && *at != '\n')
        return complain(table, "expected index,label or index,label,true", err);
    if (table->seen[index])
        return rt_fail(err, RT_EDATA, "%s:%zu: image %zu is there twice", table->path, table->line, index);
    table->seen[index] = 1;
    table->labels[index] = (uint8_t)label;
    return RT_OK;
}

/* Each kept training image, and each or no kept test image. */
static int check_seen(const struct table *table, struct rt_error *err)
{
    const struct rt_label_places *p = table->places;
    const bool tested = memchr(table->seen + p->train_total, 1, p->test_count) != NULL;

    for (size_t i = 0; i < p->train_count + (tested ? p->test_count : 0); i++) {
        const size_t index = i < p->train_count ? i : i - p->train_count + p->train_total;

        if (!table->seen[index])
            return rt_fail(err, RT_EDATA, "%s: no label for image %zu", table->path, index);
    }
    return RT_OK;
}

/* "index,label" or "index,label,true": other names could mean other columns. */
static bool is_header(const char *at)
{
    const size_t length = strcspn(at, "\r\n"), pair = strlen("index,label"), three = strlen("index,label,true");

    return !strncmp(at, "index,label,true", length) && (length == pair || length == three);
}

static int take_lines(struct table *table, const char *text, struct rt_error *err)
{
    for (const char *at = text; *at; table->line++) {
        const char *end = strchr(at, '\n');
        const bool header = table->line == 1 && (*at < '0' || *at > '9');

        if (header && !is_header(at))
            return complain(table, "neither labels nor the header index,label or index,label,true", err);
        if (!header)
            RT_TRY(take_line(table, at, err));
        if (!end)
            break;
        at = end + 1;
    }
    return check_seen(table, err);
}

static int parse_csv(uint8_t *labels, const struct rt_label_places *places, const char *path, const char *bytes,
                     size_t size, struct rt_error *err)
{
    struct table table = {.places = places, .path = path, .line = 1};
    int rc;

    table.labels = labels;
    if (strlen(bytes) != size)
        return rt_fail(err, RT_EDATA, "%s: holds a NUL at byte %zu: neither CSV, JSON nor .npy", path,
                       strlen(bytes));
    RT_TRY(rt_alloc(&table.seen, places->train_total + places->test_total, 1, "labels", err));
    rc = take_lines(&table, bytes + rt_utf8_mark(bytes, size), err);
    rt_free(&table.seen);
    return rc;
}

int rt_label_file_parse(uint8_t *labels, const struct rt_label_places *places, const char *path,
                        const char *bytes, size_t size, struct rt_error *err)
{
    const size_t blank = strspn(bytes, " \t\r\n");

    if (size && (uint8_t)bytes[0] == 0x93)
        return parse_npy(labels, places, path, bytes, size, err);
    if (bytes[blank] == '[' || bytes[blank] == '{')
        return parse_json(labels, places, path, bytes, size, err);
    return parse_csv(labels, places, path, bytes, size, err);
}
