#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "run/safetensors.h"
#include "run/safetensors_size.h"

/* Ours, not the format's 100 MB: some four hundred times the header of our largest model, and fifty times its
 * file. */
#define HEADER_MAX (8u << 20)
#define FILE_MAX ((size_t)512 << 20)

static const char metadata_key[] = "__metadata__";

/* Where we are, for messages. */
struct reader {
    const char *path;
    struct rt_safetensors content;
    uint64_t data_size;
};

/* The header's length; the file must hold it whole. */
static int read_header_length(const struct reader *reader, const uint8_t *bytes, size_t size, size_t *length,
                              struct rt_error *err)
{
    uint64_t n;

    if (size < sizeof n)
        return rt_fail(err, RT_EDATA, "%s: %zu bytes, a safetensors file has at least 8", reader->path, size);
    memcpy(&n, bytes, sizeof n);
    n = le64toh(n);
    if (n > HEADER_MAX)
        return rt_fail(err, RT_EDATA, "%s: a header of %llu bytes, at most %u are allowed", reader->path,
                       (unsigned long long)n, HEADER_MAX);
    if (n > size - sizeof n)
        return rt_fail(err, RT_EDATA, "%s: a header of %llu bytes in a file of %zu: cut short?", reader->path,
                       (unsigned long long)n, size);
    *length = (size_t)n;
    return RT_OK;
}

/* A tensor's entry is one object with two arrays, of 50 bytes at least. As JSON in memory the empty ones take a
 * hundred times their two bytes: a header that has more of them than tensors could have is refused unread. */
static int check_density(const struct reader *reader, const char *header, size_t length, struct rt_error *err)
{
    enum { ENTRY_MIN = 48, SPARE = 8 };
    size_t objects = 0, arrays = 0;
    bool inside = false; /* a string */

    for (size_t i = 0; i < length; i++) {
        if (inside && header[i] == '\\')
            i++;
        else if (header[i] == '"')
            inside = !inside;
        else if (!inside) {
            objects += header[i] == '{';
            arrays += header[i] == '[';
        }
    }
    if (objects > length / ENTRY_MIN + SPARE || arrays > 2 * (length / ENTRY_MIN) + SPARE)
        return rt_fail(err, RT_EDATA,
                       "%s: %zu objects and %zu lists in a header of %zu bytes: no tensors are so short",
                       reader->path, objects, arrays, length);
    return RT_OK;
}

static int read_metadata(struct reader *reader, const struct rt_json *metadata, struct rt_error *err)
{
    struct rt_safetensors *out = &reader->content;

    if (rt_json_kind(metadata) != RT_JSON_OBJECT)
        return rt_fail(err, RT_EDATA, "%s: %s is not an object", reader->path, metadata_key);
    RT_TRY(rt_alloc(&out->metadata, rt_json_count(metadata), sizeof *out->metadata, "metadata", err));
    for (void *it = rt_json_first(metadata); it; it = rt_json_next(metadata, it)) {
        const char *text;
        char *key, *value;

        if (rt_json_kind(rt_json_value(it)) != RT_JSON_TEXT)
            return rt_fail(err, RT_EDATA, "%s: %s: %s is not a text", reader->path, metadata_key,
                           rt_json_key(it));
        RT_TRY(rt_json_get_text(rt_json_value(it), reader->path, "", &text, err));
        RT_TRY(rt_strdup(&key, rt_json_key(it), err));
        out->metadata[out->metadata_count++].key = key;
        RT_TRY(rt_strdup(&value, text, err));
        out->metadata[out->metadata_count - 1].value = value;
    }
    return RT_OK;
}

/* array[i] as a size; false if it is no whole number from 0 up. */
static bool size_at(const struct rt_json *array, size_t i, uint64_t *value)
{
    int64_t integer;

    if (rt_json_kind(rt_json_item(array, i)) != RT_JSON_INTEGER ||
        rt_json_get_integer(rt_json_item(array, i), "", "", &integer, NULL) || integer < 0)
        return false;
    *value = (uint64_t)integer;
    return true;
}

