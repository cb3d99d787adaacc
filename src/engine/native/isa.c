#include "engine/native/isa.h"

#include <stdlib.h>
#include <string.h>

#define RT_ISA_DECLARE(name) extern const struct rt_isa rt_isa_##name;
#define RT_ISA_ADDRESS(name) &rt_isa_##name,
#if defined(__x86_64__)
RT_ISA_LIST(RT_ISA_DECLARE)
static const struct rt_isa *const isas[] = {RT_ISA_LIST(RT_ISA_ADDRESS)};
#else
RT_ISA_DECLARE(baseline)
static const struct rt_isa *const isas[] = {RT_ISA_ADDRESS(baseline)};
#endif

int rt_isa_choose(const struct rt_isa **isa, struct rt_error *err)
{
    const char *wanted = getenv("RETHINK_ISA");

    for (size_t i = 0; i < sizeof isas / sizeof *isas; i++) {
        if (wanted && *wanted && strcmp(wanted, isas[i]->name) != 0)
            continue;
        if (isas[i]->supported()) {
            *isa = isas[i];
            return RT_OK;
        }
        if (wanted && *wanted)
            return rt_fail(err, RT_ECONFIG, "RETHINK_ISA=%s: this processor does not run it; unset it", wanted);
    }
    return rt_fail(err, RT_ECONFIG, "RETHINK_ISA=%s: expected avx512, avx2 or baseline", wanted ? wanted : "");
}
