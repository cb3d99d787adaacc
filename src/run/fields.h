/* Structs as JSON objects: a table says which member stands under which key, once for writing and reading. */
#ifndef RT_RUN_FIELDS_H
#define RT_RUN_FIELDS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/json.h"
#include "config/provenance.h"

/* What is read is what the program could have written: a value of another kind or out of its range, or a text
 * with control characters, is refused. */
enum rt_field_kind {
    RT_FIELD_TEXT,    /* char[RT_FIELD_TEXT_MAX], plain (base/utf8.h); "" is null */
    RT_FIELD_NAME,    /* the same, fit for a folder (rt_name_is_valid) */
    RT_FIELD_DIGEST,  /* the same, 64 lower-case hexadecimal digits */
    RT_FIELD_INTEGER, /* int64_t in low..high */
    RT_FIELD_NUMBER,  /* double in low..high */
    RT_FIELD_MEASURE, /* the same; NaN, null or no such key: not measured */
    RT_FIELD_BOOL,    /* bool */
};

enum { RT_FIELD_TEXT_MAX = RT_PROVENANCE_TEXT_MAX };

struct rt_field {
    const char *key; /* null ends a table */
    enum rt_field_kind kind;
    size_t offset; /* in the struct */
    double low, high;
};

/* Sets every field's key in `object`. */
int rt_fields_write(struct rt_json *object, const struct rt_field *fields, const void *structure,
                    struct rt_error *err);

/* Reads every field; one that is missing (but for measures), of another type or out of range is RT_EDATA naming
 * `path` (the file) and the key. Keys that match no field are ignored. */
int rt_fields_read(const struct rt_json *object, const char *path, const struct rt_field *fields,
                   void *structure, struct rt_error *err);

/* The fields as an object of their own under `key`; null where there is no structure. */
int rt_fields_set(struct rt_json *object, const char *key, const struct rt_field *fields, const void *structure,
                  struct rt_error *err);
/* Reads them back. `optional`: where the key is missing or null, the structure stays as it is. */
int rt_fields_get(const struct rt_json *object, const char *path, const char *key,
                  const struct rt_field *fields, void *structure, bool optional, struct rt_error *err);

#endif
