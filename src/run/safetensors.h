/* safetensors files: named tensors after a JSON header (docs/formats.md). The reader checks every rule of the
 * format; the writer's files are byte for byte those of the reference implementation.
 *
 * When reading, names and shapes belong to the struct and data points into the file's bytes, which need not be
 * aligned: copy values out before using them as numbers. When writing, they belong to the caller. */
#ifndef RT_RUN_SAFETENSORS_H
#define RT_RUN_SAFETENSORS_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* X(name, bits of one element), in the format's ascending order: the writer puts later ones first. */
#define RT_DTYPES(X)                                                                                           \
    X(BOOL, 8)                                                                                                 \
    X(F4, 4)                                                                                                   \
    X(F6_E2M3, 6)                                                                                              \
    X(F6_E3M2, 6)                                                                                              \
    X(U8, 8)                                                                                                   \
    X(I8, 8)                                                                                                   \
    X(F8_E5M2, 8)                                                                                              \
    X(F8_E4M3, 8)                                                                                              \
    X(F8_E8M0, 8)                                                                                              \
    X(F8_E4M3FNUZ, 8)                                                                                          \
    X(F8_E5M2FNUZ, 8)                                                                                          \
    X(I16, 16)                                                                                                 \
    X(U16, 16)                                                                                                 \
    X(F16, 16)                                                                                                 \
    X(BF16, 16)                                                                                                \
    X(I32, 32)                                                                                                 \
    X(U32, 32)                                                                                                 \
    X(F32, 32)                                                                                                 \
    X(C64, 64)                                                                                                 \
    X(F64, 64)                                                                                                 \
    X(I64, 64)                                                                                                 \
    X(U64, 64)

enum rt_dtype {
#define RT_DTYPE_ENUM(name, bits) RT_DTYPE_##name,
    RT_DTYPES(RT_DTYPE_ENUM)
#undef RT_DTYPE_ENUM
        RT_DTYPE_COUNT
};

const char *rt_dtype_name(enum rt_dtype dtype);

struct rt_safetensor {
    const char *name; /* UTF-8 */
    enum rt_dtype dtype;
    size_t rank;           /* 0: a scalar, one element */
    const uint64_t *shape; /* [rank] */
    const void *data;      /* C order, little-endian, packed */
    size_t size_bytes;     /* the shape's elements times the type's size */
};

struct rt_safetensors_metadata {
    const char *key, *value; /* UTF-8 */
};

struct rt_safetensors {
    struct rt_safetensor *tensors; /* in the data's order */
    size_t tensor_count;
    struct rt_safetensors_metadata *metadata;
    size_t metadata_count;
    uint8_t *file; /* the bytes that data points into */
    size_t file_size;
};

/* The tensor of that name, or null. */
const struct rt_safetensor *rt_safetensors_find(const struct rt_safetensors *file, const char *name);

/* Reads a whole file. RT_EDATA names the file, the tensor at fault and the rule; RT_EIO, RT_EMEMORY. *out is
 * untouched after an error. */
int rt_safetensors_read(struct rt_safetensors *out, const char *path, struct rt_error *err);

/* The same of `size` bytes in memory, of which *out takes hold only on success (free them with rt_free
 * otherwise); `path` is for messages. RT_EDATA, RT_EMEMORY. */
int rt_safetensors_parse(struct rt_safetensors *out, uint8_t *bytes, size_t size, const char *path,
                         struct rt_error *err);

void rt_safetensors_free(struct rt_safetensors *file); /* accepts the zeroed state */

/* The bytes of a file with these tensors (in any order) and metadata, in a new block. Errors: RT_EMEMORY, and
 * RT_EDATA for two tensors of one name or a size that does not fit its shape. */
int rt_safetensors_format(const struct rt_safetensors *content, uint8_t **bytes, size_t *size,
                          struct rt_error *err);

#endif
