/* run/result: any bytes as result.json; what is accepted is written, and reads back as the same. */
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "fuzz.h"
#include "run/result.h"

static char *write_and_load(const struct rt_result *result, const char *folder, size_t *size)
{
    struct rt_error err;
    char path[128], *text;

    snprintf(path, sizeof path, "%s/" RT_RESULT_FILE, folder);
    RT_FUZZ_CHECK(!rt_result_write(result, folder, &err));
    RT_FUZZ_CHECK(!rt_file_read_all(path, 1 << 22, &text, size, &err));
    return text;
}

void rt_fuzz_one(const uint8_t *bytes, size_t size)
{
    struct rt_result first, second;
    struct rt_error err;
    const char *folder;
    char *text, *again;
    size_t text_size, again_size;
    const int rc = rt_result_parse(&first, "result.json", (const char *)bytes, size, &err);

    if (rc) {
        rt_fuzz_check_error(rc, &err);
        return;
    }
    RT_FUZZ_CHECK(rt_run_state_name(first.state));
    folder = rt_fuzz_folder();
    text = write_and_load(&first, folder, &text_size);
    RT_FUZZ_CHECK(!rt_result_read(&second, folder, &err));
    again = write_and_load(&second, folder, &again_size);
    RT_FUZZ_CHECK(text_size == again_size && !memcmp(text, again, text_size));
    rt_free(&text);
    rt_free(&again);
}
