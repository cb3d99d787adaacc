#include "figures/report_claims.h"

#include <stdio.h>
#include <string.h>

#include "figures/html.h"

static void append_term(struct rt_text *page, const char *term, const char *tag, const char *text)
{
    rt_text_printf(page, "<dt>%s</dt><dd>%s%s%s", term, *tag ? "<" : "", tag, *tag ? ">" : "");
    rt_html_append_text(page, text);
    rt_text_printf(page, "%s%s%s</dd>\n", *tag ? "</" : "", tag, *tag ? ">" : "");
}

static void append_claim(struct rt_text *page, const struct rt_claim *claim, const char *found,
                         const char *figures)
{
    char anchor[128];

    snprintf(anchor, sizeof anchor, "id=\"figure-%s\"", claim->picture);
    rt_text_append(page, "<article>\n<h3>");
    rt_html_append_text(page, claim->claim);
    rt_text_append(page, "</h3>\n<dl>\n");
    append_term(page, "Paper", "", claim->paper);
    if (*found) {
        rt_text_printf(page, "<dt>Here</dt><dd>%s", found);
        if (*claim->picture && strstr(figures, anchor))
            rt_text_printf(page, " <a href=\"#figure-%s\">Figure</a>", claim->picture);
        rt_text_append(page, "</dd>\n");
    }
    append_term(page, "Shows", "", claim->shows);
    append_term(page, "Command", "code", claim->command);
    rt_text_append(page, "</dl>\n</article>\n");
}

void rt_report_append_claims(struct rt_text *page, const struct rt_claims_found *found, const char *figures)
{
    int missing = 0;

    rt_text_append(page, "<div class=\"claims\">\n");
    for (int i = 0; i < RT_CLAIM_COUNT; i++) {
        missing += !found->texts[i].length;
        if (found->texts[i].length)
            append_claim(page, &rt_claims[i], rt_text_string(&found->texts[i]), figures);
    }
    rt_text_append(page, "</div>\n");
    if (!missing)
        return;
    rt_text_printf(page, "<details><summary>Not run here: %d claim%s</summary>\n<div class=\"claims\">\n",
                   missing, missing == 1 ? "" : "s");
    for (int i = 0; i < RT_CLAIM_COUNT; i++)
        if (!found->texts[i].length)
            append_claim(page, &rt_claims[i], "", figures);
    rt_text_append(page, "</div></details>\n");
}
