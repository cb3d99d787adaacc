#include "runs/properties.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run/run.h"

/* Properties of our own. X(name, kind, value of a run that has a result) */
#define OWN_NUMBERS(X)                                                                                         \
    X(minutes, result->wall_s / 60)                                                                            \
    X(test_error, 1 - result->final.test_acc)                                                                  \
    X(threshold_minutes, result->threshold.reached ? result->threshold.wall_s / 60 : (double)NAN)              \
    X(threshold_test_error, result->threshold.reached ? 1 - result->threshold.scores.test_acc : (double)NAN)

enum own {
    OWN_RUN,
    OWN_STATE,
#define OWN_ENUM(name, value) OWN_##name,
    OWN_NUMBERS(OWN_ENUM)
#undef OWN_ENUM
        OWN_COUNT
};

static const char *const own_names[] = {"run", "state",
#define OWN_NAME(name, value) #name,
                                        OWN_NUMBERS(OWN_NAME)
#undef OWN_NAME
};

static double own_number(int own, const struct rt_result *result)
{
    switch (own) {
#define OWN_CASE(name, value)                                                                                  \
    case OWN_##name:                                                                                           \
        return value;
        OWN_NUMBERS(OWN_CASE)
#undef OWN_CASE
    }
    return NAN;
}

/* ---- the list ---- */

static bool is_there(const struct rt_property *list, int count, const char *name)
{
    for (int i = 0; i < count; i++)
        if (!strcmp(list[i].name, name))
            return true;
    return false;
}

/* A field that repeats a key of the config is not listed again. */
static int add(struct rt_property *list, int count, const char *prefix, const char *name,
               struct rt_property property)
{
    snprintf(property.name, sizeof property.name, "%s%s", prefix, name);
    if (count == RT_PROPERTIES_MAX || is_there(list, count, property.name))
        return count;
    list[count] = property;
    return count + 1;
}

int rt_properties(struct rt_property out[RT_PROPERTIES_MAX])
{
    int count = 0;

    for (int i = OWN_RUN; i <= OWN_STATE; i++)
        count = add(out, count, "", own_names[i], (struct rt_property){.own = i});
    for (const struct rt_key *key = rt_keys; key->name; key++)
        count = add(out, count, "", key->name, (struct rt_property){.key = key});
    for (const struct rt_result_section *section = rt_result_sections; section->fields; section++)
        for (const struct rt_field *field = section->fields; field->key; field++)
            count = add(out, count, section->prefix, field->key,
                        (struct rt_property){.section = section, .field = field});
    for (int i = OWN_STATE + 1; i < OWN_COUNT; i++)
        count = add(out, count, "", own_names[i], (struct rt_property){.own = i});
    return count;
}

static const struct {
    const char *other, *name;
} others[] = {{"threshold", "threshold_epoch"}, {"name", "run"}};

/* test_accuracy -> test_acc, threshold -> threshold_epoch, name -> run; or the name itself. */
static void resolve_name(const char *name, char *out, size_t size)
{
    const char *prefix = !strncmp(name, "threshold_", 10) ? "threshold_"
                         : !strncmp(name, "best_", 5)     ? "best_"
                                                          : "";
    const char *rest = name + strlen(prefix);

    rt_copy_text(out, size, name);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (!strcmp(others[i].other, name))
            rt_copy_text(out, size, others[i].name);
    for (int i = 0; i < RT_METRIC_COUNT; i++) {
        char spelled[RT_PROPERTY_NAME_MAX];
        snprintf(spelled, sizeof spelled, "%s_%s", rt_metrics[i].split, rt_metrics[i].word);
        if (!strcmp(spelled, rest))
            snprintf(out, size, "%s%s", prefix, rt_metrics[i].name);
    }
}

