#include "data/check.h"

#include <string.h>

#include "base/memory.h"

/* Counts the labels of one block and hashes it. */
static int check_block(struct rt_data_report *report, size_t block, uint8_t *records, char hex[RT_DIGEST_HEX],
                       struct rt_error *err)
{
    const struct rt_source_kind *kind = report->source.kind;
    const size_t total = report->source.train_count + report->source.test_count;
    const size_t begin = block * kind->block_records, record = rt_source_record_bytes(kind);
    const size_t end = total - begin < kind->block_records ? total : begin + kind->block_records;
    struct rt_digest digest;
    int rc;

    RT_TRY(rt_digest_start(&digest, err));
    for (size_t first = begin, count; first < end; first += count) {
        count = end - first < RT_READ_RECORDS ? end - first : RT_READ_RECORDS;
        if ((rc = kind->read(&report->source, first, count, records, err))) {
            rt_digest_free(&digest);
            return rc;
        }
        rt_digest_update(&digest, records, count * record);
        for (size_t i = 0; i < count; i++)
            report->counts[first + i >= report->source.train_count][records[i * record]]++;
    }
    return rt_digest_finish(&digest, hex, err);
}

static int check_all(struct rt_data_report *report, uint8_t *records, struct rt_error *err)
{
    const struct rt_source_kind *kind = report->source.kind;
    const size_t total = report->source.train_count + report->source.test_count;
    const size_t blocks = (total + kind->block_records - 1) / kind->block_records;
    char hex[RT_DIGEST_HEX];

    report->official = kind->official || report->source.file_count;
    for (int i = 0; i < report->source.file_count; i++)
        report->official &= report->source.files[i].official;
    for (size_t i = 0; i < blocks; i++) {
        RT_TRY(check_block(report, i, records, hex, err));
        if (kind->block_name && i < RT_CHECK_FILES_MAX) {
            struct rt_data_file *file = &report->files[report->file_count++];

            file->name = kind->block_name(i);
            memcpy(file->digest, hex, sizeof hex);
            file->official = kind->official && !strcmp(hex, kind->official(i));
            report->official &= file->official;
        }
    }
    return RT_OK;
}

int rt_data_check(struct rt_data_report *out, const char *data, struct rt_error *err)
{
    struct rt_data_report report = {0};
    uint8_t *records = NULL;
    int rc;

    RT_TRY(rt_source_open(&report.source, data, err));
    if (!(rc = rt_alloc(&records, RT_READ_RECORDS, RT_RECORD_BYTES, "the records being read", err)))
        rc = check_all(&report, records, err);
    rt_free(&records);
    rt_source_close(&report.source);
    if (!rc)
        *out = report;
    return rc;
}
