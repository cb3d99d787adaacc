/* Experiments as text: the second half of config/keys.h, and rt_experiment_format. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "config/keys.h"

/* True when the text, unquoted, reads back as itself. */
static bool is_plain(const char *text)
{
    const struct rt_yaml_scalar scalar = {.text = (char *)(uintptr_t)text, .plain = true};

    return rt_yaml_kind(&scalar) == RT_YAML_TEXT && strchr("-+.0123456789", *text) == NULL &&
           !rt_text_has_word("yes Yes YES no No NO on On ON off Off OFF y Y n N",
                             text) && /* YAML 1.1's booleans */
           !text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/+")];
}

/* The character at `at` (valid UTF-8, as all YAML that was read), and its length in bytes. */
static uint32_t decode(const char *at, size_t *length)
{
    const unsigned char *const bytes = (const unsigned char *)at;
    uint32_t character = bytes[0];

    *length = bytes[0] < 0xc0 ? 1 : bytes[0] < 0xe0 ? 2 : bytes[0] < 0xf0 ? 3 : 4;
    if (*length > 1)
        character &= 0x7fu >> *length;
    for (size_t i = 1; i < *length; i++) {
        if (!bytes[i])
            *length = i;
        character = character << 6 | (bytes[i] & 0x3fu);
    }
    return character;
}

static void append_text(struct rt_text *text, const char *value)
{
    size_t length;

    if (is_plain(value)) {
        rt_text_append(text, value);
        return;
    }
    rt_text_append(text, "\"");
    for (; *value; value += length) {
        const uint32_t character = decode(value, &length);

        if (character == '"' || character == '\\')
            rt_text_printf(text, "\\%c", (int)character);
        else if (character >= ' ' && character < 127)
            rt_text_append_bytes(text, value, 1);
        else
            rt_text_printf(text, "\\U%08" PRIx32, character);
    }
    rt_text_append(text, "\"");
}

static void append_words(struct rt_text *text, const char *words)
{
    rt_text_append(text, "[");
    for (; *words; words++) {
        if (*words == ',')
            rt_text_append(text, ", ");
        else
            rt_text_append_bytes(text, words, 1);
    }
    rt_text_append(text, "]");
}

static void append_milestones(struct rt_text *text, const struct rt_experiment *experiment)
{
    rt_text_append(text, "[");
    for (int i = 0; i < experiment->milestone_count; i++)
        rt_text_printf(text, "%s%" PRId64, i ? ", " : "", experiment->milestones[i]);
    rt_text_append(text, "]");
}

static void append_matrix(struct rt_text *text, const struct rt_experiment *experiment)
{
    rt_text_append(text, "[");
    for (int i = 0; i < experiment->label_noise_matrix_count; i++) {
        rt_text_append(text, i ? ", " : "");
        rt_text_append_real(text, experiment->label_noise_matrix[i]);
    }
    rt_text_append(text, "]");
}

static void append_choice(struct rt_text *text, const char *words, int index)
{
    while (index-- > 0) {
        words += strcspn(words, " ");
        words += strspn(words, " ");
    }
    rt_text_printf(text, "%.*s", (int)strcspn(words, " "), words);
}

void rt_key_format(const struct rt_key *key, const struct rt_experiment *experiment, struct rt_text *text)
{
    const void *field = (const char *)experiment + key->offset;
    const struct rt_optional_int *optional = field;

    switch (key->type) {
    case RT_KEY_TEXT:
    case RT_KEY_WORD:
        append_text(text, field);
        break;
    case RT_KEY_OPTIONAL_TEXT:
    case RT_KEY_NAME:
        if (*(const char *)field)
            append_text(text, field);
        else
            rt_text_append(text, "null");
        break;
    case RT_KEY_BOOL:
        rt_text_append(text, *(const bool *)field ? "true" : "false");
        break;
    case RT_KEY_INTEGER:
        rt_text_printf(text, "%" PRId64, *(const int64_t *)field);
        break;
    case RT_KEY_OPTIONAL_INTEGER:
    case RT_KEY_INTEGER_OR_ALL:
        if (optional->given)
            rt_text_printf(text, "%" PRId64, optional->value);
        else
            rt_text_append(text, key->type == RT_KEY_INTEGER_OR_ALL ? "all" : "null");
        break;
    case RT_KEY_REAL:
        rt_text_append_real(text, *(const double *)field);
        break;
    case RT_KEY_CHOICE:
        append_choice(text, key->words, *(const int *)field);
        break;
    case RT_KEY_INTEGERS:
        append_milestones(text, experiment);
        break;
    case RT_KEY_REALS:
        append_matrix(text, experiment);
        break;
    case RT_KEY_WORDS:
        append_words(text, field);
        break;
    }
}

