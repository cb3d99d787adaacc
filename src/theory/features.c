/* The list of features. */
#include <string.h>

#include "theory/points.h"

#define RT_FEATURES_DECLARE(name, help) extern const struct rt_features rt_features_##name;
RT_FEATURES(RT_FEATURES_DECLARE)
#undef RT_FEATURES_DECLARE

const struct rt_features *rt_features_find(const char *name)
{
#define RT_FEATURES_MATCH(id, help)                                                                            \
    if (!strcmp(name, #id))                                                                                    \
        return &rt_features_##id;
    RT_FEATURES(RT_FEATURES_MATCH)
#undef RT_FEATURES_MATCH
    return NULL;
}
