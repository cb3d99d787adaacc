/* Conditions on runs: "model_name=MLP1,label_corruption_prob>=0.4". */
#ifndef RT_RUNS_WHERE_H
#define RT_RUNS_WHERE_H

#include "runs/properties.h"

enum { RT_CONDITIONS_MAX = 32 };

#define RT_RELATIONS(X)                                                                                        \
    X(NOT, "!=")                                                                                               \
    X(AT_MOST, "<=")                                                                                           \
    X(AT_LEAST, ">=")                                                                                          \
    X(EQUAL, "=")                                                                                              \
    X(BELOW, "<")                                                                                              \
    X(ABOVE, ">")

enum rt_relation {
#define RT_RELATION_ENUM(symbol, text) RT_RELATION_##symbol,
    RT_RELATIONS(RT_RELATION_ENUM)
#undef RT_RELATION_ENUM
};

struct rt_condition {
    struct rt_property property;
    enum rt_relation relation;
    char text[RT_VALUE_TEXT_MAX];
    bool is_number;
    double number;
};
struct rt_where {
    struct rt_condition conditions[RT_CONDITIONS_MAX];
    int count;
};

/* Adds conditions joined by commas, all of which must hold: COLUMN, one of = != < <= > >=, and a value. A value
 * in brackets or quotes may have commas. Numbers are compared as numbers; < <= > >= want one. null is what has
 * no value. RT_EUSAGE, naming the condition. */
int rt_where_parse(struct rt_where *where, const char *text, struct rt_error *err);

/* What has no value meets only =null and != something. */
bool rt_where_matches(const struct rt_where *where, const struct rt_record *run);

/* Drops the runs that do not match. RT_EMEMORY. */
int rt_records_where(struct rt_records *records, const struct rt_where *where, struct rt_error *err);

#endif