int rt_property_find(struct rt_property *property, const char *where, const char *name, struct rt_error *err)
{
    struct rt_property list[RT_PROPERTIES_MAX];
    const int count = rt_properties(list);
    char wanted[RT_VALUE_TEXT_MAX], hint[96];
    struct rt_nearest nearest = {.word = name};

    resolve_name(name, wanted, sizeof wanted);
    for (int i = 0; i < count; i++) {
        if (!strcmp(list[i].name, wanted)) {
            *property = list[i];
            return RT_OK;
        }
        rt_nearest_offer(&nearest, list[i].name);
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        rt_nearest_offer(&nearest, others[i].other);
    return rt_fail(err, RT_EUSAGE, "%s: there is no column '%.60s'%s", where, name,
                   nearest.best ? rt_nearest_hint(&nearest, hint, sizeof hint)
                                : " ('rethink results --columns all' shows them all)");
}

bool rt_property_is_number(const struct rt_property *property)
{
    if (property->key) {
        const enum rt_key_type type = property->key->type;
        return type == RT_KEY_INTEGER || type == RT_KEY_OPTIONAL_INTEGER || type == RT_KEY_INTEGER_OR_ALL ||
               type == RT_KEY_REAL;
    }
    if (property->field)
        return property->field->kind == RT_FIELD_INTEGER || property->field->kind == RT_FIELD_NUMBER ||
               property->field->kind == RT_FIELD_MEASURE;
    return property->own > OWN_STATE;
}

/* ---- values ---- */

void rt_value_set_number(struct rt_value *value, double number, bool whole)
{
    struct rt_text text = rt_text_in(value->text, sizeof value->text);

    value->kind = isnan(number) ? RT_VALUE_NONE : whole ? RT_VALUE_WHOLE : RT_VALUE_REAL;
    value->number = number;
    value->text[0] = '\0';
    if (value->kind == RT_VALUE_WHOLE)
        rt_text_printf(&text, "%.0f", number);
    else if (value->kind == RT_VALUE_REAL)
        rt_text_append_real(&text, number);
}

static void set_text(struct rt_value *value, const char *text)
{
    value->kind = *text ? RT_VALUE_TEXT : RT_VALUE_NONE;
    snprintf(value->text, sizeof value->text, "%s", text);
}

static void take_key(const struct rt_key *key, const struct rt_record *run, struct rt_value *value)
{
    struct rt_text text = rt_text_in(value->text, sizeof value->text);

    rt_key_format(key, &run->experiment, &text);
    if (!strcmp(value->text, "null")) {
        *value = (struct rt_value){0};
        return;
    }
    value->kind = RT_VALUE_TEXT;
    if (key->type == RT_KEY_BOOL) {
        value->kind = RT_VALUE_BOOL;
    } else if (rt_property_is_number(&(struct rt_property){.key = key}) && strcmp(value->text, "all") != 0) {
        value->kind = key->type == RT_KEY_REAL ? RT_VALUE_REAL : RT_VALUE_WHOLE;
        value->number = strtod(value->text, NULL);
    }
}

static void take_field(const struct rt_property *property, const struct rt_result *result,
                       struct rt_value *value)
{
    const char *member = (const char *)result + property->section->offset + property->field->offset;
    int64_t integer;
    double number;
    bool truth;

    if (property->section->has && !property->section->has(result))
        return;
    switch (property->field->kind) {
    case RT_FIELD_TEXT:
    case RT_FIELD_NAME:
    case RT_FIELD_DIGEST:
        set_text(value, member);
        break;
    case RT_FIELD_INTEGER:
        memcpy(&integer, member, sizeof integer);
        rt_value_set_number(value, (double)integer, true);
        break;
    case RT_FIELD_NUMBER:
    case RT_FIELD_MEASURE:
        memcpy(&number, member, sizeof number);
        rt_value_set_number(value, number, false);
        break;
    case RT_FIELD_BOOL:
        memcpy(&truth, member, sizeof truth);
        value->kind = RT_VALUE_BOOL;
        snprintf(value->text, sizeof value->text, "%s", truth ? "true" : "false");
        break;
    }
}

void rt_property_value(const struct rt_property *property, const struct rt_record *run, struct rt_value *value)
{
    *value = (struct rt_value){0};
    if (property->key) {
        if (run->has_config)
            take_key(property->key, run, value);
    } else if (property->field) {
        if (run->has_result)
            take_field(property, &run->result, value);
    } else if (property->own == OWN_RUN) {
        set_text(value, run->name);
    } else if (property->own == OWN_STATE) {
        set_text(value, run->state);
    } else if (run->has_result) {
        rt_value_set_number(value, own_number(property->own, &run->result), false);
    }
}

void rt_property_label(const struct rt_property *property, char *label, size_t size)
{
    static const struct {
        const char *name, *label;
    } known[] = {{"threshold_epoch", "Epochs to the interpolation threshold"},
                 {"threshold_minutes", "Minutes to the interpolation threshold"},
                 {"threshold_training_flops", "FLOPs to the interpolation threshold"},
                 {"threshold_test_error", "Test error at the threshold"},
                 {"test_error", "Test error"},
                 {"minutes", "Minutes"},
                 {"epochs", "Epochs trained"},
                 {"training_flops", "Training FLOPs"}};

    snprintf(label, size, "%s", property->name);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!strcmp(known[i].name, property->name))
            snprintf(label, size, "%s", known[i].label);
    for (int i = 0; property->field && i < RT_METRIC_COUNT; i++)
        if (!strcmp(rt_metrics[i].name, property->field->key))
            snprintf(label, size, "%s%s", rt_metrics[i].label, property->section->at);
}

