/* What users set up for services: environment variables and INI files. */
#ifndef RT_TRACK_SETTINGS_H
#define RT_TRACK_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* The variable's value; null when it is not set or empty. */
const char *rt_setting_env(const char *name);
bool rt_setting_env_true(const char *name); /* "true", "1" */

/* `key` of `[section]` in an INI file into out[size]; false when there is no such file or key. Warns when the
 * file has the key, it is `secret` and others than its owner can read it. */
bool rt_setting_ini(const char *path, const char *section, const char *key, bool secret, char *out,
                    size_t size);

/* Copies a setting; RT_ECONFIG, naming it and nothing of its value, when it does not fit or has control
 * characters. */
int rt_setting_copy(char *out, size_t size, const char *name, const char *value, struct rt_error *err);

/* Separates user and password from "https://USER:PASSWORD@HOST/", percent-decoded; both "" when there are none.
 * `url` (of `size` bytes) loses them and the slashes at its end. RT_ECONFIG names `name`. */
int rt_setting_split_url(const char *name, char *url, char *user, char *password, size_t size,
                         struct rt_error *err);

#endif
