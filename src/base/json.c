#include "base/json.h"

#include <jansson.h>
#include <malloc.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/utf8.h"

/* What a text may take in memory while it is read: 24 bytes for each of its own and a little more, 256 MiB at
 * most. What this program and the services write takes 8 to 16; a text of nothing but {} or [] would take 75.
 */
enum { ROOM_FACTOR = 24, ROOM_LEAST = 64 << 10, ROOM_MOST = 256 << 20 };

/* jansson reports some failed allocations as syntax errors, and after others drops a character and continues;
 * this detects them. */
static _Thread_local bool memory_failed, no_room;
static _Thread_local bool reading; /* then `room` bytes may still be taken */
static _Thread_local size_t room;

static void *counted_malloc(size_t size)
{
    void *block;

    if (reading && size > room) {
        no_room = true;
        return NULL;
    }
    if (!rt_alloc(&block, 1, size, "a JSON value", NULL)) {
        const size_t taken = malloc_usable_size(block);

        room -= !reading ? 0 : taken < room ? taken : room;
        return block;
    }
    memory_failed = true;
    return NULL;
}

static void counted_free(void *block)
{
    room += reading && block ? malloc_usable_size(block) : 0;
    rt_free(&block);
}

static void use_counted_memory(void)
{
    json_set_alloc_funcs(counted_malloc, counted_free);
}

/* Every way to a first value passes here. */
static void prepare(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, use_counted_memory);
}

static json_t *own(struct rt_json *value)
{
    return (json_t *)(void *)value;
}

static const json_t *peek(const struct rt_json *value)
{
    return (const json_t *)(const void *)value;
}

static struct rt_json *wrap(json_t *value)
{
    return (struct rt_json *)(void *)value;
}

void rt_json_free(struct rt_json **root)
{
    json_decref(own(*root));
    *root = NULL;
}

int rt_json_parse(struct rt_json **root, const char *name, const char *bytes, size_t size, struct rt_error *err)
{
    json_error_t problem;
    json_t *value;

    prepare();
    *root = NULL;
    memory_failed = no_room = false;
    room = size < (ROOM_MOST - ROOM_LEAST) / ROOM_FACTOR ? ROOM_LEAST + ROOM_FACTOR * size : ROOM_MOST;
    reading = true;
    value = json_loadb(bytes, size, JSON_REJECT_DUPLICATES, &problem);
    reading = false;
    if (no_room) {
        json_decref(value);
        return rt_fail(err, RT_EDATA,
                       "%s: %zu bytes of JSON hold so many values that they take too much memory", name, size);
    }
    if (memory_failed) {
        json_decref(value);
        return rt_fail(err, RT_EMEMORY, "%s: out of memory while reading JSON", name);
    }
    if (!value)
        return rt_fail(err, RT_EDATA, "%s:%d:%d: not valid JSON: %s", name, problem.line, problem.column,
                       problem.text);
    *root = wrap(value);
    return RT_OK;
}

int rt_json_read(struct rt_json **root, const char *path, size_t limit_bytes, struct rt_error *err)
{
    char *bytes;
    size_t size;
    int rc;

    *root = NULL;
    RT_TRY(rt_file_read_all(path, limit_bytes, &bytes, &size, err));
    rc = rt_json_parse(root, path, bytes, size, err);
    rt_free(&bytes);
    return rc;
}

enum rt_json_kind rt_json_kind(const struct rt_json *value)
{
    switch (json_typeof(peek(value))) {
    case JSON_OBJECT:
        return RT_JSON_OBJECT;
    case JSON_ARRAY:
        return RT_JSON_ARRAY;
    case JSON_STRING:
        return RT_JSON_TEXT;
    case JSON_INTEGER:
        return RT_JSON_INTEGER;
    case JSON_REAL:
        return RT_JSON_REAL;
    case JSON_TRUE:
    case JSON_FALSE:
        return RT_JSON_BOOL;
    case JSON_NULL:
        break;
    }
    return RT_JSON_NULL;
}

static const char *kind_name(const json_t *value)
{
    static const char *const names[] = {
        [RT_JSON_NULL] = "null",
        [RT_JSON_BOOL] = "true or false",
        [RT_JSON_INTEGER] = "a whole number",
        [RT_JSON_REAL] = "a real number",
        [RT_JSON_TEXT] = "a text",
        [RT_JSON_ARRAY] = "an array",
        [RT_JSON_OBJECT] = "an object",
    };

    return value ? names[rt_json_kind((const struct rt_json *)(const void *)value)] : "missing";
}

