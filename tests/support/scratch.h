/* A folder for one test's files, removed afterwards. For cmocka's setup and teardown. */
#ifndef RT_TESTS_SCRATCH_H
#define RT_TESTS_SCRATCH_H

#include "base/path.h"

/* *state is the folder's path (char *). */
int scratch_make(void **state);
int scratch_remove(void **state);

/* The path of `name` in the scratch folder, in a static buffer that the next call but three reuses. */
const char *in_scratch(void **state, const char *name);

/* How many entries the scratch folder has, or -1. */
int scratch_count(void **state);

#endif
