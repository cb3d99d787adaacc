/* The thread team, for fork and join: a fixed number of threads, started once and pinned to distinct cores
 * where the process may use that many, that run one function together, again and again. The caller is member 0.
 *
 * Work is divided by index, never first come, first served, so results do not depend on the number of threads.
 *
 * Where a team has more members than there are cores (or a CPU quota allows), or the teams of the process
 * together have, members that wait sleep at once instead of spinning. */
#ifndef RT_BASE_THREAD_H
#define RT_BASE_THREAD_H

#include "base/cores.h"
#include "base/error.h"

struct rt_team;

/* Start threads - 1 helpers; `threads` 0 means rt_core_count(). *team is null after an error
 * (RT_EMEMORY, RT_EUSAGE for a count outside 0..256). Pinning a team of one does nothing. */
int rt_team_create(struct rt_team **team, int threads, struct rt_error *err);
void rt_team_free(struct rt_team **team);
int rt_team_size(const struct rt_team *team);

/* A null team is the caller alone.
 *
 * Calls work(context, member) once for each member 0..size-1, at the same time, and returns when all have
 * returned. What any member wrote is then visible to the caller. Not reentrant. */
void rt_team_run(struct rt_team *team, void (*work)(void *context, int member), void *context);

/* Inside work(): waits until every member of the team has called it as often. */
void rt_team_barrier(struct rt_team *team);

/* The slice [begin, end) of `count` items, in multiples of `unit`, that is part's share of `parts`; a member's
 * of its team. */
struct rt_slice {
    long begin, end;
};
struct rt_slice rt_slice(int part, int parts, long count, long unit);
struct rt_slice rt_team_slice(const struct rt_team *team, int member, long count, long unit);

#endif
