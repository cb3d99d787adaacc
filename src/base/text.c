#include "base/text.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/utf8.h"

/* Room for `more` bytes and the NUL. */
static bool reserve(struct rt_text *text, size_t more)
{
    size_t wanted, capacity = text->capacity ? text->capacity : 64;

    if (text->failed)
        return false;
    if (__builtin_add_overflow(text->length, more, &wanted) || wanted > SIZE_MAX / 4) {
        text->failed = true;
        return false;
    }
    if (wanted < text->capacity)
        return true;
    if (text->borrowed) {
        text->failed = true;
        return false;
    }
    while (capacity <= wanted)
        capacity *= 2;
    if (rt_realloc(&text->bytes, capacity, 1, "a text", NULL)) {
        text->failed = true;
        return false;
    }
    text->capacity = capacity;
    return true;
}

struct rt_text rt_text_in(char *buffer, size_t size)
{
    buffer[0] = '\0';
    return (struct rt_text){.bytes = buffer, .capacity = size, .borrowed = true};
}

void rt_text_append_bytes(struct rt_text *text, const void *bytes, size_t size)
{
    if (!reserve(text, size))
        return;
    if (size)
        memcpy(text->bytes + text->length, bytes, size);
    text->length += size;
    text->bytes[text->length] = '\0';
}

void rt_text_append(struct rt_text *text, const char *string)
{
    rt_text_append_bytes(text, string, strlen(string));
}

void rt_text_append_plain(struct rt_text *text, const char *string)
{
    const size_t before = text->length;

    rt_text_append(text, string);
    if (text->length > before)
        rt_utf8_make_plain(text->bytes + before);
}

void rt_text_vprintf(struct rt_text *text, const char *format, va_list args)
{
    va_list again;
    int wanted;

    va_copy(again, args);
    wanted = vsnprintf(NULL, 0, format, args);
    if (wanted < 0)
        text->failed = true;
    else if (reserve(text, (size_t)wanted)) {
        vsnprintf(text->bytes + text->length, (size_t)wanted + 1, format, again);
        text->length += (size_t)wanted;
    }
    va_end(again);
}

void rt_text_printf(struct rt_text *text, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    rt_text_vprintf(text, format, args);
    va_end(args);
}

void rt_text_append_real(struct rt_text *text, double value)
{
    char digits[40];
    const char *exponent;

    if (!isfinite(value)) {
        rt_text_append(text, isnan(value) ? "nan" : value < 0 ? "-inf" : "inf");
        return;
    }
    for (int precision = 15; precision <= 17; precision++) {
        snprintf(digits, sizeof digits, "%.*g", precision, value);
        if (strtod(digits, NULL) == value)
            break;
    }
    exponent = strchr(digits, 'e');
    if (strchr(digits, '.'))
        rt_text_append(text, digits);
    else if (exponent)
        rt_text_printf(text, "%.*s.0%s", (int)(exponent - digits), digits, exponent);
    else
        rt_text_printf(text, "%s.0", digits);
}

/* Appends one line of a paragraph, folded at its spaces. */
static void append_folded_line(struct rt_text *text, const char *line, size_t length, int indent, int width)
{
    size_t column = 0;
    const char *end = line + length;

    while (line < end) {
        const char *space = memchr(line, ' ', (size_t)(end - line));
        const size_t word = (size_t)((space ? space : end) - line);

        if (column && (size_t)indent + column + 1 + word > (size_t)width) {
            rt_text_append(text, "\n");
            column = 0;
        }
        rt_text_printf(text, "%*s%.*s", column ? 1 : indent, "", (int)word, line);
        column += word + (column ? 1 : 0);
        line += word + (space ? 1 : 0);
    }
    rt_text_append(text, "\n");
}

void rt_text_append_folded(struct rt_text *text, const char *paragraphs, int indent, int width)
{
    while (*paragraphs) {
        const size_t length = strcspn(paragraphs, "\n");

        if (*paragraphs == ' ')
            rt_text_printf(text, "%*s%.*s\n", indent, "", (int)length, paragraphs);
        else
            append_folded_line(text, paragraphs, length, indent, width);
        paragraphs += length + (paragraphs[length] ? 1 : 0);
    }
}

const char *rt_text_string(const struct rt_text *text)
{
    return text->bytes ? text->bytes : "";
}

void rt_text_clear(struct rt_text *text)
{
    text->length = 0;
    text->failed = false;
    if (text->bytes)
        text->bytes[0] = '\0';
}

void rt_text_free(struct rt_text *text)
{
    if (!text->borrowed)
        rt_free(&text->bytes);
    *text = (struct rt_text){0};
}

int rt_text_check(const struct rt_text *text, struct rt_error *err)
{
    if (text->failed)
        return rt_fail(err, RT_EMEMORY, "cannot allocate a text of more than %zu bytes", text->length);
    return RT_OK;
}

int rt_text_take(struct rt_text *text, char **string, struct rt_error *err)
{
    int rc;

    rt_text_append_bytes(text, "", 0);
    if ((rc = rt_text_check(text, err))) {
        rt_text_free(text);
        return rc;
    }
    *string = text->bytes;
    *text = (struct rt_text){0};
    return RT_OK;
}

bool rt_copy_text(char *out, size_t size, const char *string)
{
    const size_t wanted = strlen(string) + 1;

    if (wanted > size)
        return false;
    memcpy(out, string, wanted);
    return true;
}

bool rt_text_has_word(const char *words, const char *word)
{
    const size_t length = strlen(word);

    if (!length || strchr(word, ' '))
        return false;
    for (const char *at = words; (at = strstr(at, word)); at += length)
        if ((at == words || at[-1] == ' ') && (at[length] == ' ' || !at[length]))
            return true;
    return false;
}
