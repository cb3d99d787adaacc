/* Text: a growable string, words that resemble each other.
 *
 * A failed allocation is remembered: later appends do nothing, and rt_text_check or rt_text_take reports it.
 *
 *     struct rt_text text = {0};
 *     rt_text_printf(&text, "%d images", count);
 *     rc = rt_text_take(&text, &string, err);
 */
#ifndef RT_BASE_TEXT_H
#define RT_BASE_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* The zeroed struct is the empty text. `bytes` is null or ends with a NUL that `length` does not count. */
struct rt_text {
    char *bytes;
    size_t length, capacity;
    bool failed;
    bool borrowed; /* the bytes are the caller's: never grown, never freed */
};

/* An empty text in the caller's buffer: appending allocates nothing, and what does not fit is left out (and is
 * a failure). It need not be freed and cannot be taken. */
struct rt_text rt_text_in(char *buffer, size_t size);

void rt_text_append(struct rt_text *text, const char *string);
void rt_text_append_bytes(struct rt_text *text, const void *bytes, size_t size);
void rt_text_append_plain(struct rt_text *text, const char *string); /* as rt_utf8_make_plain makes it */
void rt_text_printf(struct rt_text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void rt_text_vprintf(struct rt_text *text, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

/* The real number in the fewest digits that read back to the same double, always with a point or an exponent:
 * "0.1", "2.0", "1.0e-05"; NaN and infinities as "nan", "inf", "-inf". */
void rt_text_append_real(struct rt_text *text, double value);

/* Paragraphs folded at spaces to `width` columns, each line indented by `indent`; a line that begins with a
 * space is left as it is. Ends with a newline. */
void rt_text_append_folded(struct rt_text *text, const char *paragraphs, int indent, int width);

const char *rt_text_string(const struct rt_text *text); /* never null; valid until the next append */
void rt_text_clear(struct rt_text *text);               /* empty again, memory kept */
void rt_text_free(struct rt_text *text);                /* accepts the zeroed state */

/* RT_EMEMORY if an append failed. */
int rt_text_check(const struct rt_text *text, struct rt_error *err);
/* Hands the string over (free with rt_free) and leaves the text empty, also on error. */
int rt_text_take(struct rt_text *text, char **string, struct rt_error *err);

/* Copies `string` with its NUL to out[size]; false, with out untouched, when it does not fit. */
bool rt_copy_text(char *out, size_t size, const char *string);

/* True when `word` is one of the space-separated `words`. */
bool rt_text_has_word(const char *words, const char *word);

/* Finds the candidate nearest to a mistyped word: offer all of them, then read `best`. Distances count edits
 * (insert, delete, replace, swap of neighbours; case counts a quarter), and a candidate farther away than a
 * third of the word does not count. */
struct rt_nearest {
    const char *word, *best;
    int distance;
};
void rt_nearest_offer(struct rt_nearest *nearest, const char *candidate);
void rt_nearest_offer_words(struct rt_nearest *nearest, const char *words, char *store, size_t store_size);
const char *rt_nearest_found(const struct rt_nearest *nearest); /* null: none is near */

/* "; did you mean 'X'?" or "" in hint[size]: the usual end of a message about an unknown name. */
const char *rt_nearest_hint(const struct rt_nearest *nearest, char *hint, size_t size);

#endif
