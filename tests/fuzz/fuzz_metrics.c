/* track/metrics: any bytes as metrics.csv; steps of what is accepted increase, and its rows read back. */
#include <string.h>

#include "base/entry.h"
#include "fuzz.h"
#include "track/metrics.h"

static bool same(double a, double b)
{
    return a == b || (a != a && b != b);
}

static void check_row(const struct rt_log_point *point)
{
    char text[2 * RT_METRICS_ROW_MAX];
    const struct rt_metrics_layout layout = rt_metrics_own_layout();
    struct rt_metrics_log log = {0};
    struct rt_error err;
    size_t length = rt_metrics_format_header(text);

    length += rt_metrics_format_row(&layout, point, text + length);
    RT_FUZZ_CHECK(!rt_metrics_parse(&log, "m", text, length, &err));
    RT_FUZZ_CHECK(log.count == 1 && log.points->step == point->step && log.points->epoch == point->epoch);
    RT_FUZZ_CHECK(same(log.points->scores.test_acc, point->scores.test_acc) ||
                  point->scores.test_acc == point->scores.test_acc);
    rt_metrics_free(&log);
}

void rt_fuzz_one(const uint8_t *bytes, size_t size)
{
    struct rt_metrics_log log = {0};
    struct rt_error err;
    const char *folder = rt_fuzz_folder();
    int rc;

    RT_FUZZ_CHECK(!rt_entry_write(folder, RT_METRICS_FILE, bytes, size, &err));
    rc = rt_metrics_read(&log, folder, &err);
    if (rc) {
        rt_fuzz_check_error(rc, &err);
        RT_FUZZ_CHECK(!log.points);
        return;
    }
    for (size_t i = 1; i < log.count; i++)
        RT_FUZZ_CHECK(log.points[i - 1].step < log.points[i].step);
    for (size_t i = 0; i < log.count && i < 4; i++)
        check_row(&log.points[i]);
    rt_metrics_free(&log);
}
