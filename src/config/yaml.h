/* The YAML that configs are written in: one mapping of keys to scalars or flat lists of scalars, each with its
 * place. The only file that knows libyaml is yaml.c.
 *
 * A byte order mark at the start is skipped. Refused, with file, line and column: anything nested deeper,
 * anchors, aliases and tags, a second document, keys given twice, text that is not UTF-8, NUL characters. */
#ifndef RT_CONFIG_YAML_H
#define RT_CONFIG_YAML_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct rt_yaml_scalar {
    char *text;
    bool plain; /* not quoted: may mean null, a number, true or false */
    int line, column;
};

struct rt_yaml_entry {
    struct rt_yaml_scalar key;
    bool list;
    struct rt_yaml_scalar *values; /* one, or those of the list */
    int value_count;
    int line, column; /* of the value */
};

struct rt_yaml {
    struct rt_yaml_entry *entries;
    int count;
};

enum { RT_YAML_BYTES_MAX = 1 << 20, RT_YAML_KEYS_MAX = 256, RT_YAML_ITEMS_MAX = 1024 };

/* RT_ECONFIG "NAME:LINE:COLUMN: what". rt_yaml_free also after an error. */
int rt_yaml_parse(struct rt_yaml *yaml, const char *name, const char *bytes, size_t size, struct rt_error *err);
void rt_yaml_free(struct rt_yaml *yaml);

const struct rt_yaml_entry *rt_yaml_find(const struct rt_yaml *yaml, const char *key);

/* What a scalar means (YAML's core schema, of numbers only the decimal ones). */
enum rt_yaml_kind { RT_YAML_NULL, RT_YAML_BOOL, RT_YAML_INTEGER, RT_YAML_REAL, RT_YAML_TEXT };
enum rt_yaml_kind rt_yaml_kind(const struct rt_yaml_scalar *scalar);

#endif
