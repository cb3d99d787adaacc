#include "base/utf8.h"

#include <string.h>

/* Length of the UTF-8 sequence at p[0..left), or 0 if it is none (Unicode 15, table 3-7). */
static size_t sequence_length(const unsigned char *p, size_t left)
{
    const unsigned char lead = p[0];
    unsigned char low = 0x80, high = 0xbf;
    size_t length;

    if (lead < 0x80)
        return 1;
    if (lead < 0xc2 || lead > 0xf4)
        return 0;
    length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (left < length)
        return 0;
    if (lead == 0xe0)
        low = 0xa0; /* shorter forms exist */
    else if (lead == 0xed)
        high = 0x9f; /* surrogates */
    else if (lead == 0xf0)
        low = 0x90;
    else if (lead == 0xf4)
        high = 0x8f; /* past U+10FFFF */
    if (p[1] < low || p[1] > high)
        return 0;
    for (size_t i = 2; i < length; i++)
        if (p[i] < 0x80 || p[i] > 0xbf)
            return 0;
    return length;
}

size_t rt_utf8_valid_prefix(const char *bytes, size_t size)
{
    size_t at = 0;

    while (at < size) {
        const size_t length = sequence_length((const unsigned char *)bytes + at, size - at);

        if (!length)
            break;
        at += length;
    }
    return at;
}

/* C2 80..9F (C1); E2 80 8E, 8F, A8..AE and E2 81 A6..A9 (separators and direction marks). */
static bool is_control(const unsigned char *p, size_t length)
{
    if (length == 1)
        return p[0] < 0x20 || p[0] == 0x7f;
    if (length == 2)
        return p[0] == 0xc2 && p[1] < 0xa0;
    if (length != 3 || p[0] != 0xe2)
        return false;
    return (p[1] == 0x80 && (p[2] == 0x8e || p[2] == 0x8f || (p[2] >= 0xa8 && p[2] <= 0xae))) ||
           (p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9);
}

size_t rt_utf8_plain_prefix(const char *bytes, size_t size)
{
    const unsigned char *const p = (const unsigned char *)bytes;
    size_t at = 0;

    while (at < size) {
        const size_t length = sequence_length(p + at, size - at);

        if (!length || is_control(p + at, length))
            break;
        at += length;
    }
    return at;
}

bool rt_utf8_is_plain(const char *text)
{
    const size_t size = strlen(text);

    return rt_utf8_plain_prefix(text, size) == size;
}

void rt_utf8_make_plain(char *text)
{
    const size_t size = strlen(text);

    for (size_t at = 0; (at += rt_utf8_plain_prefix(text + at, size - at)) < size;) {
        const size_t length = sequence_length((const unsigned char *)text + at, size - at);

        memset(text + at, '?', length ? length : 1);
    }
}

size_t rt_utf8_mark(const char *bytes, size_t size)
{
    static const char mark[] = "\xef\xbb\xbf";

    return size >= sizeof mark - 1 && !memcmp(bytes, mark, sizeof mark - 1) ? sizeof mark - 1 : 0;
}
