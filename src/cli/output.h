/* Standard output, checked: a full disk or a closed pipe is an error of `rethink ... > FILE`. */
#ifndef RT_CLI_OUTPUT_H
#define RT_CLI_OUTPUT_H

#include "base/text.h"

/* Writes the text (and checks it for failed appends), then frees it. */
int rt_output_text(struct rt_text *text, struct rt_error *err);
int rt_output(const char *string, struct rt_error *err);

/* What files in the figures' folder are called that hold numbers of one data set: BASE for CIFAR-10, else
 * BASE_DATA, so that the report does not take others' for the paper's. Returns `name`. */
enum { RT_OUTPUT_NAME_MAX = 96 };
const char *rt_output_name(char name[RT_OUTPUT_NAME_MAX], const char *base, const char *data);

#endif
