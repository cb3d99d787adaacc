/* HTTP and HTTPS requests. The only file that knows libcurl is http.c.
 *
 * TLS certificates are always verified unless a request without secrets asks otherwise. Secrets (keys,
 * passwords) are sent only over verified TLS or to the local machine, and appear in no message: pass them in
 * headers or in `user`, never in the URL's query. */
#ifndef RT_BASE_HTTP_H
#define RT_BASE_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct rt_http; /* keeps its connections open between requests; for one thread at a time */

enum { RT_HTTP_HEADERS_MAX = 6 };

/* Zeroed fields are the usual choice. */
struct rt_http_request {
    const char *method; /* null: GET */
    const char *url;
    const char *headers[RT_HTTP_HEADERS_MAX]; /* "Name: value", ended by null */
    const char *user, *password;              /* HTTP Basic; null: none */
    bool secret;                              /* the headers or the user are a secret */
    const void *body;
    size_t body_size;
    const struct rt_http_file *file; /* the body is this file, sent as it is read */
    const char *ca_file;             /* certificates to trust instead of the system's */
    const char *key_file;            /* the client's own certificate with its key, PEM */
    bool unverified;                 /* do not verify the server: refused with `secret` */
    double timeout_s;                /* for the whole answer, or, with `file`, without any progress; 0: 30 */
    size_t answer_max;               /* bytes of an answer's body that are taken; 0: 4 MiB */

    /* For downloads: redirects are followed (https to https only), the body goes to `receive` (nonzero: stop)
     * in pieces instead of to the answer, from byte `offset` on; `progress` is told the sizes so far (total 0:
     * unknown). `local`: file:// may be read too. RT_HTTP_SLOW when less than floor_bytes came within any
     * floor_s seconds, the first ones included (0: 1 byte in 30 s). */
    int (*receive)(void *context, const void *bytes, size_t size);
    void (*progress)(void *context, int64_t received, int64_t total);
    void *context;
    int64_t offset;
    int64_t floor_bytes;
    double floor_s;
    bool follow, local;
};

/* An open file, sent from its first byte on. */
struct rt_http_file {
    int fd;
    const char *path; /* for messages */
    uint64_t size_bytes;
};

enum rt_http_outcome {
    RT_HTTP_ANSWERED,  /* with any status */
    RT_HTTP_UNREACHED, /* the server did not get the request */
    RT_HTTP_LOST,      /* it may have acted on it, but no whole answer came */
    RT_HTTP_OVERLONG,  /* the answer is longer than answer_max */
    RT_HTTP_SLOW,      /* a download came more slowly than its floor */
    RT_HTTP_STOPPED,   /* by rt_http_stop or `receive` */
    RT_HTTP_REFUSED,   /* never to be sent: bad URL, secret without TLS, certificate not trusted */
};

struct rt_http_answer {
    enum rt_http_outcome outcome;
    int status;           /* 200, 404, ...; 0 for a local file */
    double retry_after_s; /* what the server asked for; 0: nothing */
    int64_t total;        /* size that the server announced, from byte 0; -1: none */
    char *body;           /* NUL-terminated; null when it went to `receive` */
    size_t size;
};

int rt_http_create(struct rt_http **http, struct rt_error *err); /* RT_EMEMORY */
void rt_http_free(struct rt_http **http);

/* RT_OK when an answer came, whatever its status: look at answer->status. Else RT_EIO (RT_ECONFIG for
 * RT_HTTP_REFUSED) with answer->outcome; the message names method, host and reason. Free the answer always. */
int rt_http_send(struct rt_http *http, const struct rt_http_request *request, struct rt_http_answer *answer,
                 struct rt_error *err);
void rt_http_answer_free(struct rt_http_answer *answer);

/* From any thread: ends the request in progress and all later ones within about a second; `on` false allows
 * them again. */
void rt_http_stop(struct rt_http *http, bool on);

/* "https://host:port/path" of a URL, without user, password, query and fragment, for messages; returns out. */
const char *rt_http_shown(const char *url, char *out, size_t size);

/* Appends `text` percent-encoded for a path segment or a query. */
struct rt_text;
void rt_http_escape(struct rt_text *out, const char *text);

#endif
