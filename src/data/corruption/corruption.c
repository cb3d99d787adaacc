#include "data/corruption/corruption.h"

#include <string.h>

const struct rt_corruption rt_corruption_none = {.name = "none"};

const struct rt_corruption *rt_corruption_find(const char *name)
{
#define RT_CORRUPTION_MATCH(id, title, file, help)                                                             \
    if (!strcmp(name, #id))                                                                                    \
        return &rt_corruption_##id;
    RT_CORRUPTIONS(RT_CORRUPTION_MATCH)
#undef RT_CORRUPTION_MATCH
    return NULL;
}
