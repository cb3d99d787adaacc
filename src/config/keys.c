#include "config/keys.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "config/shorthands.h"

#define KEY_ROW(group, key, type, low, high, words, preset, help)                                              \
    {RT_GROUP_##group, #key, RT_KEY_##type, offsetof(struct rt_experiment, key), low, high, words,             \
     preset,           help},
const struct rt_key rt_keys[] = {RT_KEYS(KEY_ROW){0}};
#undef KEY_ROW

const struct rt_key *rt_key_find(const char *name)
{
    for (const struct rt_key *key = rt_keys; key->name; key++)
        if (!strcmp(key->name, name))
            return key;
    return NULL;
}

/* Equal with '-' and '_' alike. */
static bool is_same_name(const char *a, const char *b)
{
    for (; *a && *b; a++, b++)
        if ((*a == '-' ? '_' : *a) != (*b == '-' ? '_' : *b))
            return false;
    return *a == *b;
}

const struct rt_key *rt_key_find_short(const char *name)
{
    const struct rt_key *key = rt_key_find(name); /* a key's own name comes first: label_noise */

#define SHORTHAND_KEY(option, key, argument, help)                                                             \
    if (is_same_name(name, option))                                                                            \
        return rt_key_find(#key);
    if (key)
        return key;
    RT_SHORTHANDS(SHORTHAND_KEY)
#undef SHORTHAND_KEY
    return NULL;
}

const char *rt_key_group_title(enum rt_key_group group)
{
    static const char *const titles[] = {
#define GROUP_TITLE(symbol, title) [RT_GROUP_##symbol] = title,
        RT_KEY_GROUPS(GROUP_TITLE)
#undef GROUP_TITLE
    };

    return titles[group];
}

/* A user's text, fit for one line of a terminal, its end cut. */
static void append_shown(struct rt_text *text, const char *shown)
{
    enum { MOST = 60 };
    char part[MOST + 1];

    snprintf(part, sizeof part, "%s", shown);
    rt_text_append_plain(text, part);
    if (strlen(shown) > MOST)
        rt_text_append(text, "...");
}

int rt_key_unknown(const char *where, const char *name, struct rt_error *err)
{
    struct rt_nearest nearest = {.word = name};
    struct rt_text shown = {0};
    char hint[96];

    for (const struct rt_key *key = rt_keys; key->name; key++)
        rt_nearest_offer(&nearest, key->name);
    if (rt_key_find_short(name))
        nearest.best = rt_key_find_short(name)->name;
    append_shown(&shown, name);
    rt_fail(err, RT_ECONFIG, "%s: unknown key '%s'%s", where, rt_text_string(&shown),
            nearest.best ? rt_nearest_hint(&nearest, hint, sizeof hint)
                         : " ('rethink config --keys' lists them)");
    rt_text_free(&shown);
    return RT_ECONFIG;
}

static void append_bound(struct rt_text *text, double bound)
{
    rt_text_printf(text, "%.15g", bound);
}

static void append_range(struct rt_text *text, const struct rt_key *key)
{
    const bool above = key->low == RT_ABOVE_ZERO, below = key->high == RT_BELOW_ONE;

    rt_text_append(text, above ? " above " : " from ");
    append_bound(text, above ? 0 : key->low);
    rt_text_append(text, below ? " to below " : above ? " and up to " : " to ");
    append_bound(text, below ? 1 : key->high);
}

void rt_key_expectation(const struct rt_key *key, struct rt_text *text)
{
    static const char *const kinds[] = {
        [RT_KEY_TEXT] = "a text",
        [RT_KEY_OPTIONAL_TEXT] = "a text or null",
        [RT_KEY_WORD] = "",
        [RT_KEY_NAME] = "a name fit for a folder (letters, digits, '.', '_', '-', '=', '+', ',') or null",
        [RT_KEY_BOOL] = "true or false",
        [RT_KEY_INTEGER] = "a whole number",
        [RT_KEY_OPTIONAL_INTEGER] = "null or a whole number",
        [RT_KEY_INTEGER_OR_ALL] = "all or a whole number",
        [RT_KEY_REAL] = "a number",
        [RT_KEY_CHOICE] = "",
        [RT_KEY_INTEGERS] = "a list of increasing whole numbers",
        [RT_KEY_REALS] = "a list of at most 100 numbers",
        [RT_KEY_WORDS] = "a list of words",
    };

    rt_text_append(text, kinds[key->type]);
    if (key->type == RT_KEY_INTEGER || key->type == RT_KEY_OPTIONAL_INTEGER ||
        key->type == RT_KEY_INTEGER_OR_ALL || key->type == RT_KEY_REAL || key->type == RT_KEY_INTEGERS ||
        key->type == RT_KEY_REALS)
        append_range(text, key);
    if (key->type == RT_KEY_WORD && !*key->words)
        rt_text_append(text, "a name");
    for (const char *word = key->words; *word; word += strspn(word, " ")) {
        const size_t length = strcspn(word, " ");

        rt_text_printf(text, "%s%.*s", word == key->words ? "one of " : ", ", (int)length, word);
        word += length;
    }
}

/* An assignment in progress. */
struct setting {
    const struct rt_key *key;
    void *field;
    const char *file;
    struct rt_experiment *experiment;
    struct rt_error *err;
};

static int refuse(const struct setting *s, const struct rt_yaml_scalar *scalar, int line, int column)
{
    struct rt_text message = {0};
    char store[64], hint[96];
    struct rt_nearest nearest = {.word = scalar ? scalar->text : ""};

    rt_key_expectation(s->key, &message);
    if (scalar) {
        rt_text_append(&message, scalar->plain ? ", got '" : ", got the quoted text '");
        append_shown(&message, scalar->text);
        rt_text_append(&message, "'");
        rt_nearest_offer_words(&nearest, s->key->words, store, sizeof store);
        rt_text_append(&message, rt_nearest_hint(&nearest, hint, sizeof hint));
        if (!s->file && strchr(scalar->text, ','))
            rt_text_append(&message, "; 'rethink sweep' takes several values");
    } else {
        rt_text_append(&message, ", got a list");
    }
    if (s->file)
        rt_fail(s->err, RT_ECONFIG, "%s:%d:%d: %s: expected %s", s->file, line, column, s->key->name,
                rt_text_string(&message));
    else
        rt_fail(s->err, RT_ECONFIG, "--set %s: expected %s", s->key->name, rt_text_string(&message));
    rt_text_free(&message);
    return RT_ECONFIG;
}

/* The whole number of a scalar inside the key's range. */
static bool whole_number(const struct rt_key *key, const struct rt_yaml_scalar *scalar, int64_t *out)
{
    long long value;

    if (rt_yaml_kind(scalar) != RT_YAML_INTEGER)
        return false;
    errno = 0;
    value = strtoll(scalar->text, NULL, 10);
    if (errno || (double)value < key->low || (double)value > key->high)
        return false;
    *out = value;
    return true;
}

static bool real_number(const struct rt_key *key, const struct rt_yaml_scalar *scalar, double *out)
{
    const enum rt_yaml_kind kind = rt_yaml_kind(scalar);
    double value;

    if ((kind != RT_YAML_INTEGER && kind != RT_YAML_REAL) || strpbrk(scalar->text, "iInN"))
        return false; /* .inf and .nan are reals of YAML, but of no key */
    value = strtod(scalar->text, NULL);
    if (!(value >= key->low && value <= key->high))
        return false;
    *out = value + 0.0; /* -0 is 0 */
    return true;
}

bool rt_name_is_valid(const char *text)
{
    return *text && *text != '.' && *text != '-' &&
           !text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-=+,")];
}

/* One of the words, or any name if there are none. */
static bool is_word_of(const char *words, const char *text)
{
    return *words ? rt_text_has_word(words, text) : rt_name_is_valid(text);
}

/* The index of a word among the key's words, or -1. */
static int word_index(const char *words, const char *wanted)
{
    const size_t length = strlen(wanted);

    for (int index = 0; *words; index++, words += strspn(words, " ")) {
        const size_t here = strcspn(words, " ");

        if (here == length && !strncmp(words, wanted, length))
            return index;
        words += here;
    }
    return -1;
}

/* Texts: "" represents null. */
static bool set_text(const struct setting *s, const struct rt_yaml_scalar *scalar)
{
    const enum rt_yaml_kind kind = rt_yaml_kind(scalar);
    const enum rt_key_type type = s->key->type;

    if (kind == RT_YAML_NULL && (type == RT_KEY_OPTIONAL_TEXT || type == RT_KEY_NAME)) {
        memset(s->field, 0, RT_TEXT_MAX);
        return true;
    }
    if (kind != RT_YAML_TEXT || !*scalar->text || !rt_utf8_is_plain(scalar->text) ||
        (type == RT_KEY_NAME && !rt_name_is_valid(scalar->text)) ||
        (type == RT_KEY_WORD && !is_word_of(s->key->words, scalar->text)) ||
        strlen(scalar->text) >= RT_TEXT_MAX)
        return false;
    memset(s->field, 0, RT_TEXT_MAX);
    return rt_copy_text(s->field, RT_TEXT_MAX, scalar->text);
}

static bool set_scalar(const struct setting *s, const struct rt_yaml_scalar *scalar)
{
    const enum rt_yaml_kind kind = rt_yaml_kind(scalar);
    struct rt_optional_int *optional = s->field;
    int index;

    switch (s->key->type) {
    case RT_KEY_TEXT:
    case RT_KEY_OPTIONAL_TEXT:
    case RT_KEY_WORD:
    case RT_KEY_NAME:
        return set_text(s, scalar);
    case RT_KEY_BOOL:
        if (kind != RT_YAML_BOOL)
            return false;
        *(bool *)s->field = *scalar->text == 't' || *scalar->text == 'T';
        return true;
    case RT_KEY_INTEGER:
        return whole_number(s->key, scalar, s->field);
    case RT_KEY_OPTIONAL_INTEGER:
        if (kind == RT_YAML_NULL) {
            *optional = (struct rt_optional_int){0};
            return true;
        }
        return optional->given = whole_number(s->key, scalar, &optional->value);
    case RT_KEY_INTEGER_OR_ALL:
        if (kind == RT_YAML_TEXT && !strcmp(scalar->text, "all")) {
            *optional = (struct rt_optional_int){0};
            return true;
        }
        return optional->given = whole_number(s->key, scalar, &optional->value);
    case RT_KEY_REAL:
        return real_number(s->key, scalar, s->field);
    case RT_KEY_CHOICE:
        if ((index = word_index(s->key->words, scalar->text)) < 0)
            return false;
        *(int *)s->field = index;
        return true;
    case RT_KEY_INTEGERS:
    case RT_KEY_REALS:
    case RT_KEY_WORDS:
        break;
    }
    return false;
}

static bool append_integer(const struct setting *s, const struct rt_yaml_scalar *scalar)
{
    struct rt_experiment *e = s->experiment;
    int64_t value;

    if (e->milestone_count == RT_MILESTONES_MAX || !whole_number(s->key, scalar, &value) ||
        (e->milestone_count && value <= e->milestones[e->milestone_count - 1]))
        return false;
    e->milestones[e->milestone_count++] = value;
    return true;
}

static bool append_real(const struct setting *s, const struct rt_yaml_scalar *scalar)
{
    struct rt_experiment *e = s->experiment;

    if (e->label_noise_matrix_count == RT_MATRIX_MAX ||
        !real_number(s->key, scalar, &e->label_noise_matrix[e->label_noise_matrix_count]))
        return false;
    e->label_noise_matrix_count++;
    return true;
}

static bool append_word(const struct setting *s, const struct rt_yaml_scalar *scalar)
{
    char *words = s->field;
    const size_t length = strlen(words);

    if (rt_yaml_kind(scalar) != RT_YAML_TEXT || !rt_name_is_valid(scalar->text) || strchr(scalar->text, ',') ||
        length + strlen(scalar->text) + 2 > RT_TEXT_MAX)
        return false;
    return rt_copy_text(words + length, RT_TEXT_MAX - length, length ? "," : "") &&
           rt_copy_text(words + strlen(words), RT_TEXT_MAX - strlen(words), scalar->text);
}

static bool append_item(const struct setting *s, const struct rt_yaml_scalar *scalar)
{
    if (s->key->type == RT_KEY_REALS)
        return append_real(s, scalar);
    return s->key->type == RT_KEY_INTEGERS ? append_integer(s, scalar) : append_word(s, scalar);
}

/* A list written without brackets, as --set takes it: "100,200". */
static bool append_joined(const struct setting *s, const struct rt_yaml_scalar *scalar)
{
    const char *at = scalar->text;

    if (rt_yaml_kind(scalar) == RT_YAML_NULL)
        return *at == '\0';
    for (;;) {
        char part[RT_TEXT_MAX];
        const size_t length = strcspn(at, ",");

        if (length >= sizeof part)
            return false;
        memcpy(part, at, length);
        part[length] = '\0';
        if (!append_item(s, &(struct rt_yaml_scalar){.text = part, .plain = scalar->plain}))
            return false;
        at += length;
        if (!*at)
            return true;
        at += 1 + strspn(at + 1, " ");
    }
}

static int set_list(const struct setting *s, const struct rt_yaml_entry *entry)
{
    if (s->key->type == RT_KEY_INTEGERS) {
        memset(s->experiment->milestones, 0, sizeof s->experiment->milestones);
        s->experiment->milestone_count = 0;
    } else if (s->key->type == RT_KEY_REALS) {
        memset(s->experiment->label_noise_matrix, 0, sizeof s->experiment->label_noise_matrix);
        s->experiment->label_noise_matrix_count = 0;
    } else {
        memset(s->field, 0, RT_TEXT_MAX);
    }
    if (!entry->list)
        return append_joined(s, entry->values) ? RT_OK : refuse(s, entry->values, entry->line, entry->column);
    for (int i = 0; i < entry->value_count; i++)
        if (!append_item(s, &entry->values[i]))
            return refuse(s, &entry->values[i], entry->values[i].line, entry->values[i].column);
    return RT_OK;
}

int rt_key_set(const struct rt_key *key, struct rt_experiment *experiment, const char *file,
               const struct rt_yaml_entry *entry, struct rt_error *err)
{
    const struct setting s = {key, (char *)experiment + key->offset, file, experiment, err};

    if (key->type == RT_KEY_INTEGERS || key->type == RT_KEY_REALS || key->type == RT_KEY_WORDS)
        return set_list(&s, entry);
    if (entry->list)
        return refuse(&s, NULL, entry->line, entry->column);
    return set_scalar(&s, entry->values) ? RT_OK : refuse(&s, entry->values, entry->line, entry->column);
}

int rt_keys_set(struct rt_experiment *experiment, const char *assignments, struct rt_error *err)
{
    while (*assignments) {
        const size_t length = strcspn(assignments, " ");
        char name[RT_TEXT_MAX], *value;
        struct rt_yaml_scalar scalar = {.plain = true};
        const struct rt_key *key;

        snprintf(name, sizeof name, "%.*s", (int)length, assignments);
        value = name + strcspn(name, "=");
        *value = '\0';
        scalar.text = value + 1;
        if (!(key = rt_key_find(name)))
            return rt_key_unknown("--set", name, err);
        RT_TRY(rt_key_set(key, experiment, NULL, &(struct rt_yaml_entry){.values = &scalar, .value_count = 1},
                          err));
        assignments += length + strspn(assignments + length, " ");
    }
    return RT_OK;
}