static bool is_array(const struct rt_json *value)
{
    return value && rt_json_kind(value) == RT_JSON_ARRAY;
}

static int read_shape(const struct reader *reader, struct rt_safetensor *tensor, const struct rt_json *info,
                      struct rt_error *err)
{
    const struct rt_json *shape = rt_json_member(info, "shape");
    uint64_t *dimensions;

    if (!is_array(shape))
        return rt_fail(err, RT_EDATA, "%s: tensor %s has no list 'shape'", reader->path, tensor->name);
    RT_TRY(rt_alloc(&dimensions, rt_json_count(shape), sizeof *dimensions, "a shape", err));
    tensor->shape = dimensions;
    tensor->rank = rt_json_count(shape);
    for (size_t i = 0; i < tensor->rank; i++)
        if (!size_at(shape, i, &dimensions[i]))
            return rt_fail(err, RT_EDATA, "%s: tensor %s: dimension %zu of its shape is no size", reader->path,
                           tensor->name, i);
    return RT_OK;
}

static int read_dtype(const struct reader *reader, struct rt_safetensor *tensor, const struct rt_json *info,
                      struct rt_error *err)
{
    const struct rt_json *dtype = rt_json_member(info, "dtype");
    const char *name;

    if (!dtype || rt_json_kind(dtype) != RT_JSON_TEXT)
        return rt_fail(err, RT_EDATA, "%s: tensor %s has no text 'dtype'", reader->path, tensor->name);
    RT_TRY(rt_json_get_text(dtype, reader->path, "", &name, err));
    if (!rt_dtype_find(name, &tensor->dtype))
        return rt_fail(err, RT_EDATA, "%s: tensor %s has the unknown dtype '%s'", reader->path, tensor->name,
                       name);
    return RT_OK;
}

/* data_offsets, against the data there is and the bytes that the shape needs. */
static int read_offsets(const struct reader *reader, struct rt_safetensor *tensor, const struct rt_json *info,
                        const uint8_t *data, struct rt_error *err)
{
    const struct rt_json *offsets = rt_json_member(info, "data_offsets");
    uint64_t begin, end;

    if (!is_array(offsets) || rt_json_count(offsets) != 2 || !size_at(offsets, 0, &begin) ||
        !size_at(offsets, 1, &end))
        return rt_fail(err, RT_EDATA, "%s: tensor %s has no two sizes 'data_offsets'", reader->path,
                       tensor->name);
    if (begin > end || end > reader->data_size)
        return rt_fail(err, RT_EDATA, "%s: tensor %s lies at %llu to %llu of %llu data bytes: cut short?",
                       reader->path, tensor->name, (unsigned long long)begin, (unsigned long long)end,
                       (unsigned long long)reader->data_size);
    if (!rt_safetensor_size(tensor->dtype, tensor->shape, tensor->rank, &tensor->size_bytes) ||
        tensor->size_bytes != end - begin)
        return rt_fail(err, RT_EDATA, "%s: tensor %s: its shape does not make %llu bytes of %s", reader->path,
                       tensor->name, (unsigned long long)(end - begin), rt_dtype_name(tensor->dtype));
    tensor->data = data + begin;
    return RT_OK;
}

static int read_tensor(struct reader *reader, const char *name, const struct rt_json *info, const uint8_t *data,
                       struct rt_error *err)
{
    struct rt_safetensor *tensor = &reader->content.tensors[reader->content.tensor_count];
    char *copy;

    if (rt_json_kind(info) != RT_JSON_OBJECT)
        return rt_fail(err, RT_EDATA, "%s: tensor %s is not an object", reader->path, name);
    RT_TRY(rt_strdup(&copy, name, err));
    tensor->name = copy;
    reader->content.tensor_count++; /* from here on rt_safetensors_free frees it */
    RT_TRY(read_dtype(reader, tensor, info, err));
    RT_TRY(read_shape(reader, tensor, info, err));
    return read_offsets(reader, tensor, info, data, err);
}

