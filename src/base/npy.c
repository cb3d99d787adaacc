#include "base/npy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char magic[6] = "\x93NUMPY";

void rt_npy_format(char header[RT_NPY_HEADER], const char *type, uint64_t rows, uint64_t columns)
{
    enum { PREFIX = 10 };
    char text[RT_NPY_HEADER];
    const int length =
        snprintf(text, sizeof text, "{'descr': '%s', 'fortran_order': False, 'shape': (%llu, %llu), }", type,
                 (unsigned long long)rows, (unsigned long long)columns);

    memset(header, ' ', RT_NPY_HEADER);
    memcpy(header, magic, sizeof magic);
    header[6] = 1;
    header[7] = 0;
    header[8] = RT_NPY_HEADER - PREFIX;
    header[9] = 0;
    memcpy(header + PREFIX, text, (size_t)length);
    header[RT_NPY_HEADER - 1] = '\n';
}

/* What follows "'key':" in the dictionary, spaces skipped; null: no such key. */
static const char *value_of(const char *dictionary, const char *key)
{
    char quoted[32];
    const char *at;

    snprintf(quoted, sizeof quoted, "'%s'", key);
    if (!(at = strstr(dictionary, quoted)))
        return NULL;
    at += strlen(quoted);
    at += strspn(at, " ");
    if (*at++ != ':')
        return NULL;
    return at + strspn(at, " ");
}

/* "(12, 50000)", "(7,)", "()" */
static int take_shape(struct rt_npy *npy, const char *at, const char *path, struct rt_error *err)
{
    if (*at++ != '(')
        return rt_fail(err, RT_EDATA, "%s: its .npy header has no shape", path);
    for (at += strspn(at, " "); *at != ')'; at += strspn(at, ", ")) {
        char *end;

        if (npy->rank == RT_NPY_RANK_MAX)
            return rt_fail(err, RT_EDATA, "%s: an array of more than %d dimensions", path, RT_NPY_RANK_MAX);
        errno = 0;
        npy->shape[npy->rank] = strtoull(at, &end, 10);
        if (*at < '0' || *at > '9' || errno || (*end != ',' && *end != ')'))
            return rt_fail(err, RT_EDATA, "%s: its .npy header has no shape", path);
        npy->rank++;
        at = end;
    }
    return RT_OK;
}

static int take_dictionary(struct rt_npy *npy, const char *dictionary, const char *path, struct rt_error *err)
{
    const char *type = value_of(dictionary, "descr"), *order = value_of(dictionary, "fortran_order");
    const char *shape = value_of(dictionary, "shape");
    size_t length = type && *type == '\'' ? strcspn(type + 1, "'") : 0;

    if (!length || length >= sizeof npy->type || !order || !shape)
        return rt_fail(err, RT_EDATA,
                       "%s: its .npy header lacks type, order or shape, or has a type of several fields", path);
    if (strncmp(order, "False", 5) != 0)
        return rt_fail(err, RT_EDATA, "%s: its array is in Fortran order; numpy.ascontiguousarray turns it",
                       path);
    memcpy(npy->type, type + 1, length);
    return take_shape(npy, shape, path, err);
}

int rt_npy_parse(struct rt_npy *npy, const char *path, const void *bytes, size_t size, struct rt_error *err)
{
    const uint8_t *at = bytes;
    char dictionary[RT_NPY_HEADER_MAX + 1];
    size_t length, prefix;

    *npy = (struct rt_npy){0};
    if (size < 12 || memcmp(at, magic, sizeof magic) != 0 || at[6] < 1 || at[6] > 3)
        return rt_fail(err, RT_EDATA, "%s: no .npy file of format 1 to 3", path);
    prefix = at[6] == 1 ? 10 : 12;
    length = at[8] | (size_t)at[9] << 8;
    if (at[6] > 1)
        length |= (size_t)at[10] << 16 | (size_t)at[11] << 24;
    if (length > RT_NPY_HEADER_MAX - prefix || prefix + length > size)
        return rt_fail(err, RT_EDATA, "%s: its .npy header is cut short, or longer than %d bytes", path,
                       RT_NPY_HEADER_MAX);
    memcpy(dictionary, at + prefix, length);
    dictionary[length] = '\0';
    npy->header_bytes = prefix + length;
    return take_dictionary(npy, dictionary, path, err);
}
