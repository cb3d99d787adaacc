/* Structs as JSON objects: a table says which member stands under which key, once for writing and reading. */
#ifndef RT_RUN_FIELDS_H
#define RT_RUN_FIELDS_H

#include <stddef.h>

#include "base/error.h"
#include "base/json.h"

enum rt_field_kind {
    RT_FIELD_TEXT,    /* char[RT_FIELD_TEXT_MAX]; "" is null */
    RT_FIELD_INTEGER, /* int64_t */
    RT_FIELD_NUMBER,  /* double; NaN is null */
    RT_FIELD_BOOL,    /* bool */
};

enum { RT_FIELD_TEXT_MAX = 256 };

struct rt_field {
    const char *key; /* null ends a table */
    enum rt_field_kind kind;
    size_t offset; /* in the struct */
};

/* Sets every field's key in `object`. */
int rt_fields_write(struct rt_json *object, const struct rt_field *fields, const void *structure,
                    struct rt_error *err);

/* Reads every field; one that is missing or of another type is RT_EDATA naming `path` (the file) and the key.
 * Keys that no field asks for are left alone. */
int rt_fields_read(const struct rt_json *object, const char *path, const struct rt_field *fields,
                   void *structure, struct rt_error *err);

#endif
