#include "figures/html.h"

void rt_html_append_text(struct rt_text *page, const char *text)
{
    struct rt_text plain = {0};

    rt_text_append_plain(&plain, text); /* valid UTF-8, whatever a path's bytes are */
    for (text = rt_text_string(&plain); *text; text++) {
        switch (*text) {
        case '<':
            rt_text_append(page, "&lt;");
            break;
        case '>':
            rt_text_append(page, "&gt;");
            break;
        case '&':
            rt_text_append(page, "&amp;");
            break;
        case '"':
            rt_text_append(page, "&quot;");
            break;
        case '\'':
            rt_text_append(page, "&#39;");
            break;
        default:
            rt_text_append_bytes(page, text, 1);
        }
    }
    page->failed = page->failed || plain.failed;
    rt_text_free(&plain);
}

void rt_html_append_json(struct rt_text *page, const char *text)
{
    struct rt_text plain = {0};

    rt_text_append_plain(&plain, text);
    rt_text_append(page, "\"");
    for (text = rt_text_string(&plain); *text; text++) {
        if (*text == '<')
            rt_text_append(page, "\\u003c");
        else
            rt_text_printf(page, "%s%c", *text == '"' || *text == '\\' ? "\\" : "", *text);
    }
    rt_text_append(page, "\"");
    page->failed = page->failed || plain.failed;
    rt_text_free(&plain);
}

void rt_html_append_base64(struct rt_text *page, const unsigned char *bytes, size_t size)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t i = 0; i < size; i += 3) {
        const unsigned group = (unsigned)bytes[i] << 16 | (i + 1 < size ? (unsigned)bytes[i + 1] << 8 : 0) |
                               (i + 2 < size ? bytes[i + 2] : 0u);
        const char four[4] = {digits[group >> 18], digits[group >> 12 & 63],
                              i + 1 < size ? digits[group >> 6 & 63] : '=',
                              i + 2 < size ? digits[group & 63] : '='};
        rt_text_append_bytes(page, four, 4);
    }
}

void rt_html_append_picture(struct rt_text *page, const char *bytes, size_t size, const char *type,
                            const char *name, const char *help)
{
    rt_text_printf(page, "<figure id=\"figure-%s\"><img alt=\"", name);
    rt_html_append_text(page, help);
    rt_text_printf(page, "\" src=\"data:image/%s;base64,", type);
    rt_html_append_base64(page, (const unsigned char *)bytes, size);
    rt_text_append(page, "\"><figcaption>");
    rt_html_append_text(page, help);
    rt_text_printf(page, ". <code>%s</code>", name);
}

static void append_paragraph(struct rt_text *page, const char *kind, const char *text)
{
    if (!*text)
        return;
    rt_text_printf(page, "<p class=\"%s\">", kind);
    rt_html_append_text(page, text);
    rt_text_append(page, "</p>");
}

void rt_html_end_picture(struct rt_text *page, const char *finding, const char *note)
{
    append_paragraph(page, "finding", finding);
    append_paragraph(page, "note", note);
    rt_text_append(page, "</figcaption></figure>\n");
}

void rt_html_append_file(struct rt_text *page, const char *name, const char *kind, const char *label)
{
    rt_text_printf(page, " <a href=\"%s.%s\" download>%s</a>", name, kind, label);
}
