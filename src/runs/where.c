#include "runs/where.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const relations[] = {
#define RELATION_TEXT(symbol, text) text,
    RT_RELATIONS(RELATION_TEXT)
#undef RELATION_TEXT
};

enum { RELATION_COUNT = sizeof relations / sizeof *relations };

/* The length of the condition at the text's start: up to a comma outside brackets and quotes. */
static size_t condition_length(const char *text)
{
    int depth = 0;
    char quote = '\0';
    size_t i = 0;

    for (; text[i]; i++) {
        if (quote)
            quote = text[i] == quote ? '\0' : quote;
        else if (text[i] == '"' || text[i] == '\'')
            quote = text[i];
        else if (text[i] == '[')
            depth++;
        else if (text[i] == ']')
            depth--;
        else if (text[i] == ',' && depth <= 0)
            break;
    }
    return i;
}

static char *trim(char *text)
{
    size_t length;

    while (isspace((unsigned char)*text))
        text++;
    for (length = strlen(text); length && isspace((unsigned char)text[length - 1]); length--)
        ;
    text[length] = '\0';
    return text;
}

static void unquote(char *text)
{
    const size_t length = strlen(text);

    if (length >= 2 && (*text == '"' || *text == '\'') && text[length - 1] == *text) {
        memmove(text, text + 1, length - 2);
        text[length - 2] = '\0';
    }
}

/* Whether the whole text is a finite number. */
static bool read_number(const char *text, double *number)
{
    char *end;

    *number = strtod(text, &end);
    return *text && !*end && isfinite(*number) && !isspace((unsigned char)*text);
}

static int parse_one(struct rt_condition *condition, char *text, struct rt_error *err)
{
    const size_t name_length = strcspn(text, "=!<>");
    char *value = text + name_length, name[RT_VALUE_TEXT_MAX], where[96];
    int i = 0;

    while (i < RELATION_COUNT && strncmp(value, relations[i], strlen(relations[i])) != 0)
        i++;
    snprintf(name, sizeof name, "%.*s", (int)name_length, text);
    if (i == RELATION_COUNT || !*trim(name))
        return rt_fail(err, RT_EUSAGE,
                       "--where '%.80s': expected COLUMN, one of = != < <= > >=, and a value: batch_size>=64",
                       text);
    snprintf(where, sizeof where, "--where '%.80s'", text);
    RT_TRY(rt_property_find(&condition->property, where, trim(name), err));
    condition->relation = (enum rt_relation)i;
    value = trim(value + strlen(relations[i]));
    if (*value == '=') /* == as in C and Python */
        value = trim(value + 1);
    unquote(value);
    if (!*value)
        return rt_fail(err, RT_EUSAGE, "--where '%.80s': a value is missing; null stands for none", text);
    snprintf(condition->text, sizeof condition->text, "%s", value);
    condition->is_number = read_number(value, &condition->number);
    const bool null = !strcmp(value, "null"),
               orders = condition->relation != RT_RELATION_EQUAL && condition->relation != RT_RELATION_NOT;
    const bool number = rt_property_is_number(&condition->property);
    if (orders && (!number || !condition->is_number))
        return rt_fail(err, RT_EUSAGE, "%s: %s compares numbers, and '%.60s' is none", where, relations[i],
                       number ? value : condition->property.name);
    if (number && !condition->is_number && !null && strcmp(value, "all") != 0)
        return rt_fail(err, RT_EUSAGE, "%s: %s is a number, and '%.60s' is none", where,
                       condition->property.name, value);
    return RT_OK;
}

int rt_where_parse(struct rt_where *where, const char *text, struct rt_error *err)
{
    for (;;) {
        const size_t length = condition_length(text);
        char one[RT_VALUE_TEXT_MAX];

        if (length >= sizeof one)
            return rt_fail(err, RT_EUSAGE, "--where '%.40s...': longer than %d bytes", text,
                           RT_VALUE_TEXT_MAX - 1);
        if (where->count == RT_CONDITIONS_MAX)
            return rt_fail(err, RT_EUSAGE, "--where: more than %d conditions", RT_CONDITIONS_MAX);
        snprintf(one, sizeof one, "%.*s", (int)length, text);
        RT_TRY(parse_one(&where->conditions[where->count], trim(one), err));
        where->count++;
        if (!text[length])
            return RT_OK;
        text += length + 1;
    }
}

static bool is_equal(const struct rt_condition *condition, const struct rt_value *value)
{
    if (value->kind == RT_VALUE_NONE)
        return !strcmp(condition->text, "null");
    if ((value->kind == RT_VALUE_WHOLE || value->kind == RT_VALUE_REAL) && condition->is_number)
        return value->number == condition->number;
    return !strcmp(value->text, condition->text);
}

static bool holds(const struct rt_condition *condition, const struct rt_record *run)
{
    struct rt_value value;

    rt_property_value(&condition->property, run, &value);
    if (condition->relation == RT_RELATION_EQUAL)
        return is_equal(condition, &value);
    if (condition->relation == RT_RELATION_NOT)
        return !is_equal(condition, &value);
    if (value.kind != RT_VALUE_WHOLE && value.kind != RT_VALUE_REAL)
        return false;
    switch (condition->relation) {
    case RT_RELATION_BELOW:
        return value.number < condition->number;
    case RT_RELATION_AT_MOST:
        return value.number <= condition->number;
    case RT_RELATION_ABOVE:
        return value.number > condition->number;
    case RT_RELATION_AT_LEAST:
        return value.number >= condition->number;
    case RT_RELATION_EQUAL:
    case RT_RELATION_NOT:
        break;
    }
    return false;
}

bool rt_where_matches(const struct rt_where *where, const struct rt_record *run)
{
    for (int i = 0; i < where->count; i++)
        if (!holds(&where->conditions[i], run))
            return false;
    return true;
}

static bool matches(void *context, struct rt_record *run, char *reason)
{
    *reason = '\0'; /* the user's own choice: nothing to explain */
    return rt_where_matches(context, run);
}

int rt_records_where(struct rt_records *records, const struct rt_where *where, struct rt_error *err)
{
    struct rt_where copy = *where;

    return rt_records_filter(records, matches, &copy, err);
}
