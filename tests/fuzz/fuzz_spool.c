/* track/remote: any bytes as spool.jsonl; what is refused costs its line only, a record appended behind it is
 * read back as the last one, and what is left goes to MLflow and to Comet as `rethink sync` sends it. */
#include <string.h>

#include "base/file.h"
#include "fuzz.h"
#include "service.h"
#include "track/remote/spool.h"

static int64_t read_all(const char *folder, struct rt_spool_record *record)
{
    struct rt_spool_reader reader;
    struct rt_error err;
    bool got = true;
    int64_t last = 0;
    int rc = rt_spool_reader_open(&reader, folder, "mlflow", &err);

    while (!rc && got) {
        rc = rt_spool_read(&reader, 0, record, &got, &err);
        if (rc)
            rt_fuzz_check_error(rc, &err);
        if (!rc && got)
            last = record->seq;
        got = got || rc == RT_EDATA;
        rc = rc == RT_EDATA ? RT_OK : rc;
    }
    rt_spool_reader_close(&reader);
    return rc ? -1 : last;
}

void rt_fuzz_one(const uint8_t *bytes, size_t size)
{
    const char *folder = rt_fuzz_folder();
    struct rt_spool_record record = {0};
    struct rt_spool spool;
    struct rt_error err;
    char path[RT_PATH_MAX];
    int rc;

    RT_FUZZ_CHECK(!rt_path_join(path, folder, RT_SPOOL_NAME, &err));
    RT_FUZZ_CHECK(!rt_file_write_all(path, bytes, size, &err));
    read_all(folder, &record);
    rc = rt_spool_open(&spool, folder, "mlflow", &err);
    if (rc) {
        rt_fuzz_check_error(rc, &err);
    } else {
        RT_FUZZ_CHECK(!rt_spool_append(&spool, RT_SPOOL_finish, "{\"status\":\"finished\"}", &err));
        RT_FUZZ_CHECK(read_all(folder, &record) == spool.seq);
    }
    rt_spool_close(&spool);
    rt_spool_record_free(&record);
    rt_fuzz_service_answer(NULL, 0);
    rt_fuzz_service_sync(folder, "mlflow");
    rt_fuzz_service_sync(folder, "comet");
}
