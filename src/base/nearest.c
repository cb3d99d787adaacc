#include "base/text.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

enum { WORD_MAX = 63, EDIT = 4, CASE = 1 };

static int min_int(int a, int b)
{
    return a < b ? a : b;
}

static int replace_cost(char a, char b)
{
    if (a == b)
        return 0;
    return tolower((unsigned char)a) == tolower((unsigned char)b) ? CASE : EDIT;
}

/* Damerau's distance (optimal string alignment), with an edit worth EDIT; INT_MAX for words too long. */
static int edit_distance(const char *a, const char *b)
{
    const size_t rows = strlen(a), columns = strlen(b);
    int cost[WORD_MAX + 1][WORD_MAX + 1];

    if (rows > WORD_MAX || columns > WORD_MAX)
        return INT_MAX;
    for (size_t i = 0; i <= rows; i++)
        cost[i][0] = EDIT * (int)i;
    for (size_t j = 0; j <= columns; j++)
        cost[0][j] = EDIT * (int)j;
    for (size_t i = 1; i <= rows; i++) {
        for (size_t j = 1; j <= columns; j++) {
            int best = cost[i - 1][j - 1] + replace_cost(a[i - 1], b[j - 1]);

            best = min_int(best, min_int(cost[i - 1][j], cost[i][j - 1]) + EDIT);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                best = min_int(best, cost[i - 2][j - 2] + EDIT);
            cost[i][j] = best;
        }
    }
    return cost[rows][columns];
}

void rt_nearest_offer(struct rt_nearest *nearest, const char *candidate)
{
    const size_t length = strlen(nearest->word);
    const int distance = edit_distance(nearest->word, candidate);
    const int limit = EDIT * (length < 4 ? 1 : (int)min_int((int)(length + 1) / 3, 4));

    if (distance > limit || (nearest->best && distance >= nearest->distance))
        return;
    nearest->best = candidate;
    nearest->distance = distance;
}

/* `store` keeps the best word, which is not NUL-terminated inside `words`. */
void rt_nearest_offer_words(struct rt_nearest *nearest, const char *words, char *store, size_t store_size)
{
    while (*words) {
        const size_t length = strcspn(words, " ");
        char word[WORD_MAX + 1];

        if (length && length < sizeof word) {
            const int before = nearest->best ? nearest->distance : INT_MAX;

            snprintf(word, sizeof word, "%.*s", (int)length, words);
            rt_nearest_offer(nearest, word);
            if (nearest->best == word) {
                const bool kept = rt_copy_text(store, store_size, word);

                nearest->best = kept ? store : NULL;
                nearest->distance = kept ? nearest->distance : before;
            }
        }
        words += length;
        words += strspn(words, " ");
    }
}

const char *rt_nearest_found(const struct rt_nearest *nearest)
{
    return nearest->best;
}

const char *rt_nearest_hint(const struct rt_nearest *nearest, char *hint, size_t size)
{
    if (!nearest->best)
        return "";
    snprintf(hint, size, "; did you mean '%s'?", nearest->best);
    return hint;
}
