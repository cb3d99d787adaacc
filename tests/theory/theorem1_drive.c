/* Networks of theorem 1 for points from standard input: "COUNT DEPTH", then COUNT lines "Z Y", z ascending.
 * Prints b and, for each solution, its name, its weights (high and low part) and its residuals, all as
 * hexadecimal doubles. */
#include <stdio.h>

#include "base/memory.h"
#include "theory/theorem1.h"

static void print(const struct rt_theorem1 *n, const char *name, const char *arithmetic)
{
    printf("%s %s\n", name, arithmetic);
    for (size_t i = 0; i < n->units; i++)
        printf("%a %a %a\n", n->w[i], n->w_low[i], rt_theorem1_residual(n, n->z[i], n->y[i]));
}

int main(void)
{
    static double z[4096], y[4096];
    struct rt_theorem1 network;
    size_t count, depth;

    if (scanf("%zu %zu", &count, &depth) != 2 || count > 4096)
        return 2;
    for (size_t i = 0; i < count; i++)
        if (scanf("%la %la", &z[i], &y[i]) != 2)
            return 2;
    if (rt_theorem1_create(&network, z, y, count, 1, depth, NULL))
        return 1;
    printf("%zu %zu\n", network.widest, network.fixed);
    for (size_t i = 0; i < count; i++)
        printf("%a\n", network.b[i]);
#define SOLUTION(symbol, method, steps, arithmetic)                                                            \
    rt_theorem1_solve(&network, RT_THEOREM1_##symbol);                                                         \
    print(&network, method, arithmetic);
    RT_THEOREM1_SOLUTIONS(SOLUTION)
    rt_theorem1_free(&network);
    return 0;
}
