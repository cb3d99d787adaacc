/* JSON: reading with messages that name file, line and value, and writing. The only file that knows jansson is
 * json.c.
 *
 * Objects keep the order of their keys. A duplicate key, text that is not UTF-8, and numbers out of range are
 * errors. Whole values are nested at most 2048 deep, and take at most some 24 bytes of memory for each byte of
 * the text, 256 MiB in all. */
#ifndef RT_BASE_JSON_H
#define RT_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct rt_json; /* one value: the root is owned (rt_json_free), what it contains is borrowed */

enum rt_json_kind {
    RT_JSON_NULL,
    RT_JSON_BOOL,
    RT_JSON_INTEGER,
    RT_JSON_REAL,
    RT_JSON_TEXT,
    RT_JSON_ARRAY,
    RT_JSON_OBJECT
};

void rt_json_free(struct rt_json **root);

/* ---- reading. RT_EDATA: "NAME:LINE:COLUMN: what". `name` is the file's, for messages. */
int rt_json_parse(struct rt_json **root, const char *name, const char *bytes, size_t size,
                  struct rt_error *err);
int rt_json_read(struct rt_json **root, const char *path, size_t limit_bytes, struct rt_error *err);

enum rt_json_kind rt_json_kind(const struct rt_json *value);
/* The value at a path of keys and array indices, "threshold/epoch" or "rows/0"; null when there is none. */
const struct rt_json *rt_json_at(const struct rt_json *value, const char *path);
/* The member with exactly this key, slashes and all; null when there is none or `object` is none. */
const struct rt_json *rt_json_member(const struct rt_json *object, const char *key);
/* Members of an object or items of an array: count, and the i-th in order (key null for arrays). Stepping
 * through a large object: for (it = rt_json_first(o); it; it = rt_json_next(o, it)). */
size_t rt_json_count(const struct rt_json *value);
const struct rt_json *rt_json_item(const struct rt_json *array, size_t index);
void *rt_json_first(const struct rt_json *object);
void *rt_json_next(const struct rt_json *object, void *iterator);
const char *rt_json_key(void *iterator);
const struct rt_json *rt_json_value(void *iterator);

/* Typed values. Missing, null or of another type: RT_EDATA "NAME: PATH is a text, expected a whole number". For
 * what may be missing, look with rt_json_has first. `path` "" is the value itself. */
bool rt_json_has(const struct rt_json *value, const char *path); /* there, and not null */
int rt_json_get_integer(const struct rt_json *value, const char *name, const char *path, int64_t *out,
                        struct rt_error *err);
/* A whole or real number; a null that is there gives NaN. */
int rt_json_get_number(const struct rt_json *value, const char *name, const char *path, double *out,
                       struct rt_error *err);
int rt_json_get_bool(const struct rt_json *value, const char *name, const char *path, bool *out,
                     struct rt_error *err);
/* The string is borrowed from the root. It has no NUL inside. */
int rt_json_get_text(const struct rt_json *value, const char *name, const char *path, const char **out,
                     struct rt_error *err);

/* ---- writing. Errors: RT_EMEMORY; RT_EDATA for a text that is not UTF-8. Setting a key again replaces it. */
int rt_json_object(struct rt_json **root, struct rt_error *err);
int rt_json_array(struct rt_json **root, struct rt_error *err);
int rt_json_set_integer(struct rt_json *object, const char *key, int64_t value, struct rt_error *err);
int rt_json_set_number(struct rt_json *object, const char *key, double value,
                       struct rt_error *err); /* NaN and infinities: null */
int rt_json_set_bool(struct rt_json *object, const char *key, bool value, struct rt_error *err);
int rt_json_set_text(struct rt_json *object, const char *key, const char *value,
                     struct rt_error *err); /* null: null */
int rt_json_set_null(struct rt_json *object, const char *key, struct rt_error *err);
/* Takes *child over and sets it to null, also on error. */
int rt_json_set(struct rt_json *object, const char *key, struct rt_json **child, struct rt_error *err);
int rt_json_append(struct rt_json *array, struct rt_json **child, struct rt_error *err);
int rt_json_append_integer(struct rt_json *array, int64_t value, struct rt_error *err);
int rt_json_append_number(struct rt_json *array, double value, struct rt_error *err);
int rt_json_append_text(struct rt_json *array, const char *value, struct rt_error *err);

/* The value as text in a new string: indented, with a newline at its end, or on one line without. Reals in the
 * fewest digits that read back the same. RT_EMEMORY. */
int rt_json_format(const struct rt_json *value, bool indent, char **out, struct rt_error *err);
/* Writes the indented text to a file atomically. RT_EIO, RT_EMEMORY. */
int rt_json_write(const struct rt_json *value, const char *path, struct rt_error *err);

#endif
