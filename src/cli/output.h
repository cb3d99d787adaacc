/* Standard output, checked: a full disk or a closed pipe is an error of `rethink ... > FILE`. */
#ifndef RT_CLI_OUTPUT_H
#define RT_CLI_OUTPUT_H

#include "base/text.h"

/* Writes the text (and checks it for failed appends), then frees it. */
int rt_output_text(struct rt_text *text, struct rt_error *err);
int rt_output(const char *string, struct rt_error *err);

#endif
