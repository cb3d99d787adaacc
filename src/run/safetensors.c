#include "run/safetensors.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "run/safetensors_size.h"

static const char *const dtype_names[] = {
#define DTYPE_NAME(name, bits) #name,
    RT_DTYPES(DTYPE_NAME)
#undef DTYPE_NAME
};

static const unsigned dtype_bits[] = {
#define DTYPE_BITS(name, bits) bits,
    RT_DTYPES(DTYPE_BITS)
#undef DTYPE_BITS
};

const char *rt_dtype_name(enum rt_dtype dtype)
{
    return dtype_names[dtype];
}

bool rt_dtype_find(const char *name, enum rt_dtype *dtype)
{
    for (int i = 0; i < RT_DTYPE_COUNT; i++)
        if (!strcmp(dtype_names[i], name)) {
            *dtype = (enum rt_dtype)i;
            return true;
        }
    return false;
}

/* A zero anywhere makes a tensor empty, but
 * PyTorch and the reference reader multiply from the left and refuse an overflow before it; so do we. */
bool rt_safetensor_size(enum rt_dtype dtype, const uint64_t *shape, size_t rank, size_t *size_bytes)
{
    uint64_t elements = 1, bits;

    for (size_t i = 0; i < rank; i++)
        if (__builtin_mul_overflow(elements, shape[i], &elements))
            return false;
    if (__builtin_mul_overflow(elements, (uint64_t)dtype_bits[dtype], &bits) || bits % 8)
        return false;
    *size_bytes = (size_t)(bits / 8);
    return true;
}

const struct rt_safetensor *rt_safetensors_find(const struct rt_safetensors *file, const char *name)
{
    for (size_t i = 0; i < file->tensor_count; i++)
        if (!strcmp(file->tensors[i].name, name))
            return &file->tensors[i];
    return NULL;
}

void rt_safetensors_free(struct rt_safetensors *file)
{
    for (size_t i = 0; i < file->tensor_count; i++) {
        char *name = (char *)(uintptr_t)file->tensors[i].name; /* ours, though const for readers */
        uint64_t *shape = (uint64_t *)(uintptr_t)file->tensors[i].shape;

        rt_free(&name);
        rt_free(&shape);
    }
    for (size_t i = 0; i < file->metadata_count; i++) {
        char *key = (char *)(uintptr_t)file->metadata[i].key;
        char *value = (char *)(uintptr_t)file->metadata[i].value;

        rt_free(&key);
        rt_free(&value);
    }
    rt_free(&file->tensors);
    rt_free(&file->metadata);
    rt_free(&file->file);
    *file = (struct rt_safetensors){0};
}

/* The reference writer's order: type descending, then name by its bytes. */
static int compare_for_writing(const void *a, const void *b)
{
    const struct rt_safetensor *left = a, *right = b;

    if (left->dtype != right->dtype)
        return left->dtype > right->dtype ? -1 : 1;
    return strcmp(left->name, right->name);
}

/* A JSON string with the escapes of the reference writer (serde_json): no more than JSON asks for. */
static void append_string(struct rt_text *text, const char *string)
{
    static const char letters[] = "btn?fr"; /* of characters 8 to 13; 11 has none */

    rt_text_append(text, "\"");
    for (const unsigned char *p = (const unsigned char *)string; *p; p++) {
        if (*p == '"' || *p == '\\')
            rt_text_printf(text, "\\%c", *p);
        else if (*p >= 8 && *p <= 13 && *p != 11)
            rt_text_printf(text, "\\%c", letters[*p - 8]);
        else if (*p < 32)
            rt_text_printf(text, "\\u%04x", *p);
        else
            rt_text_append_bytes(text, p, 1);
    }
    rt_text_append(text, "\"");
}

static void append_metadata(struct rt_text *text, const struct rt_safetensors *content)
{
    rt_text_append(text, "\"__metadata__\":{");
    for (size_t i = 0; i < content->metadata_count; i++) {
        if (i)
            rt_text_append(text, ",");
        append_string(text, content->metadata[i].key);
        rt_text_append(text, ":");
        append_string(text, content->metadata[i].value);
    }
    rt_text_append(text, "}");
}

