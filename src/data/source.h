/* Sources: where a data set's records come from, before cropping and corruption. A source gives records in
 * CIFAR-10's binary layout (label, then the rows of bytes of red, of green, of blue, or of grey alone),
 * training images first. Each is one file and one line in RT_SOURCES (data/sources.h). */
#ifndef RT_DATA_SOURCE_H
#define RT_DATA_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "data/dataset.h"
#include "data/sources.h"

enum {
    RT_STORED_PLANE = RT_STORED * RT_STORED,
    RT_RECORD_BYTES = 1 + RT_CHANNELS * RT_STORED_PLANE, /* of CIFAR-10: the most that a record has */
    RT_SOURCE_FILES_MAX = 4,
    RT_READ_RECORDS = 500 /* the most that are read in one call: 1.5 MB, which fits the cache */
};

struct rt_fetch_files;
struct rt_source_kind;

struct rt_source {
    const struct rt_source_kind *kind;
    char where[1024]; /* directory, or what made the images */
    char classes[RT_CLASSES][32];
    void *state;                    /* the kind's own, one block of memory; null: none */
    bool named;                     /* asked for by its name, and not by a directory */
    size_t train_count, test_count; /* images that it has */
    int file_count;                 /* of those below, which `open` has hashed */
    struct rt_source_file {
        char name[64], md5[33];
        bool official;
    } files[RT_SOURCE_FILES_MAX];
};

struct rt_source_kind {
    const char *name, *help;
    int channels, side;                        /* of the stored images: 3 and 32, 1 and 28 */
    size_t train_count, test_count;            /* as published; the source says what there is */
    size_t block_records;                      /* hashed together; the last block may have fewer */
    const char *(*block_name)(size_t block);   /* its file's; null: it has none */
    const char *(*official)(size_t block);     /* its hex SHA-256; null: nothing to compare with */
    float mean[RT_CHANNELS], std[RT_CHANNELS]; /* of the central 28x28 pixels, in [0, 1] */
    const char *sign; /* a file that shows a directory to hold it, for messages; null: it needs none, or looks
                         like another kind of the list */
    const struct rt_fetch_files *published; /* what `data fetch` gets; null: CIFAR-10's archive, or nothing */
    /* Looks for its files in the directory and in the folders that they come in; null: it needs none. *kind:
     * the one that is wanted; or null, for any whose files look so, which is then set. RT_EDATA: none;
     * RT_EUSAGE: of several kinds. */
    int (*find)(const struct rt_source_kind **kind, const char *directory, struct rt_error *err);
    /* Finds the data and checks whatever can be checked without reading: RT_EDATA, RT_EIO. */
    int (*open)(struct rt_source *source, const char *directory, struct rt_error *err);
    /* Records [first, first + count) of one block, labels checked. Several threads may call it concurrently. */
    int (*read)(const struct rt_source *source, size_t first, size_t count, uint8_t *records,
                struct rt_error *err);
    void (*close)(struct rt_source *source); /* frees source->state; null: nothing to free */
};

/* Of one record: label and pixels. */
size_t rt_source_record_bytes(const struct rt_source_kind *kind);

#define RT_SOURCE_DECLARE(id, name, help) extern const struct rt_source_kind rt_source_##id;
RT_SOURCES(RT_SOURCE_DECLARE)
#undef RT_SOURCE_DECLARE

/* Opens what `data` names (see rt_dataset_load). RT_EDATA when it names nothing. */
int rt_source_open(struct rt_source *source, const char *data, struct rt_error *err);
void rt_source_close(struct rt_source *source); /* frees what is held: it still names, but cannot read */

/* The kind that `data` names, from names and the files that there are, none of them read. CIFAR-10 where
 * nothing says otherwise. */
const struct rt_source_kind *rt_source_kind_of(const char *data);

/* The same of data that must be there if they are a directory (RT_EDATA, RT_EIO, RT_EUSAGE); a name is enough.
 */
int rt_source_find_kind(const struct rt_source_kind **kind, const char *data, struct rt_error *err);

#endif
