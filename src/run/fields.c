#include "run/fields.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/digest.h"
#include "base/text.h"
#include "base/utf8.h"
#include "config/keys.h"

static int write_field(struct rt_json *object, const struct rt_field *field, const char *member,
                       struct rt_error *err)
{
    int64_t integer;
    double number;
    bool truth;

    switch (field->kind) {
    case RT_FIELD_TEXT:
    case RT_FIELD_NAME:
    case RT_FIELD_DIGEST:
        return rt_json_set_text(object, field->key, *member ? member : NULL, err);
    case RT_FIELD_INTEGER:
        memcpy(&integer, member, sizeof integer);
        return rt_json_set_integer(object, field->key, integer, err);
    case RT_FIELD_NUMBER:
    case RT_FIELD_MEASURE:
        memcpy(&number, member, sizeof number);
        return rt_json_set_number(object, field->key, number, err);
    case RT_FIELD_BOOL:
        memcpy(&truth, member, sizeof truth);
        return rt_json_set_bool(object, field->key, truth, err);
    }
    return RT_OK;
}

int rt_fields_write(struct rt_json *object, const struct rt_field *fields, const void *structure,
                    struct rt_error *err)
{
    for (; fields->key; fields++)
        RT_TRY(write_field(object, fields, (const char *)structure + fields->offset, err));
    return RT_OK;
}

static bool is_digest(const char *text)
{
    return strlen(text) == RT_DIGEST_HEX - 1 && !text[strspn(text, "0123456789abcdef")];
}

static int read_text(const struct rt_json *object, const char *path, const struct rt_field *field, char *member,
                     struct rt_error *err)
{
    const struct rt_json *value = rt_json_member(object, field->key);
    const char *text;

    if (value && rt_json_kind(value) == RT_JSON_NULL) {
        *member = '\0';
        return RT_OK;
    }
    RT_TRY(rt_json_get_text(object, path, field->key, &text, err));
    if (!rt_utf8_is_plain(text))
        return rt_fail(err, RT_EDATA, "%s: %s holds control characters", path, field->key);
    if (field->kind == RT_FIELD_NAME && !rt_name_is_valid(text))
        return rt_fail(err, RT_EDATA, "%s: %s is '%.60s', which is no name", path, field->key, text);
    if (field->kind == RT_FIELD_DIGEST && !is_digest(text))
        return rt_fail(err, RT_EDATA, "%s: %s is '%.60s', which is no SHA-256", path, field->key, text);
    if (!rt_copy_text(member, RT_FIELD_TEXT_MAX, text))
        return rt_fail(err, RT_EDATA, "%s: %s is longer than %d bytes", path, field->key,
                       RT_FIELD_TEXT_MAX - 1);
    return RT_OK;
}

static int check_range(double value, const char *path, const struct rt_field *field, struct rt_error *err)
{
    if (value >= field->low && value <= field->high)
        return RT_OK;
    return rt_fail(err, RT_EDATA, "%s: %s is %.15g, expected %.15g to %.15g", path, field->key, value,
                   field->low, field->high);
}

static int read_number(const struct rt_json *object, const char *path, const struct rt_field *field,
                       char *member, struct rt_error *err)
{
    double number = NAN;

    if (field->kind != RT_FIELD_MEASURE || rt_json_member(object, field->key))
        RT_TRY(rt_json_get_number(object, path, field->key, &number, err));
    if (field->kind != RT_FIELD_MEASURE || !isnan(number))
        RT_TRY(check_range(number, path, field, err));
    memcpy(member, &number, sizeof number);
    return RT_OK;
}

static int read_field(const struct rt_json *object, const char *path, const struct rt_field *field,
                      char *member, struct rt_error *err)
{
    int64_t integer;
    bool truth;

    switch (field->kind) {
    case RT_FIELD_TEXT:
    case RT_FIELD_NAME:
    case RT_FIELD_DIGEST:
        return read_text(object, path, field, member, err);
    case RT_FIELD_INTEGER:
        RT_TRY(rt_json_get_integer(object, path, field->key, &integer, err));
        RT_TRY(check_range((double)integer, path, field, err));
        memcpy(member, &integer, sizeof integer);
        return RT_OK;
    case RT_FIELD_NUMBER:
    case RT_FIELD_MEASURE:
        return read_number(object, path, field, member, err);
    case RT_FIELD_BOOL:
        RT_TRY(rt_json_get_bool(object, path, field->key, &truth, err));
        memcpy(member, &truth, sizeof truth);
        return RT_OK;
    }
    return RT_OK;
}

int rt_fields_read(const struct rt_json *object, const char *path, const struct rt_field *fields,
                   void *structure, struct rt_error *err)
{
    for (; fields->key; fields++)
        RT_TRY(read_field(object, path, fields, (char *)structure + fields->offset, err));
    return RT_OK;
}

int rt_fields_set(struct rt_json *object, const char *key, const struct rt_field *fields, const void *structure,
                  struct rt_error *err)
{
    struct rt_json *child = NULL;
    int rc;

    if (!structure)
        return rt_json_set_null(object, key, err);
    if (!(rc = rt_json_object(&child, err)) && !(rc = rt_fields_write(child, fields, structure, err)))
        rc = rt_json_set(object, key, &child, err);
    rt_json_free(&child);
    return rc;
}

int rt_fields_get(const struct rt_json *object, const char *path, const char *key,
                  const struct rt_field *fields, void *structure, bool optional, struct rt_error *err)
{
    const struct rt_json *child = rt_json_member(object, key);

    if (optional && (!child || rt_json_kind(child) == RT_JSON_NULL))
        return RT_OK;
    if (!child || rt_json_kind(child) != RT_JSON_OBJECT)
        return rt_fail(err, RT_EDATA, "%s: %s is %s an object", path, key,
                       optional ? "neither null nor" : "not");
    return rt_fields_read(child, path, fields, structure, err);
}
