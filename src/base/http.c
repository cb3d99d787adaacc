#include "base/http.h"

#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/http_rules.h"
#include "base/memory.h"
#include "base/text.h"

enum { ANSWER_MAX = 4 << 20, ERROR_ANSWER_MAX = 64 << 10 };

struct rt_http {
    CURL *curl;
    atomic_bool stopped;
};

/* What one request's callbacks share. */
struct transfer {
    struct rt_http *http;
    const struct rt_http_request *request;
    struct rt_http_answer *answer;
    struct rt_text body;
    struct curl_slist *headers;
    uint64_t sent; /* of the request's body */
    bool full, receiver_stopped, slow;
    struct rt_http_pace pace;
    char reason[CURL_ERROR_SIZE];
};

static void start_library(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

static int start_handle(struct rt_http *http, struct rt_error *err)
{
    if (!http->curl && !(http->curl = curl_easy_init()))
        return rt_fail(err, RT_EMEMORY, "cannot start libcurl");
    return RT_OK;
}

/* After a transfer that failed, with its connections: libcurl 8.14.1 never connects again with a handle whose
 * request could not be sent a second time (CURLE_SEND_FAIL_REWIND). The next request has a new one. */
static void end_handle(struct rt_http *http)
{
    curl_easy_cleanup(http->curl);
    http->curl = NULL;
}

int rt_http_create(struct rt_http **http, struct rt_error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    RT_TRY(rt_alloc(http, 1, sizeof **http, "an HTTP client", err));
    pthread_once(&once, start_library);
    if (start_handle(*http, err)) {
        rt_free(http);
        return RT_EMEMORY;
    }
    return RT_OK;
}

void rt_http_free(struct rt_http **http)
{
    if (!*http)
        return;
    end_handle(*http);
    rt_free(http);
}

void rt_http_stop(struct rt_http *http, bool on)
{
    atomic_store(&http->stopped, on);
}

void rt_http_answer_free(struct rt_http_answer *answer)
{
    rt_free(&answer->body);
    *answer = (struct rt_http_answer){0};
}

/* ---- what a URL is */

static bool part_of(CURLU *url, CURLUPart what, char *out, size_t size)
{
    char *text = NULL;
    bool found;

    found = !curl_url_get(url, what, &text, 0) && rt_copy_text(out, size, text);
    curl_free(text);
    return found;
}

static bool has_part(CURLU *url, CURLUPart what)
{
    char *text = NULL;
    const bool found = !curl_url_get(url, what, &text, 0);

    curl_free(text);
    return found;
}

static bool split_url(const char *text, struct rt_url_parts *parts)
{
    CURLU *url = curl_url();
    bool good;

    *parts = (struct rt_url_parts){0};
    good = url && !curl_url_set(url, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME) &&
           part_of(url, CURLUPART_SCHEME, parts->scheme, sizeof parts->scheme);
    if (good) {
        part_of(url, CURLUPART_HOST, parts->host, sizeof parts->host);
        part_of(url, CURLUPART_PORT, parts->port, sizeof parts->port);
        part_of(url, CURLUPART_PATH, parts->path, sizeof parts->path);
        parts->has_user = has_part(url, CURLUPART_USER) || has_part(url, CURLUPART_PASSWORD);
    }
    curl_url_cleanup(url);
    return good;
}

const char *rt_http_shown(const char *url, char *out, size_t size)
{
    struct rt_url_parts parts;

    if (split_url(url, &parts))
        snprintf(out, size, "%s://%s%s%s%s", parts.scheme, parts.host, *parts.port ? ":" : "", parts.port,
                 parts.path);
    else
        snprintf(out, size, "(not a URL)");
    return out;
}

/* ---- callbacks of a transfer */

static size_t answer_max(const struct rt_http_request *request)
{
    if (request->receive)
        return ERROR_ANSWER_MAX;
    return request->answer_max ? request->answer_max : ANSWER_MAX;
}

static size_t on_body(char *bytes, size_t one, size_t size, void *context)
{
    struct transfer *t = context;
    long status = 0;

    (void)one;
    curl_easy_getinfo(t->http->curl, CURLINFO_RESPONSE_CODE, &status);
    if (t->request->receive && status < 300) {
        t->receiver_stopped = t->request->receive(t->request->context, bytes, size) != 0;
        return t->receiver_stopped ? 0 : size;
    }
    t->full = t->body.length + size > answer_max(t->request);
    if (t->full)
        return 0;
    rt_text_append_bytes(&t->body, bytes, size);
    return t->body.failed ? 0 : size;
}

/* The body is handed over by a callback that cannot rewind, for a reason: when a reused connection breaks
 * before the answer, libcurl would resend the request on its own, and the server might act on it twice. */
static size_t on_read(char *bytes, size_t one, size_t size, void *context)
{
    struct transfer *t = context;
    const struct rt_http_file *file = t->request->file;
    const uint64_t left = (file ? file->size_bytes : t->request->body_size) - t->sent;

    size = one * size < left ? one * size : (size_t)left;
    if (file) {
        const ssize_t got = pread(file->fd, bytes, size, (off_t)t->sent);

        if (got < 0 || (got == 0 && size)) /* it has become shorter */
            return CURL_READFUNC_ABORT;
        size = (size_t)got;
    } else if (size) {
        memcpy(bytes, (const char *)t->request->body + t->sent, size);
    }
    t->sent += size;
    return size;
}

static int on_progress(void *context, curl_off_t total, curl_off_t received, curl_off_t a, curl_off_t b)
{
    struct transfer *t = context;

    (void)a, (void)b;
    if (t->request->progress)
        t->request->progress(t->request->context, t->request->offset + received,
                             total ? t->request->offset + total : 0);
    t->slow = t->slow || (t->request->receive && rt_http_pace_is_slow(&t->pace, t->request, received));
    return t->slow || atomic_load(&t->http->stopped);
}

/* ---- one request */

static int add_headers(struct transfer *t, struct rt_error *err)
{
    for (int i = 0; i < RT_HTTP_HEADERS_MAX && t->request->headers[i]; i++) {
        struct curl_slist *longer = curl_slist_append(t->headers, t->request->headers[i]);

        if (!longer)
            return rt_fail(err, RT_EMEMORY, "out of memory for an HTTP request");
        t->headers = longer;
    }
    return RT_OK;
}

static void set_body(CURL *curl, struct transfer *t)
{
    const struct rt_http_request *request = t->request;
    const char *method = request->method ? request->method : "GET";

    if (!strcmp(method, "GET"))
        return;
    if (request->file) {
        curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)request->file->size_bytes);
    } else {
        curl_easy_setopt(curl, CURLOPT_POST, 1L);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_size);
    }
    curl_easy_setopt(curl, CURLOPT_READFUNCTION, on_read);
    curl_easy_setopt(curl, CURLOPT_READDATA, t);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
}

