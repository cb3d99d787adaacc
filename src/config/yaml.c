#include "config/yaml.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>
#include <yaml.h>

#include "base/memory.h"
#include "base/text.h"
#include "base/utf8.h"

/* A parse in progress: libyaml's parser and the current event. */
struct reader {
    const char *name;
    yaml_parser_t parser;
    yaml_event_t event;
    struct rt_error *err;
};

static int fail_at(struct reader *reader, yaml_mark_t mark, const char *what)
{
    return rt_fail(reader->err, RT_ECONFIG, "%s:%zu:%zu: %s", reader->name, mark.line + 1, mark.column + 1,
                   what);
}

/* An error found by libyaml, or the position of a byte that is not YAML. */
static int syntax_error(struct reader *reader, const char *bytes, size_t size)
{
    const yaml_parser_t *parser = &reader->parser;
    size_t line = parser->problem_mark.line + 1, column = parser->problem_mark.column + 1;

    if (parser->error == YAML_MEMORY_ERROR)
        return rt_fail(reader->err, RT_EMEMORY, "%s: out of memory while reading YAML", reader->name);
    if (parser->error == YAML_READER_ERROR) {
        line = column = 1;
        for (size_t i = 0; i < size && i < parser->problem_offset; i++) {
            column = bytes[i] == '\n' ? 1 : column + 1;
            line += bytes[i] == '\n';
        }
    }
    return rt_fail(reader->err, RT_ECONFIG, "%s:%zu:%zu: not valid YAML: %s", reader->name, line, column,
                   parser->problem ? parser->problem : "unknown fault");
}

static int take_scalar(struct reader *reader, struct rt_yaml_scalar *out)
{
    const yaml_event_t *event = &reader->event;
    const char *text = (const char *)event->data.scalar.value;

    if (event->data.scalar.anchor)
        return fail_at(reader, event->start_mark, "anchors are not used in configs");
    if (event->data.scalar.tag)
        return fail_at(reader, event->start_mark, "tags are not used in configs");
    if (strlen(text) != event->data.scalar.length)
        return fail_at(reader, event->start_mark, "the text contains a NUL character");
    RT_TRY(rt_strdup(&out->text, text, reader->err));
    out->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    out->line = (int)event->start_mark.line + 1;
    out->column = (int)event->start_mark.column + 1;
    return RT_OK;
}

static int take_value(struct reader *reader, struct rt_yaml_entry *entry)
{
    if (entry->value_count == RT_YAML_ITEMS_MAX)
        return fail_at(reader, reader->event.start_mark, "the list is too long");
    RT_TRY(rt_realloc(&entry->values, (size_t)entry->value_count + 1, sizeof *entry->values, "YAML values",
                      reader->err));
    entry->values[entry->value_count] = (struct rt_yaml_scalar){0};
    entry->value_count++;
    return take_scalar(reader, &entry->values[entry->value_count - 1]);
}

static int take_key(struct reader *reader, struct rt_yaml *yaml)
{
    struct rt_yaml_entry *entry;

    if (yaml->count == RT_YAML_KEYS_MAX)
        return fail_at(reader, reader->event.start_mark, "too many keys");
    RT_TRY(
        rt_realloc(&yaml->entries, (size_t)yaml->count + 1, sizeof *yaml->entries, "YAML keys", reader->err));
    entry = &yaml->entries[yaml->count];
    *entry = (struct rt_yaml_entry){0};
    yaml->count++;
    RT_TRY(take_scalar(reader, &entry->key));
    assert(entry->key.text);
    for (int i = 0; i + 1 < yaml->count; i++)
        if (!strcmp(yaml->entries[i].key.text, entry->key.text))
            return rt_fail(reader->err, RT_ECONFIG, "%s:%d:%d: '%.64s' is given twice (first in line %d)",
                           reader->name, entry->key.line, entry->key.column, entry->key.text,
                           yaml->entries[i].key.line);
    return RT_OK;
}

/* Where in the document the next event falls. */
enum state { BEFORE, KEY, VALUE, ITEM, AFTER };

static int open_list(struct reader *reader, struct rt_yaml_entry *entry)
{
    if (reader->event.data.sequence_start.anchor || reader->event.data.sequence_start.tag)
        return fail_at(reader, reader->event.start_mark, "anchors and tags are not used in configs");
    entry->list = true;
    entry->line = (int)reader->event.start_mark.line + 1;
    entry->column = (int)reader->event.start_mark.column + 1;
    return RT_OK;
}

static int take_scalar_event(struct reader *reader, struct rt_yaml *yaml, enum state *state)
{
    struct rt_yaml_entry *last;

    if (*state == BEFORE)
        return fail_at(reader, reader->event.start_mark, "expected lines 'key: value'");
    if (*state == KEY) {
        *state = VALUE;
        return take_key(reader, yaml);
    }
    last = &yaml->entries[yaml->count - 1];
    RT_TRY(take_value(reader, last));
    if (*state == VALUE) {
        last->line = last->values[0].line;
        last->column = last->values[0].column;
        *state = KEY;
    }
    return RT_OK;
}

