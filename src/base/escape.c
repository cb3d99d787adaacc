#include "base/escape.h"

#include <string.h>

/* The text made plain, byte after byte through `append`. */
static void each_byte(struct rt_text *out, const char *text, void (*append)(struct rt_text *out, char byte))
{
    struct rt_text plain = {0};

    rt_text_append_plain(&plain, text);
    for (const char *at = rt_text_string(&plain); *at; at++)
        append(out, *at);
    out->failed = out->failed || plain.failed;
    rt_text_free(&plain);
}

static void append_csv(struct rt_text *out, char byte)
{
    rt_text_append_bytes(out, "\"\"", byte == '"' ? 2 : 0);
    if (byte != '"')
        rt_text_append_bytes(out, &byte, 1);
}

void rt_escape_csv(struct rt_text *out, const char *text)
{
    rt_text_append(out, "\"");
    each_byte(out, text, append_csv);
    rt_text_append(out, "\"");
}

static void append_gnuplot(struct rt_text *out, char byte)
{
    rt_text_append_bytes(out, "''", byte == '\'' ? 2 : 0);
    if (byte != '\'')
        rt_text_append_bytes(out, &byte, 1);
}

void rt_escape_gnuplot(struct rt_text *out, const char *text)
{
    rt_text_append(out, "'");
    each_byte(out, text, append_gnuplot);
    rt_text_append(out, "'");
}

static void append_markdown(struct rt_text *out, char byte)
{
    if (strchr("\\|`*_[]<>&~#", byte))
        rt_text_append(out, "\\");
    rt_text_append_bytes(out, &byte, 1);
}

void rt_escape_markdown(struct rt_text *out, const char *text)
{
    each_byte(out, text, append_markdown);
}

static void append_latex(struct rt_text *out, char byte)
{
    static const struct {
        char byte;
        const char *latex;
    } rows[] = {{'\\', "\\textbackslash{}"},
                {'~', "\\textasciitilde{}"},
                {'^', "\\textasciicircum{}"},
                {'<', "\\textless{}"},
                {'>', "\\textgreater{}"},
                {'|', "\\textbar{}"},
                {'"', "''"},
                {'[', "{[}"}, /* behind a row's end, a length or a star would be read as its */
                {'*', "{*}"}};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].byte == byte) {
            rt_text_append(out, rows[i].latex);
            return;
        }
    }
    if (strchr("&%$#_{}", byte))
        rt_text_append(out, "\\");
    rt_text_append_bytes(out, &byte, 1);
}

void rt_escape_latex(struct rt_text *out, const char *text)
{
    each_byte(out, text, append_latex);
}