static void append_tensor(struct rt_text *text, const struct rt_safetensor *tensor, size_t begin)
{
    append_string(text, tensor->name);
    rt_text_printf(text, ":{\"dtype\":\"%s\",\"shape\":[", rt_dtype_name(tensor->dtype));
    for (size_t i = 0; i < tensor->rank; i++)
        rt_text_printf(text, "%s%llu", i ? "," : "", (unsigned long long)tensor->shape[i]);
    rt_text_printf(text, "],\"data_offsets\":[%zu,%zu]}", begin, begin + tensor->size_bytes);
}

/* The JSON of the header, padded with spaces to a multiple of 8; `sorted` in the order of writing. */
static void append_header(struct rt_text *text, const struct rt_safetensors *content,
                          const struct rt_safetensor *sorted)
{
    size_t begin = 0;

    rt_text_append(text, "{");
    if (content->metadata_count)
        append_metadata(text, content);
    for (size_t i = 0; i < content->tensor_count; i++) {
        if (i || content->metadata_count)
            rt_text_append(text, ",");
        append_tensor(text, &sorted[i], begin);
        begin += sorted[i].size_bytes;
    }
    rt_text_append(text, "}");
    while (text->length % 8 && !text->failed)
        rt_text_append(text, " ");
}

static int check_content(const struct rt_safetensor *sorted, size_t count, size_t *data_size,
                         struct rt_error *err)
{
    size_t size;

    *data_size = 0;
    for (size_t i = 0; i < count; i++) {
        if (!rt_safetensor_size(sorted[i].dtype, sorted[i].shape, sorted[i].rank, &size) ||
            size != sorted[i].size_bytes || __builtin_add_overflow(*data_size, size, data_size))
            return rt_fail(err, RT_EDATA, "tensor %s: %zu bytes do not fit its shape", sorted[i].name,
                           sorted[i].size_bytes);
        for (size_t j = 0; j < i; j++)
            if (!strcmp(sorted[i].name, sorted[j].name))
                return rt_fail(err, RT_EDATA, "two tensors are called %s", sorted[i].name);
    }
    return RT_OK;
}

static void write_file(uint8_t *to, const struct rt_text *header, const struct rt_safetensor *sorted,
                       size_t count)
{
    const uint64_t length = htole64(header->length);

    memcpy(to, &length, sizeof length);
    memcpy(to + sizeof length, header->bytes, header->length);
    to += sizeof length + header->length;
    for (size_t i = 0; i < count; i++) {
        if (sorted[i].size_bytes)
            memcpy(to, sorted[i].data, sorted[i].size_bytes);
        to += sorted[i].size_bytes;
    }
}

int rt_safetensors_format(const struct rt_safetensors *content, uint8_t **bytes, size_t *size,
                          struct rt_error *err)
{
    struct rt_safetensor *sorted = NULL;
    struct rt_text header = {0};
    uint8_t *file = NULL;
    size_t data_size, total;
    int rc;

    if ((rc = rt_alloc(&sorted, content->tensor_count, sizeof *sorted, "a list of tensors", err)))
        goto done;
    if (content->tensor_count)
        memcpy(sorted, content->tensors, content->tensor_count * sizeof *sorted);
    qsort(sorted, content->tensor_count, sizeof *sorted, compare_for_writing);
    if ((rc = check_content(sorted, content->tensor_count, &data_size, err)))
        goto done;
    append_header(&header, content, sorted);
    if ((rc = rt_text_check(&header, err)))
        goto done;
    total = sizeof(uint64_t) + header.length + data_size;
    if ((rc = rt_alloc(&file, total, 1, "a safetensors file", err)))
        goto done;
    write_file(file, &header, sorted, content->tensor_count);
    *bytes = file;
    *size = total;
    file = NULL;
done:
    rt_free(&file);
    rt_text_free(&header);
    rt_free(&sorted);
    return rc;
}
