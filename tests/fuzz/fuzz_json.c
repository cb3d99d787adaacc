/* base/json: any bytes; what is accepted is written, read again and written the same, and takes memory in
 * proportion (where the allocator says how much it has given out). */
#include <malloc.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "fuzz.h"

void rt_fuzz_one(const uint8_t *bytes, size_t size)
{
    struct rt_json *first = NULL, *second = NULL;
    char *text = NULL, *again = NULL;
    struct rt_error err;
    const size_t before = mallinfo2().uordblks;
    int rc = rt_json_parse(&first, "input", (const char *)bytes, size, &err);
    const size_t after = mallinfo2().uordblks;

    RT_FUZZ_CHECK(after < before || after - before <= 24 * size + (80 << 10));
    if (rc) {
        rt_fuzz_check_error(rc, &err);
        RT_FUZZ_CHECK(!first);
        return;
    }
    for (void *it = rt_json_first(first); it; it = rt_json_next(first, it))
        RT_FUZZ_CHECK(rt_json_key(it) && rt_json_value(it));
    RT_FUZZ_CHECK(!rt_json_format(first, size % 2, &text, &err));
    RT_FUZZ_CHECK(!rt_json_parse(&second, "again", text, strlen(text), &err));
    RT_FUZZ_CHECK(!rt_json_format(second, size % 2, &again, &err));
    RT_FUZZ_CHECK(!strcmp(text, again));
    rt_free(&text);
    rt_free(&again);
    rt_json_free(&first);
    rt_json_free(&second);
}
