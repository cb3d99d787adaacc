#include "engine/native/isa/tables.h"

static bool supported(void)
{
#if defined(__AVX512F__)
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("fma");
#elif defined(__AVX2__)
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
#else
    return true;
#endif
}

#define RT_ISA_STRING_(x) #x
#define RT_ISA_STRING(x) RT_ISA_STRING_(x)
#define RT_ISA_TABLE_ENTRY(table) .table = &RT_ISA_NAME(table##_kernels),

extern const struct rt_isa RT_ISA_NAME(isa);

const struct rt_isa RT_ISA_NAME(isa) = {
    .name = RT_ISA_STRING(RT_ISA), .supported = supported, RT_ISA_TABLES(RT_ISA_TABLE_ENTRY)};