static int compare_by_offset(const void *a, const void *b)
{
    const struct rt_safetensor *left = a, *right = b;
    const uintptr_t from_left = (uintptr_t)left->data, from_right = (uintptr_t)right->data;

    if (from_left != from_right)
        return from_left < from_right ? -1 : 1;
    return (left->size_bytes > right->size_bytes) - (left->size_bytes < right->size_bytes);
}

/* The tensors must cover the data from end to end, each byte once. */
static int check_cover(struct reader *reader, const uint8_t *data, struct rt_error *err)
{
    struct rt_safetensors *out = &reader->content;
    const uint8_t *next = data;

    if (out->tensor_count)
        qsort(out->tensors, out->tensor_count, sizeof *out->tensors, compare_by_offset);
    for (size_t i = 0; i < out->tensor_count; i++) {
        const struct rt_safetensor *tensor = &out->tensors[i];

        if (tensor->data != next)
            return rt_fail(err, RT_EDATA, "%s: tensor %s begins at data byte %zu, expected %zu (%s)",
                           reader->path, tensor->name, (size_t)((const uint8_t *)tensor->data - data),
                           (size_t)(next - data),
                           (const uint8_t *)tensor->data < next ? "an overlap" : "a gap");
        next += tensor->size_bytes;
    }
    if ((uint64_t)(next - data) != reader->data_size)
        return rt_fail(err, RT_EDATA, "%s: %llu bytes behind the last tensor", reader->path,
                       (unsigned long long)(reader->data_size - (uint64_t)(next - data)));
    return RT_OK;
}

static int read_header(struct reader *reader, const struct rt_json *header, const uint8_t *data,
                       struct rt_error *err)
{
    struct rt_safetensors *out = &reader->content;

    if (rt_json_kind(header) != RT_JSON_OBJECT)
        return rt_fail(err, RT_EDATA, "%s: the header is not an object", reader->path);
    RT_TRY(rt_alloc(&out->tensors, rt_json_count(header), sizeof *out->tensors, "a list of tensors", err));
    for (void *it = rt_json_first(header); it; it = rt_json_next(header, it)) {
        if (!strcmp(rt_json_key(it), metadata_key))
            RT_TRY(read_metadata(reader, rt_json_value(it), err));
        else
            RT_TRY(read_tensor(reader, rt_json_key(it), rt_json_value(it), data, err));
    }
    return check_cover(reader, data, err);
}

int rt_safetensors_parse(struct rt_safetensors *out, uint8_t *bytes, size_t size, const char *path,
                         struct rt_error *err)
{
    struct reader reader = {.path = path};
    struct rt_json *header = NULL;
    const uint8_t *data;
    size_t length = 0;
    int rc;

    RT_TRY(read_header_length(&reader, bytes, size, &length, err));
    data = bytes + sizeof(uint64_t) + length;
    reader.data_size = size - sizeof(uint64_t) - length;
    if ((rc = check_density(&reader, (const char *)bytes + sizeof(uint64_t), length, err)) ||
        (rc = rt_json_parse(&header, path, (const char *)bytes + sizeof(uint64_t), length, err)) ||
        (rc = read_header(&reader, header, data, err)))
        goto done;
    reader.content.file = bytes;
    reader.content.file_size = size;
    *out = reader.content;
    reader.content = (struct rt_safetensors){0};
done:
    rt_safetensors_free(&reader.content);
    rt_json_free(&header);
    return rc;
}

int rt_safetensors_read(struct rt_safetensors *out, const char *path, struct rt_error *err)
{
    char *bytes = NULL;
    size_t size;
    int rc;

    RT_TRY(rt_file_read_all(path, FILE_MAX, &bytes, &size, err));
    rc = rt_safetensors_parse(out, (uint8_t *)bytes, size, path, err);
    if (rc)
        rt_free(&bytes);
    return rc;
}
