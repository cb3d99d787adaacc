#include "bench/peak.h"

#include <sched.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "engine/native/isa.h"
#include "engine/native/isa/peak.h"

enum { ROUND_TRIPS = 500, SPINS = 10000 };

static const double probe_s = 1e-3, start_s = 0.1;

static void multiply_add(void *context, int member)
{
    const struct rt_peak *peak = context;

    volatile float seed = 0;

    (void)member;
    peak->kernels->peak->multiply_add(peak->rounds, &seed);
}

static void wake(void *context, int member)
{
    (void)context;
    (void)member;
}

/* The time is that of the slowest thread: a team is as fast as that. */
static double probe_time_s(struct rt_peak *peak)
{
    double start;

    rt_team_run(peak->team, wake, NULL); /* threads that sleep take long to come */
    start = rt_clock_wall_s();
    rt_team_run(peak->team, multiply_add, peak);
    return rt_clock_wall_s() - start;
}

double rt_peak_probe(struct rt_peak *peak)
{
    volatile float seed = 0;
    const double operations =
        peak->kernels->peak->multiply_add(1, &seed) * (double)peak->rounds * rt_team_size(peak->team);
    const double rate = operations / probe_time_s(peak);

    if (rate > peak->best_flops)
        peak->best_flops = rate;
    return rate;
}

int rt_peak_start(struct rt_peak *peak, struct rt_team *team, struct rt_error *err)
{
    const double deadline = rt_clock_wall_s() + start_s;

    *peak = (struct rt_peak){.team = team, .rounds = 1000};
    RT_TRY(rt_isa_choose(&peak->kernels, err));
    while (probe_time_s(peak) < probe_s)
        peak->rounds += peak->rounds / 2;
    while (rt_clock_wall_s() < deadline)
        rt_peak_probe(peak);
    return RT_OK;
}

struct ping_pong {
    _Atomic int holder; /* the thread whose turn it is */
    double took_s;
};

static void pass_on(struct ping_pong *game, int member)
{
    for (int spins = 0; atomic_load_explicit(&game->holder, memory_order_acquire) != member; spins++)
        if (spins > SPINS) /* the other one may be waiting for this core */
            sched_yield();
    atomic_store_explicit(&game->holder, !member, memory_order_release);
}

static void play(void *context, int member)
{
    struct ping_pong *game = context;
    double start = 0;

    if (member > 1)
        return;
    pass_on(game, member); /* both are there */
    if (member == 0)
        start = rt_clock_wall_s();
    for (int i = 0; i < ROUND_TRIPS; i++)
        pass_on(game, member);
    if (member == 0)
        game->took_s = rt_clock_wall_s() - start;
}

double rt_peak_round_trip_s(const struct rt_peak *peak)
{
    struct ping_pong game = {0};

    if (rt_team_size(peak->team) < 2)
        return 0;
    rt_team_run(peak->team, play, &game);
    return game.took_s / ROUND_TRIPS;
}

const char *rt_peak_target(const struct rt_peak *peak)
{
    return peak->kernels->name;
}
