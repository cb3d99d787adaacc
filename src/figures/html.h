/* HTML: the one place where text is escaped for a page. */
#ifndef RT_FIGURES_HTML_H
#define RT_FIGURES_HTML_H

#include "base/text.h"

/* The text as HTML, in an element or an attribute: plain (base/utf8.h), with <, >, &, " and ' as references. */
void rt_html_append_text(struct rt_text *page, const char *text);

/* A string of JSON, with its quotes, in which "</script>" cannot occur. */
void rt_html_append_json(struct rt_text *page, const char *text);

void rt_html_append_base64(struct rt_text *page, const unsigned char *bytes, size_t size);

/* Begins a <figure> with the picture's bytes in it; `type` is "png" or "svg+xml", `name` a word, `help` the
 * caption's first sentence. Links to NAME.KIND beside the page may follow; rt_html_end_picture adds what is
 * found in the figure, and its note (either may be ""). */
void rt_html_append_picture(struct rt_text *page, const char *bytes, size_t size, const char *type,
                            const char *name, const char *help);
void rt_html_append_file(struct rt_text *page, const char *name, const char *kind, const char *label);
void rt_html_end_picture(struct rt_text *page, const char *finding, const char *note);

#endif