const struct rt_json *rt_json_member(const struct rt_json *object, const char *key)
{
    return object ? wrap(json_object_get(peek(object), key)) : NULL;
}

const struct rt_json *rt_json_item(const struct rt_json *array, size_t index)
{
    return array ? wrap(json_array_get(peek(array), index)) : NULL;
}

const struct rt_json *rt_json_at(const struct rt_json *value, const char *path)
{
    while (value && *path) {
        const size_t length = strcspn(path, "/");
        char part[256];

        if (length >= sizeof part)
            return NULL;
        memcpy(part, path, length);
        part[length] = '\0';
        if (rt_json_kind(value) == RT_JSON_ARRAY) {
            char *end;
            const unsigned long index = strtoul(part, &end, 10);

            value = *end || !*part ? NULL : rt_json_item(value, index);
        } else {
            value = rt_json_member(value, part);
        }
        path += length + (path[length] ? 1 : 0);
    }
    return value;
}

size_t rt_json_count(const struct rt_json *value)
{
    return json_is_array(peek(value)) ? json_array_size(peek(value)) : json_object_size(peek(value));
}

/* jansson's iterators take a non-const value but do not change it. */
void *rt_json_first(const struct rt_json *object)
{
    return json_object_iter((json_t *)(uintptr_t)peek(object));
}

void *rt_json_next(const struct rt_json *object, void *iterator)
{
    return json_object_iter_next((json_t *)(uintptr_t)peek(object), iterator);
}

const char *rt_json_key(void *iterator)
{
    return json_object_iter_key(iterator);
}

const struct rt_json *rt_json_value(void *iterator)
{
    return wrap(json_object_iter_value(iterator));
}

bool rt_json_has(const struct rt_json *value, const char *path)
{
    const struct rt_json *found = rt_json_at(value, path);

    return found && rt_json_kind(found) != RT_JSON_NULL;
}

static int wrong_kind(const json_t *found, const char *name, const char *path, const char *expected,
                      struct rt_error *err)
{
    return rt_fail(err, RT_EDATA, "%s: %s is %s, expected %s", name, *path ? path : "the value",
                   kind_name(found), expected);
}

int rt_json_get_integer(const struct rt_json *value, const char *name, const char *path, int64_t *out,
                        struct rt_error *err)
{
    const json_t *found = peek(rt_json_at(value, path));

    if (!json_is_integer(found))
        return wrong_kind(found, name, path, "a whole number", err);
    *out = json_integer_value(found);
    return RT_OK;
}

int rt_json_get_number(const struct rt_json *value, const char *name, const char *path, double *out,
                       struct rt_error *err)
{
    const json_t *found = peek(rt_json_at(value, path));

    if (!json_is_number(found) && !json_is_null(found))
        return wrong_kind(found, name, path, "a number", err);
    *out = json_is_null(found) ? (double)NAN : json_number_value(found);
    return RT_OK;
}

int rt_json_get_bool(const struct rt_json *value, const char *name, const char *path, bool *out,
                     struct rt_error *err)
{
    const json_t *found = peek(rt_json_at(value, path));

    if (!json_is_boolean(found))
        return wrong_kind(found, name, path, "true or false", err);
    *out = json_is_true(found);
    return RT_OK;
}

int rt_json_get_text(const struct rt_json *value, const char *name, const char *path, const char **out,
                     struct rt_error *err)
{
    const json_t *found = peek(rt_json_at(value, path));

    if (!json_is_string(found))
        return wrong_kind(found, name, path, "a text", err);
    *out = json_string_value(found);
    return RT_OK;
}

/* ---- writing */

static int out_of_memory(struct rt_error *err)
{
    return rt_fail(err, RT_EMEMORY, "out of memory while building JSON");
}

int rt_json_object(struct rt_json **root, struct rt_error *err)
{
    prepare();
    *root = wrap(json_object());
    return *root ? RT_OK : out_of_memory(err);
}

int rt_json_array(struct rt_json **root, struct rt_error *err)
{
    prepare();
    *root = wrap(json_array());
    return *root ? RT_OK : out_of_memory(err);
}

/* Sets the key to a value (taken over; null if its creation failed). */
static int put(struct rt_json *object, const char *key, json_t *value, struct rt_error *err)
{
    if (rt_utf8_valid_prefix(key, strlen(key)) < strlen(key)) {
        json_decref(value);
        return rt_fail(err, RT_EDATA, "a JSON key is not valid UTF-8");
    }
    return json_object_set_new(own(object), key, value) ? out_of_memory(err) : RT_OK;
}

static int put_last(struct rt_json *array, json_t *value, struct rt_error *err)
{
    return json_array_append_new(own(array), value) ? out_of_memory(err) : RT_OK;
}

