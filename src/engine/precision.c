/* What the words of `precision` mean. */
#include <string.h>

#include "engine/engine.h"

const char *rt_precision_word(enum rt_precision precision)
{
    static const char *const words[] = {
#define PRECISION_WORD(symbol, word, help) word,
        RT_PRECISIONS(PRECISION_WORD)
#undef PRECISION_WORD
    };

    return words[precision];
}

int rt_precision_find(enum rt_precision *precision, const char *word, struct rt_error *err)
{
#define PRECISION_MATCH(symbol, name, help)                                                                    \
    if (!strcmp(word, name)) {                                                                                 \
        *precision = RT_PRECISION_##symbol;                                                                    \
        return RT_OK;                                                                                          \
    }
    RT_PRECISIONS(PRECISION_MATCH)
#undef PRECISION_MATCH
    return rt_fail(err, RT_ECONFIG, "precision: '%s', expected one of " RT_PRECISION_WORDS, word);
}