bool rt_value_equals(const struct rt_value *a, const struct rt_value *b)
{
    return a->kind == b->kind && !strcmp(a->text, b->text);
}

static int rank_of(const struct rt_value *value)
{
    switch (value->kind) {
    case RT_VALUE_WHOLE:
    case RT_VALUE_REAL:
        return 0;
    case RT_VALUE_BOOL:
    case RT_VALUE_TEXT:
        return 1;
    case RT_VALUE_NONE:
        break;
    }
    return 2;
}

int rt_value_compare(const struct rt_value *a, const struct rt_value *b)
{
    const int left = rank_of(a), right = rank_of(b);

    if (left != right)
        return left < right ? -1 : 1;
    if (left == 0)
        return (a->number > b->number) - (a->number < b->number);
    return strcmp(a->text, b->text);
}

/* ---- the keys that differ ---- */

bool rt_key_computes(const struct rt_key *key)
{
    if (!strcmp(key->name, "reseed_on_resume")) /* may change, but from then on it is another run */
        return true;
    return key->group != RT_GROUP_OUTPUT && key->group != RT_GROUP_STATE &&
           !rt_text_has_word(RT_RUN_MAY_CHANGE " experiment_name seed", key->name);
}

bool rt_key_is_shown(const struct rt_key *key)
{
    return rt_key_computes(key) || rt_text_has_word("seed num_epochs curve precision device", key->name);
}

static void value_of(const struct rt_key *key, const struct rt_record *run, struct rt_value *value)
{
    rt_property_value(&(struct rt_property){.key = key}, run, value);
}

/* Whether runs differ in it; *in_model: also two of the same model. */
static bool differs(const struct rt_key *key, const struct rt_record *const *runs, size_t count, bool *in_model)
{
    struct rt_value first, value, model, other;
    bool any = false;

    *in_model = false;
    for (size_t i = 1; i < count && !*in_model; i++) {
        value_of(key, runs[i], &value);
        value_of(key, runs[0], &first);
        any = any || !rt_value_equals(&value, &first);
        value_of(rt_key_find("model_name"), runs[i], &model);
        for (size_t k = 0; k < i && !*in_model; k++) {
            value_of(rt_key_find("model_name"), runs[k], &other);
            if (!rt_value_equals(&model, &other))
                continue;
            value_of(key, runs[k], &first);
            *in_model = !rt_value_equals(&value, &first);
            break; /* all earlier runs of the model are alike */
        }
    }
    return any || *in_model;
}

int rt_keys_that_differ(const struct rt_record *const *runs, size_t count,
                        bool (*wanted)(const struct rt_key *key), const struct rt_key *out[RT_PROPERTIES_MAX])
{
    int found = 0;
    bool in_model;

    for (const struct rt_key *key = rt_keys; key->name && found < RT_PROPERTIES_MAX; key++)
        if (wanted(key) && differs(key, runs, count, &in_model) &&
            (in_model || !strcmp(key->name, "model_name")))
            out[found++] = key;
    return found;
}

void rt_key_append_setting(const struct rt_key *key, const struct rt_record *run, struct rt_text *text)
{
    struct rt_value value;

    value_of(key, run, &value);
    rt_text_printf(text, "%s=%s", key->name, value.kind == RT_VALUE_NONE ? "null" : value.text);
}