static json_t *make_number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static int make_text(json_t **out, const char *value, struct rt_error *err)
{
    if (value && rt_utf8_valid_prefix(value, strlen(value)) < strlen(value))
        return rt_fail(err, RT_EDATA, "a text that should go to JSON is not valid UTF-8");
    *out = value ? json_string(value) : json_null();
    return RT_OK;
}

int rt_json_set_integer(struct rt_json *object, const char *key, int64_t value, struct rt_error *err)
{
    return put(object, key, json_integer(value), err);
}

int rt_json_set_number(struct rt_json *object, const char *key, double value, struct rt_error *err)
{
    return put(object, key, make_number(value), err);
}

int rt_json_set_bool(struct rt_json *object, const char *key, bool value, struct rt_error *err)
{
    return put(object, key, json_boolean(value), err);
}

int rt_json_set_text(struct rt_json *object, const char *key, const char *value, struct rt_error *err)
{
    json_t *text = NULL;

    RT_TRY(make_text(&text, value, err));
    return put(object, key, text, err);
}

int rt_json_set_null(struct rt_json *object, const char *key, struct rt_error *err)
{
    return put(object, key, json_null(), err);
}

int rt_json_set(struct rt_json *object, const char *key, struct rt_json **child, struct rt_error *err)
{
    json_t *value = own(*child);

    *child = NULL;
    return put(object, key, value, err);
}

int rt_json_append(struct rt_json *array, struct rt_json **child, struct rt_error *err)
{
    json_t *value = own(*child);

    *child = NULL;
    return put_last(array, value, err);
}

int rt_json_append_integer(struct rt_json *array, int64_t value, struct rt_error *err)
{
    return put_last(array, json_integer(value), err);
}

int rt_json_append_number(struct rt_json *array, double value, struct rt_error *err)
{
    return put_last(array, make_number(value), err);
}

int rt_json_append_text(struct rt_json *array, const char *value, struct rt_error *err)
{
    json_t *text = NULL;

    RT_TRY(make_text(&text, value, err));
    return put_last(array, text, err);
}

static void newline(struct rt_text *text, int depth)
{
    if (depth >= 0)
        rt_text_printf(text, "\n%*s", 2 * depth, "");
}

/* A string or null: with the escapes that jansson writes. */
static void append_scalar(struct rt_text *text, const json_t *value)
{
    char *dumped = json_dumps(value, JSON_ENCODE_ANY);

    if (dumped)
        rt_text_append(text, dumped);
    else
        text->failed = true;
    counted_free(dumped);
}

static void append_key(struct rt_text *text, const char *key)
{
    json_t *string = json_string(key);

    append_scalar(text, string);
    json_decref(string);
}

/* depth < 0: all on one line. */
static void append_value(struct rt_text *text, const json_t *value, int depth)
{
    const int inner = depth < 0 ? depth : depth + 1;
    const char *separator = "";

    if (json_is_object(value) && json_object_size(value)) {
        json_t *object = (json_t *)(uintptr_t)value;

        rt_text_append(text, "{");
        for (void *at = json_object_iter(object); at; at = json_object_iter_next(object, at)) {
            rt_text_append(text, separator);
            newline(text, inner);
            append_key(text, json_object_iter_key(at));
            rt_text_append(text, depth < 0 ? ":" : ": ");
            append_value(text, json_object_iter_value(at), inner);
            separator = ",";
        }
        newline(text, depth);
        rt_text_append(text, "}");
    } else if (json_is_array(value) && json_array_size(value)) {
        rt_text_append(text, "[");
        for (size_t i = 0; i < json_array_size(value); i++) {
            rt_text_append(text, separator);
            newline(text, inner);
            append_value(text, json_array_get(value, i), inner);
            separator = ",";
        }
        newline(text, depth);
        rt_text_append(text, "]");
    } else if (json_is_real(value)) {
        rt_text_append_real(text, json_real_value(value));
    } else {
        append_scalar(text, value);
    }
}

int rt_json_format(const struct rt_json *value, bool indent, char **out, struct rt_error *err)
{
    struct rt_text text = {0};

    append_value(&text, peek(value), indent ? 0 : -1);
    if (indent)
        rt_text_append(&text, "\n");
    return rt_text_take(&text, out, err);
}

int rt_json_write(const struct rt_json *value, const char *path, struct rt_error *err)
{
    char *text;
    int rc;

    RT_TRY(rt_json_format(value, true, &text, err));
    rc = rt_file_write_all(path, text, strlen(text), err);
    rt_free(&text);
    return rc;
}
