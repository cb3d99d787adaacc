/* A run's properties: its name and state, every key of its config, every field of its result, and some numbers
 * made of these. They come from the tables of keys (config/keys.h), of result.json's fields (run/result.h) and
 * of metrics (config/metrics.h): a new row there is a property here. */
#ifndef RT_RUNS_PROPERTIES_H
#define RT_RUNS_PROPERTIES_H

#include "config/keys.h"
#include "runs/records.h"

enum { RT_VALUE_TEXT_MAX = 512, RT_PROPERTIES_MAX = 256, RT_PROPERTY_NAME_MAX = 64 };

enum rt_value_kind {
    RT_VALUE_NONE, /* null, not measured, threshold not reached */
    RT_VALUE_WHOLE,
    RT_VALUE_REAL,
    RT_VALUE_BOOL,
    RT_VALUE_TEXT,
};
struct rt_value {
    enum rt_value_kind kind;
    double number;                /* WHOLE, REAL */
    char text[RT_VALUE_TEXT_MAX]; /* as a config or a CSV file has it, in full; NONE: "" */
};

struct rt_property {
    char name[RT_PROPERTY_NAME_MAX];
    const struct rt_key *key;                /* a key of the config; or */
    const struct rt_result_section *section; /* a field of the result: */
    const struct rt_field *field;            /* of that section; or null: one of our own */
    int own;                                 /* its number */
};

/* All of them, in the order of the lists; returns how many. */
int rt_properties(struct rt_property out[RT_PROPERTIES_MAX]);

/* By name, or by one of its other names: threshold is threshold_epoch, test_accuracy (the metric's split and
 * word) is test_acc, name is run. RT_EUSAGE: "WHERE: there is no column 'NAME'; did you mean ...". */
int rt_property_find(struct rt_property *property, const char *where, const char *name, struct rt_error *err);

/* Whether it is a number in every run that has it. */
bool rt_property_is_number(const struct rt_property *property);

void rt_property_value(const struct rt_property *property, const struct rt_record *run, struct rt_value *value);

/* The label of an axis, or the name where there is none. */
void rt_property_label(const struct rt_property *property, char *label, size_t size);

/* A number as a value, and back to its shortest text. */
void rt_value_set_number(struct rt_value *value, double number, bool whole);
bool rt_value_equals(const struct rt_value *a, const struct rt_value *b);
/* Numbers by size, then texts, then what is not there. */
int rt_value_compare(const struct rt_value *a, const struct rt_value *b);

/* ---- the keys that differ */

/* Keys that say what a run computes, and so which other runs it is comparable with: not its name, its seed, nor
 * what decides how long it goes (RT_RUN_MAY_CHANGE) and what is written. */
bool rt_key_computes(const struct rt_key *key);

/* Keys that a reader wants to see where runs differ in them: the same, and the seed, num_epochs, curve,
 * precision and device. */
bool rt_key_is_shown(const struct rt_key *key);

/* The keys, in the table's order, for which `wanted` is true and in which runs differ. A key that follows from
 * the model, because runs of one model never differ in it, is left out beside model_name. Returns how many. */
int rt_keys_that_differ(const struct rt_record *const *runs, size_t count,
                        bool (*wanted)(const struct rt_key *key), const struct rt_key *out[RT_PROPERTIES_MAX]);

/* "learning_rate=0.01" of a run, appended. */
void rt_key_append_setting(const struct rt_key *key, const struct rt_record *run, struct rt_text *text);

#endif
