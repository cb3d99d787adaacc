/* Other programs: running one to its end and capturing its output. */
#ifndef RT_BASE_PROCESS_H
#define RT_BASE_PROCESS_H

#include <stddef.h>

#include "base/error.h"

/* Opens /dev/null on each of the descriptors 0, 1 and 2 that is closed. To be called before any file is opened,
 * which would otherwise get that number, and then the program's messages. Reading 0 gives nothing; writing to 1
 * fails as on a closed descriptor, so a command whose output is lost still fails; messages to 2 are discarded.
 * Errors: RT_EIO. */
int rt_process_occupy_standard_descriptors(struct rt_error *err);

/* Runs argv[0] (looked up in PATH; argv ends with null) in `directory` (null: here) with no input, waits for
 * it, and keeps the first size - 1 bytes of its stdout and stderr in `output`, ended by 0. *exit_code is its
 * exit code, or 128 + the signal that ended it. Errors: RT_EIO when it cannot be started ("gnuplot: No such
 * file or directory"). */
int rt_process_run(const char *const argv[], const char *directory, char *output, size_t size, int *exit_code,
                   struct rt_error *err);

#endif
