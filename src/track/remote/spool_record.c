/* One record of the spool: a line that may be untrusted, checked against what rt_remote_... could have written.
 * */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/utf8.h"
#include "config/metrics.h"
#include "track/remote/spool.h"

static const char *const type_names[] = {
#define TYPE_NAME(name) #name,
    RT_SPOOL_TYPES(TYPE_NAME)
#undef TYPE_NAME
};

const char *rt_spool_type_name(enum rt_spool_type type)
{
    return type_names[type];
}

enum kind {
    WHOLE,  /* a whole number, also written as 12.0 */
    NUMBER, /* any, or null, or the name of one that is not finite */
    FLAG,
    TEXT,  /* on one line */
    TEXTS, /* an object of such texts */
};

/* What a field must be where it is there. */
static const struct field {
    const char *key;
    enum kind kind;
    double high; /* of a whole number, from 0 */
} fields[] = {
    {"step", WHOLE, RT_SPOOL_NUMBER_MAX},
    {"start_step", WHOLE, RT_SPOOL_NUMBER_MAX},
    {"epoch", WHOLE, INT32_MAX},
    {"batch", WHOLE, INT32_MAX},
    {"batches", WHOLE, INT32_MAX},
    {"figure1", FLAG, 0},
    {"minutes", NUMBER, 0},
    {"label_corruption", NUMBER, 0},
    {"wall_s", NUMBER, 0},
    {"learning_rate", NUMBER, 0},
#define SCORE(name, ...) {#name, NUMBER, 0},
    RT_METRICS(SCORE)
#undef SCORE
        {"name", TEXT, 0},
    {"model", TEXT, 0},
    {"project", TEXT, 0},
    {"key", TEXT, 0},
    {"sweep", TEXT, 0},
    {"user", TEXT, 0},
    {"session", TEXT, 0},
    {"status", TEXT, 0},
    {"reason", TEXT, 0},
    {"params", TEXTS, 0},
    {"current", TEXTS, 0},
    {"facts", TEXTS, 0},
};

static bool is_whole(const struct rt_json *value, double high)
{
    double number;

    return !rt_json_get_number(value, "", "", &number, NULL) && number >= 0 && number <= high &&
           number == floor(number);
}

static bool is_number(const struct rt_json *value)
{
    const char *text;
    double number;

    if (rt_json_get_text(value, "", "", &text, NULL))
        return !rt_json_get_number(value, "", "", &number, NULL);
    return !strcmp(text, "Infinity") || !strcmp(text, "-Infinity");
}

static bool is_text(const struct rt_json *value)
{
    const char *text;

    return !rt_json_get_text(value, "", "", &text, NULL) && rt_utf8_is_plain(text);
}

static bool are_texts(const struct rt_json *value)
{
    bool good = rt_json_kind(value) == RT_JSON_OBJECT;

    for (void *it = good ? rt_json_first(value) : NULL; good && it; it = rt_json_next(value, it))
        good = rt_utf8_is_plain(rt_json_key(it)) && is_text(rt_json_value(it));
    return good;
}

static bool is_fit(const struct field *field, const struct rt_json *value)
{
    switch (field->kind) {
    case WHOLE:
        return is_whole(value, field->high);
    case NUMBER:
        return is_number(value);
    case FLAG:
        return rt_json_kind(value) == RT_JSON_BOOL;
    case TEXT:
        return is_text(value);
    case TEXTS:
        return are_texts(value);
    }
    return false;
}

static int check_fields(const struct rt_json *record, const char *name, struct rt_error *err)
{
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        const struct rt_json *value = rt_json_member(record, fields[i].key);

        if (value && !is_fit(&fields[i], value))
            return rt_fail(err, RT_EDATA, "%s: %s is nothing that this program writes", name, fields[i].key);
    }
    return RT_OK;
}

static int read_count(const struct rt_json *record, const char *name, const char *key, int64_t *out,
                      struct rt_error *err)
{
    RT_TRY(rt_json_get_integer(record, name, key, out, err));
    if (*out < 0 || *out > RT_SPOOL_NUMBER_MAX)
        return rt_fail(err, RT_EDATA, "%s: %s is %" PRId64 ", which is nothing that this program writes", name,
                       key, *out);
    return RT_OK;
}

static int read_type(struct rt_spool_record *record, const char *name, struct rt_error *err)
{
    const char *text;

    RT_TRY(rt_json_get_text(record->json, name, "type", &text, err));
    for (int type = 0; type < RT_SPOOL_TYPE_COUNT; type++)
        if (!strcmp(text, type_names[type])) {
            record->type = (enum rt_spool_type)type;
            return RT_OK;
        }
    return rt_fail(err, RT_EDATA, "%s: unknown type of record \"%s\"", name, text);
}

int rt_spool_parse(struct rt_spool_record *record, bool *mine, const char *to, const char *name,
                   const char *line, size_t size, struct rt_error *err)
{
    const char *addressee;

    *record = (struct rt_spool_record){0};
    *mine = false;
    RT_TRY(rt_json_parse(&record->json, name, line, size, err));
    RT_TRY(rt_json_get_text(record->json, name, "to", &addressee, err));
    *mine = !strcmp(to, addressee);
    if (!*mine)
        return RT_OK;
    RT_TRY(read_count(record->json, name, "seq", &record->seq, err));
    RT_TRY(read_count(record->json, name, "at", &record->at_ms, err));
    RT_TRY(read_type(record, name, err));
    return check_fields(record->json, name, err);
}

int64_t rt_spool_whole(const struct rt_spool_record *record, const char *key)
{
    double value;

    return rt_json_get_number(record->json, "", key, &value, NULL) || isnan(value) ? -1 : (int64_t)value;
}

void rt_spool_record_free(struct rt_spool_record *record)
{
    rt_json_free(&record->json);
    *record = (struct rt_spool_record){0};
}
