/* config: any bytes as a YAML file; what is accepted is written in full, and that reads as the same experiment.
 */
#include <string.h>

#include "base/memory.h"
#include "config/experiment.h"
#include "fuzz.h"

void rt_fuzz_one(const uint8_t *bytes, size_t size)
{
    struct rt_experiment first, second;
    char *text = NULL, *again = NULL;
    struct rt_error err;
    int rc = rt_experiment_parse(&first, "input", (const char *)bytes, size, &err);

    if (!rc)
        rc = rt_experiment_check(&first, &err);
    if (rc) {
        rt_fuzz_check_error(rc, &err);
        return;
    }
    RT_FUZZ_CHECK(!rt_experiment_format(&first, &text, &err));
    RT_FUZZ_CHECK(!rt_experiment_parse(&second, "again", text, strlen(text), &err));
    RT_FUZZ_CHECK(!rt_experiment_format(&second, &again, &err));
    RT_FUZZ_CHECK(!strcmp(text, again));
    rt_free(&text);
    rt_free(&again);
}
