/* The rules that base/http.c keeps, without libcurl: which schemes a request may use, what counts as slow. */
#ifndef RT_BASE_HTTP_RULES_H
#define RT_BASE_HTTP_RULES_H

#include "base/http.h"

struct rt_url_parts {
    char scheme[16], host[256], port[8], path[512];
    bool has_user; /* or a password */
};
bool rt_url_is_loopback(const struct rt_url_parts *url);

/* Which schemes the request to this URL may use, as libcurl spells it; null with an error when its own is not
 * among them. */
const char *rt_http_schemes(const struct rt_http_request *request, const struct rt_url_parts *url,
                            struct rt_error *err);

/* The request's floor, or the usual one. */
double rt_http_floor_s(const struct rt_http_request *request);
int64_t rt_http_floor_bytes(const struct rt_http_request *request);

/* How much of a download had come when. */
enum { RT_HTTP_MARKS = 12 }; /* into which the floor's seconds are cut */
struct rt_http_pace {
    struct {
        int64_t received; /* at each of the last marks, the latest at `at` */
        double since_s;   /* when that mark was made */
    } marks[RT_HTTP_MARKS];
    int count, at;
};

/* `received` bytes have come by now: whether less than the floor has in the floor's seconds that end now. */
bool rt_http_pace_is_slow(struct rt_http_pace *pace, const struct rt_http_request *request, int64_t received);

#endif