/* Only these schemes, for the request and for where it is sent on to. */
static void set_schemes(CURL *curl, const char *schemes)
{
#if LIBCURL_VERSION_NUM >= 0x075500
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, schemes);
    curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, schemes);
#else
    const long bits = strcmp(schemes, "https") ? CURLPROTO_HTTP | CURLPROTO_HTTPS : CURLPROTO_HTTPS;

    curl_easy_setopt(curl, CURLOPT_PROTOCOLS, bits);
    curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS, bits);
#endif
}

/* The certificates that the system trusts. libcurl knows one place, that of the system which it was built on; a
 * bundle runs elsewhere too. */
static void set_certificates(CURL *curl, const char *ca_file)
{
    static const char *const places[] = {
        "/etc/ssl/certs/ca-certificates.crt", /* Debian, Ubuntu, Arch */
        "/etc/pki/tls/certs/ca-bundle.crt",   /* Fedora, Red Hat */
        "/etc/ssl/ca-bundle.pem",             /* SUSE */
        "/etc/ssl/cert.pem",                  /* Alpine */
    };

    for (size_t i = 0; i < sizeof places / sizeof *places && !ca_file; i++)
        if (!access(places[i], R_OK))
            ca_file = places[i];
    if (ca_file)
        curl_easy_setopt(curl, CURLOPT_CAINFO, ca_file);
}

static void set_security(CURL *curl, const struct rt_http_request *request, const char *schemes)
{
    struct rt_url_parts parts;

    set_schemes(curl, schemes);
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, (long)request->follow);
    curl_easy_setopt(curl, CURLOPT_MAXREDIRS, 10L);
    if (split_url(request->url, &parts) && rt_url_is_loopback(&parts))
        curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    set_certificates(curl, request->ca_file);
    if (request->key_file)
        curl_easy_setopt(curl, CURLOPT_SSLCERT, request->key_file);
    if (request->unverified) {
        curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    if (request->user) {
        curl_easy_setopt(curl, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
        curl_easy_setopt(curl, CURLOPT_USERNAME, request->user);
        curl_easy_setopt(curl, CURLOPT_PASSWORD, request->password ? request->password : "");
    }
}

static void set_times(CURL *curl, const struct rt_http_request *request)
{
    const double timeout_s = request->timeout_s > 0 ? request->timeout_s : 30;

    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
#if LIBCURL_VERSION_NUM >= 0x075700
    curl_easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L); /* do not wait for a name server that hangs */
#endif
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, timeout_s < 10 ? (long)(timeout_s * 1000) : 10000L);
    if (request->file) {
        curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
        curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, timeout_s < 1 ? 1L : (long)timeout_s);
    } else if (!request->receive) { /* else see rt_http_pace_is_slow */
        curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)(timeout_s * 1000));
    }
}

