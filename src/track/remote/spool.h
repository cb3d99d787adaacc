/* spool.jsonl: the records for remote services, one JSON object per line, in the run directory.
 *
 * The file is the queue between training and the thread that sends: training only appends a line, and whatever
 * the service does, at most one batch is in memory. It is kept when the run ends, so that `rethink sync` can
 * send the rest later. Several services share it; each reads its own records.
 *
 * A record: {"to": "mlflow", "seq": 7, "at": 1700000000000, "type": "point", ...}, seq counting from 1 for each
 * service, `at` in milliseconds since 1970. docs/tracking.md lists the fields of each type. */
#ifndef RT_TRACK_SPOOL_H
#define RT_TRACK_SPOOL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/json.h"
#include "base/path.h"
#include "base/text.h"

#define RT_SPOOL_NAME "spool.jsonl"

#define RT_SPOOL_TYPES(X) X(start) X(point) X(threshold) X(finish)

enum rt_spool_type {
#define RT_SPOOL_ENUM(name) RT_SPOOL_##name,
    RT_SPOOL_TYPES(RT_SPOOL_ENUM)
#undef RT_SPOOL_ENUM
        RT_SPOOL_TYPE_COUNT
};

const char *rt_spool_type_name(enum rt_spool_type type);

/* The largest number of a record, of a step, and time in milliseconds, that is believed: a double holds it. */
#define RT_SPOOL_NUMBER_MAX ((int64_t)1 << 52)

/* ---- writing: by the training thread only */
struct rt_spool {
    int fd; /* -1: closed */
    char path[RT_PATH_MAX];
    const char *to;
    int64_t seq; /* of the last record */
    struct rt_text line;
};

/* Opens the run's spool for the service `to` (a string that stays), made if needed. A last line without its end
 * (the process was killed) is cut off. RT_EIO, RT_EMEMORY. */
int rt_spool_open(struct rt_spool *spool, const char *run_dir, const char *to, struct rt_error *err);
void rt_spool_close(struct rt_spool *spool);

/* Appends a record with these fields, the text of a JSON object. Atomic. Allocates nothing once a record of
 * that length has been written. */
int rt_spool_append(struct rt_spool *spool, enum rt_spool_type type, const char *fields, struct rt_error *err);

/* ---- reading */
struct rt_spool_record {
    enum rt_spool_type type;
    int64_t seq, at_ms;
    struct rt_json *json; /* the whole record */
};
void rt_spool_record_free(struct rt_spool_record *record); /* accepts the zeroed state */

/* A line as a record. *mine: it is addressed to the service `to`; then every field that is there has been
 * checked to be what this program writes: whole numbers from 0 in their ranges, texts on one line, known types.
 * RT_EDATA names `name` and the field. Free the record always. */
int rt_spool_parse(struct rt_spool_record *record, bool *mine, const char *to, const char *name,
                   const char *line, size_t size, struct rt_error *err);
/* A field that is a whole number; -1: it is not there. */
int64_t rt_spool_whole(const struct rt_spool_record *record, const char *key);

struct rt_spool_reader {
    int fd; /* -1: closed */
    char path[RT_PATH_MAX];
    char to[32];
    struct rt_text text;           /* read and not yet handed out */
    size_t taken;                  /* bytes of `text` that were */
    int64_t lines, read_seq;       /* read so far; the number of the last record */
    int64_t last_seq, whole_bytes; /* found at opening: the last record's number, the size of all whole lines */
    int64_t first_seq;             /* of the run's last start from scratch */
    struct rt_spool_void {
        int64_t seq, step; /* records before number `seq` at `step` or later are void */
    } * voids;             /* both increase: one that a later one includes is dropped */
    int void_count, void_room;
};

/* Opens the spool and reads it once to find which records are void: those that a resumed session logs again,
 * and all from before the run was started over. RT_EIO when there is none. Close it also after an error. */
int rt_spool_reader_open(struct rt_spool_reader *reader, const char *run_dir, const char *to,
                         struct rt_error *err);
void rt_spool_reader_close(struct rt_spool_reader *reader);

/* The next record that is not void and has a number greater than `after`; *got false: there is none (yet). A
 * damaged line is RT_EDATA, and the next call continues after it. */
int rt_spool_read(struct rt_spool_reader *reader, int64_t after, struct rt_spool_record *record, bool *got,
                  struct rt_error *err);

/* How many points and other records with a number greater than `after` the run's spool has for `to`. */
int rt_spool_count(const char *run_dir, const char *to, int64_t after, int64_t *points, int64_t *others,
                   struct rt_error *err);

#endif
