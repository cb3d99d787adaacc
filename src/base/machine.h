/* What the system reports about the machine. */
#ifndef RT_BASE_MACHINE_H
#define RT_BASE_MACHINE_H

#include <stddef.h>

/* Bytes of the first core's cache for data at this level (1, 2, ...); 0: there is none, or the system does not
 * report it. */
size_t rt_machine_cache_bytes(int level);

#endif
