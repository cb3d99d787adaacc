/* What the system reports about the machine. */
#ifndef RT_BASE_MACHINE_H
#define RT_BASE_MACHINE_H

#include <stddef.h>

/* Bytes of the first core's cache for data at this level (1, 2, ...); 0: there is none, or the system does not
 * report it. */
size_t rt_machine_cache_bytes(int level);

/* Bytes of memory that this process can still take without others having to give theirs up: what the system has
 * available, within the limit on this process's address space (ulimit -v). */
double rt_machine_available_bytes(void);

#endif