static void set_options(CURL *curl, struct transfer *t, const char *schemes)
{
    curl_easy_reset(curl); /* connections stay */
    curl_easy_setopt(curl, CURLOPT_URL, t->request->url);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, t->reason);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "rethink");
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, t->headers);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, t);
    if (t->request->offset > 0)
        curl_easy_setopt(curl, CURLOPT_RESUME_FROM_LARGE, (curl_off_t)t->request->offset);
    set_security(curl, t->request, schemes);
    set_times(curl, t->request);
    set_body(curl, t);
}

/* Whether the server may have acted on a request with this outcome. Only failures before anything was sent rule
 * it out. */
static enum rt_http_outcome outcome_of(CURLcode code, const struct transfer *t)
{
    long sent = 0;

    switch (code) {
    case CURLE_OK:
        return RT_HTTP_ANSWERED;
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_FILE_COULDNT_READ_FILE:
        return RT_HTTP_UNREACHED;
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_TOO_MANY_REDIRECTS:
        return RT_HTTP_REFUSED;
    case CURLE_ABORTED_BY_CALLBACK:
        return t->slow ? RT_HTTP_SLOW : RT_HTTP_STOPPED;
    case CURLE_SEND_FAIL_REWIND: /* see on_read */
        return RT_HTTP_LOST;
    case CURLE_WRITE_ERROR:
        return t->receiver_stopped ? RT_HTTP_STOPPED : t->full ? RT_HTTP_OVERLONG : RT_HTTP_LOST;
    default:
        curl_easy_getinfo(t->http->curl, CURLINFO_REQUEST_SIZE, &sent);
        return sent > 0 ? RT_HTTP_LOST : RT_HTTP_UNREACHED;
    }
}

static void read_facts(CURL *curl, struct transfer *t)
{
    struct rt_http_answer *answer = t->answer;

    curl_off_t retry_after_s = 0, length = -1;
    long status = 0;

    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &retry_after_s);
    curl_easy_getinfo(curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    answer->status = (int)status;
    answer->retry_after_s = (double)retry_after_s;
    answer->total = length < 0 ? -1 : length + (status == 206 ? t->request->offset : 0);
}

static int fail_transfer(const struct transfer *t, CURLcode code, struct rt_error *err)
{
    const char *method = t->request->method ? t->request->method : "GET";
    const enum rt_status status = t->answer->outcome == RT_HTTP_REFUSED ? RT_ECONFIG : RT_EIO;
    char shown[512];

    rt_http_shown(t->request->url, shown, sizeof shown);
    if (t->slow)
        return rt_fail(err, RT_EIO, "%s %s: less than %lld bytes came in %g seconds", method, shown,
                       (long long)rt_http_floor_bytes(t->request), rt_http_floor_s(t->request));
    return rt_fail(err, status, "%s %s: %s", method, shown,
                   t->full                          ? "the answer is too long"
                   : code == CURLE_SEND_FAIL_REWIND ? "the connection broke before the answer"
                   : *t->reason                     ? t->reason
                                                    : curl_easy_strerror(code));
}

static int transfer(struct transfer *t, const char *schemes, struct rt_error *err)
{
    CURL *curl;
    CURLcode code;

    RT_TRY(add_headers(t, err));
    RT_TRY(start_handle(t->http, err));
    curl = t->http->curl;
    set_options(curl, t, schemes);
    code = curl_easy_perform(curl);
    t->answer->outcome = outcome_of(code, t);
    read_facts(curl, t);
    if (code != CURLE_OK) {
        end_handle(t->http);
        return fail_transfer(t, code, err);
    }
    t->answer->size = t->body.length;
    return t->request->receive ? RT_OK : rt_text_take(&t->body, &t->answer->body, err);
}

int rt_http_send(struct rt_http *http, const struct rt_http_request *request, struct rt_http_answer *answer,
                 struct rt_error *err)
{
    struct transfer t = {.http = http, .request = request, .answer = answer};
    struct rt_url_parts parts;
    const char *schemes;
    int rc;

    *answer = (struct rt_http_answer){.outcome = RT_HTTP_REFUSED, .total = -1};
    if (!split_url(request->url, &parts))
        return rt_fail(err, RT_ECONFIG, "the address of a server is not a URL; expected https://HOST/...");
    if (!(schemes = rt_http_schemes(request, &parts, err)))
        return RT_ECONFIG;
    rc = transfer(&t, schemes, err);
    curl_slist_free_all(t.headers);
    rt_text_free(&t.body);
    return rc;
}
