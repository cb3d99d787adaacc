/* rethink config-table: the table of keys in docs/config.md, from the key table. */
#include <string.h>

#include "cli/command.h"
#include "cli/output.h"
#include "config/keys.h"
#include "config/models.h"

/* Markdown: bars end a cell. */
static void append_cell(struct rt_text *text, const char *string)
{
    for (; *string; string++) {
        if (*string == '|')
            rt_text_append(text, "\\");
        rt_text_append_bytes(text, string, 1);
    }
}

static void append_keys(struct rt_text *text)
{
    for (const struct rt_key *key = rt_keys; key->name; key++) {
        if (key == rt_keys || key->group != key[-1].group)
            rt_text_printf(text,
                           "%sKeys: %s\n\n| key | default | takes | meaning |\n| --- | --- | --- | --- |\n",
                           key == rt_keys ? "" : "\n", rt_key_group_title(key->group));
        rt_text_printf(text, "| `%s` | `%s` | ", key->name, key->preset);
        rt_key_expectation(key, text);
        rt_text_append(text, " | ");
        append_cell(text, key->help);
        rt_text_append(text, " |\n");
    }
}

static int run_config_table(const struct rt_arguments *arguments, struct rt_error *err)
{
    struct rt_text text = {0};

    (void)arguments;
    append_keys(&text);
    rt_text_append(&text, "\n| model | also called | differs from the defaults above |\n| --- | --- | --- |\n");
#define MODEL_ROW(model, aliases, settings)                                                                    \
    rt_text_printf(&text, "| `%s` | %s | `%s` |\n", #model, *aliases ? aliases : "-", settings);
    RT_PUBLISHED_MODELS(MODEL_ROW)
#undef MODEL_ROW
    return rt_output_text(&text, err);
}

const struct rt_command rt_command_config_table = {
    .name = "config-table",
    .operands = "",
    .summary = "Print the generated tables of docs/config.md.",
    .hidden = true,
    .run = run_config_table,
};