static int take_event(struct reader *reader, struct rt_yaml *yaml, enum state *state)
{
    const yaml_mark_t mark = reader->event.start_mark;

    switch (reader->event.type) {
    case YAML_DOCUMENT_START_EVENT:
        return *state == AFTER ? fail_at(reader, mark, "a second document begins: one is expected") : RT_OK;
    case YAML_MAPPING_START_EVENT:
        if (*state != BEFORE)
            return fail_at(reader, mark, *state == KEY ? "a key must be a word" : "a value cannot have keys");
        if (reader->event.data.mapping_start.anchor || reader->event.data.mapping_start.tag)
            return fail_at(reader, mark, "anchors and tags are not used in configs");
        *state = KEY;
        return RT_OK;
    case YAML_MAPPING_END_EVENT:
        *state = AFTER;
        return RT_OK;
    case YAML_SEQUENCE_START_EVENT:
        if (*state != VALUE)
            return fail_at(reader, mark,
                           *state == BEFORE ? "expected lines 'key: value', found a list"
                                            : "a list is not expected here");
        *state = ITEM;
        return open_list(reader, &yaml->entries[yaml->count - 1]);
    case YAML_SEQUENCE_END_EVENT:
        *state = KEY;
        return RT_OK;
    case YAML_SCALAR_EVENT:
        return take_scalar_event(reader, yaml, state);
    case YAML_ALIAS_EVENT:
        return fail_at(reader, mark, "aliases are not used in configs");
    default:
        return RT_OK;
    }
}

int rt_yaml_parse(struct rt_yaml *yaml, const char *name, const char *bytes, size_t size, struct rt_error *err)
{
    const size_t mark = rt_utf8_mark(bytes, size);
    struct reader reader = {.name = name, .err = err};
    enum state state = BEFORE;
    bool over = false;
    int rc = RT_OK;

    bytes += mark; /* libyaml, told the encoding, would count it as indentation of the first key */
    size -= mark;

    *yaml = (struct rt_yaml){0};
    if (size > RT_YAML_BYTES_MAX)
        return rt_fail(err, RT_ECONFIG, "%s is larger than %d bytes: not a config", name, RT_YAML_BYTES_MAX);
    if (!yaml_parser_initialize(&reader.parser))
        return rt_fail(err, RT_EMEMORY, "%s: out of memory while reading YAML", name);
    yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&reader.parser, (const unsigned char *)bytes, size);
    while (!rc && !over) {
        if (!yaml_parser_parse(&reader.parser, &reader.event)) {
            rc = syntax_error(&reader, bytes, size);
            break;
        }
        over = reader.event.type == YAML_STREAM_END_EVENT;
        rc = take_event(&reader, yaml, &state);
        yaml_event_delete(&reader.event);
    }
    yaml_parser_delete(&reader.parser);
    return rc;
}

static void free_entry(struct rt_yaml_entry *entry)
{
    rt_free(&entry->key.text);
    for (int i = 0; i < entry->value_count; i++)
        rt_free(&entry->values[i].text);
    rt_free(&entry->values);
}

void rt_yaml_free(struct rt_yaml *yaml)
{
    for (int i = 0; i < yaml->count; i++)
        free_entry(&yaml->entries[i]);
    rt_free(&yaml->entries);
    *yaml = (struct rt_yaml){0};
}

const struct rt_yaml_entry *rt_yaml_find(const struct rt_yaml *yaml, const char *key)
{
    for (int i = 0; i < yaml->count; i++)
        if (!strcmp(yaml->entries[i].key.text, key))
            return &yaml->entries[i];
    return NULL;
}

static const char *skip_digits(const char *at)
{
    while (isdigit((unsigned char)*at))
        at++;
    return at;
}

/* [-+]? digits [. digits]? ([eE] [-+]? digits)?, with at least one digit before the exponent. */
static enum rt_yaml_kind number_kind(const char *text)
{
    const char *start = text + (*text == '-' || *text == '+'), *at = skip_digits(start);
    bool digits = at > start;

    if (digits && !*at) /* 010 is 8 to some readers of YAML and 10 to others */
        return *start == '0' && start[1] ? RT_YAML_TEXT : RT_YAML_INTEGER;
    if (*at == '.') {
        const char *fraction = at + 1;

        if (rt_text_has_word("inf Inf INF nan NaN NAN", fraction) && !digits)
            return RT_YAML_REAL;
        at = skip_digits(fraction);
        digits = digits || at > fraction;
    }
    if (digits && (*at == 'e' || *at == 'E')) {
        const char *exponent = at + 1 + (at[1] == '-' || at[1] == '+');

        at = skip_digits(exponent);
        digits = at > exponent;
    }
    return digits && !*at ? RT_YAML_REAL : RT_YAML_TEXT;
}

enum rt_yaml_kind rt_yaml_kind(const struct rt_yaml_scalar *scalar)
{
    if (!scalar->plain)
        return RT_YAML_TEXT;
    if (!*scalar->text || rt_text_has_word("~ null Null NULL", scalar->text))
        return RT_YAML_NULL;
    if (rt_text_has_word("true True TRUE false False FALSE", scalar->text))
        return RT_YAML_BOOL;
    return number_kind(scalar->text);
}