int rt_experiment_format(const struct rt_experiment *experiment, char **yaml, struct rt_error *err)
{
    struct rt_text text = {0};

    for (const struct rt_key *key = rt_keys; key->name; key++) {
        if (key == rt_keys || key->group != key[-1].group)
            rt_text_printf(&text, "%s# %s\n", key == rt_keys ? "" : "\n", rt_key_group_title(key->group));
        rt_text_printf(&text, "%s: ", key->name);
        rt_key_format(key, experiment, &text);
        rt_text_append(&text, "\n");
    }
    return rt_text_take(&text, yaml, err);
}

bool rt_experiment_value(const struct rt_experiment *experiment, const char *name, char *out, size_t size)
{
    const struct rt_key *key = rt_key_find(name);
    struct rt_text text;

    if (!key || !size)
        return false;
    text =
        rt_text_in(out, size); /* needs no memory: run names are made of values, and may not come out short */
    rt_key_format(key, experiment, &text);
    return true;
}

/* A character's longest escape is \U and eight digits, with quotes; a matrix has its numbers. */
enum { VALUE_MAX = 10 * RT_TEXT_MAX + 3 + 8 * RT_MATRIX_MAX, ASSIGNMENTS_MAX = 400 };

/* One key's values, where they differ. */
static bool differ(const struct rt_key *key, const struct rt_experiment *a, const struct rt_experiment *b,
                   char left[VALUE_MAX], char right[VALUE_MAX])
{
    struct rt_text one = rt_text_in(left, VALUE_MAX), other = rt_text_in(right, VALUE_MAX);

    rt_key_format(key, a, &one); /* needs no memory: without it, all values would seem to differ */
    rt_key_format(key, b, &other);
    return one.failed || other.failed || strcmp(rt_text_string(&one), rt_text_string(&other)) != 0;
}

/* The first key from `key` on, not one of the space-separated `ignored`, whose values differ; null: none. */
static const struct rt_key *next_difference(const struct rt_key *key, const struct rt_experiment *a,
                                            const struct rt_experiment *b, const char *ignored,
                                            char left[VALUE_MAX], char right[VALUE_MAX])
{
    for (; key->name; key++)
        if (!rt_text_has_word(ignored, key->name) && differ(key, a, b, left, right))
            return key;
    return NULL;
}

const char *rt_experiment_difference(const struct rt_experiment *a, const struct rt_experiment *b,
                                     const char *ignored)
{
    char left[VALUE_MAX], right[VALUE_MAX];
    const struct rt_key *key = next_difference(rt_keys, a, b, ignored, left, right);

    return key ? key->name : NULL;
}

void rt_experiment_append_differences(const struct rt_experiment *a, const struct rt_experiment *b,
                                      const char *ignored, struct rt_text *text)
{
    char left[VALUE_MAX], right[VALUE_MAX];
    const struct rt_key *key = rt_keys;

    for (const char *gap = ""; (key = next_difference(key, a, b, ignored, left, right)); key++, gap = "; ")
        rt_text_printf(text, "%s%s is %.60s, not %.60s", gap, key->name, left, right);
}

void rt_experiment_format_assignments(const struct rt_experiment *a, const struct rt_experiment *b,
                                      const char *ignored, struct rt_text *text)
{
    char left[VALUE_MAX], right[VALUE_MAX];
    const struct rt_key *key = rt_keys;

    for (const char *gap = ""; (key = next_difference(key, a, b, ignored, left, right)); key++, gap = " ") {
        const char *quote = strchr(left, ' ') ? "'" : "";

        rt_text_printf(text, "%s--set %s%s=%s%s", gap, quote, key->name, left, quote);
    }
    if (text->length > ASSIGNMENTS_MAX) { /* half a command helps nobody */
        rt_text_clear(text);
        rt_text_append(text, "--set with the values of its config.yaml");
    }
}
