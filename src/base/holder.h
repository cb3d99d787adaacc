/* Who holds a lock, as its file says: "PID HOST START", START being the process's start time as /proc has it,
 * so that a later process of the same number is not taken for it. */
#ifndef RT_BASE_HOLDER_H
#define RT_BASE_HOLDER_H

#include <stdbool.h>

#include "base/error.h"

enum { RT_HOST_MAX = 65 };

struct rt_holder {
    long pid; /* 0: the file does not say */
    char host[RT_HOST_MAX];
    unsigned long long start; /* 0: unknown */
};

struct rt_holder rt_holder_self(void);
bool rt_holder_same(const struct rt_holder *a, const struct rt_holder *b);

/* From and to the file behind a descriptor; `path` is for messages. */
struct rt_holder rt_holder_read(int descriptor);
int rt_holder_write(int descriptor, const char *path, struct rt_error *err);

bool rt_holder_is_here(const struct rt_holder *holder); /* on this host */

/* A process of this host that runs. One that has ended is none, even if nobody has waited for it: in a
 * container whose first process does not, it stays in /proc for ever. */
bool rt_holder_is_living(const struct rt_holder *holder);

/* A process of this host that has ended, or is about to: what it held will soon be free. */
bool rt_holder_is_ending(const struct rt_holder *holder);

/* RT_EIO: "PATH: in use by process 123; wait until it ends, or stop it". */
int rt_holder_refuse(const char *path, const struct rt_holder *holder, struct rt_error *err);

#endif
