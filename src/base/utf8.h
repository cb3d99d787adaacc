/* UTF-8, and plain text: valid, on one line, without control characters, safe to show anywhere.
 *
 * Control characters are those of ISO 6429 (C0, DEL, C1) and of Unicode the line and paragraph separators and
 * the marks that turn the direction of writing. */
#ifndef RT_BASE_UTF8_H
#define RT_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Offset of the first byte that is not valid UTF-8 (no overlong forms, no surrogates), or `size`. */
size_t rt_utf8_valid_prefix(const char *bytes, size_t size);

/* The length of the byte order mark (U+FEFF) that a UTF-8 file may begin with: 3, or 0 when there is none. */
size_t rt_utf8_mark(const char *bytes, size_t size);

/* Offset of the first byte that makes the text not plain, or `size`. */
size_t rt_utf8_plain_prefix(const char *bytes, size_t size);
bool rt_utf8_is_plain(const char *text);

/* Makes it plain: every byte that is not becomes '?'. */
void rt_utf8_make_plain(char *text);

#endif
