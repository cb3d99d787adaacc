#include "base/http_rules.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"

void rt_http_escape(struct rt_text *out, const char *text)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

    for (; *text; text++)
        if (strchr(plain, *text))
            rt_text_append_bytes(out, text, 1);
        else
            rt_text_printf(out, "%%%02X", (unsigned char)*text);
}

bool rt_url_is_loopback(const struct rt_url_parts *url)
{
    unsigned int a, b, c, d;
    char rest;

    if (!strcmp(url->host, "localhost") || !strcmp(url->host, "[::1]"))
        return true;
    return sscanf(url->host, "%u.%u.%u.%u%c", &a, &b, &c, &d, &rest) == 4 && a == 127;
}

const char *rt_http_schemes(const struct rt_http_request *request, const struct rt_url_parts *url,
                            struct rt_error *err)
{
    const bool secret = request->secret || request->user || url->has_user;

    if (request->local && !strcmp(url->scheme, "file"))
        return "file";
    if (!strcmp(url->scheme, "https") && !(secret && request->unverified && !rt_url_is_loopback(url)))
        return "https";
    if (!strcmp(url->scheme, "https"))
        rt_fail(err, RT_ECONFIG, "%s: will not send a key or password to a server that is not verified",
                url->host);
    else if (strcmp(url->scheme, "http") != 0)
        rt_fail(err, RT_ECONFIG,
                "%s://%s: not a kind of address that can be reached; expected https://HOST/...", url->scheme,
                url->host);
    else if (secret && !rt_url_is_loopback(url))
        rt_fail(err, RT_ECONFIG, "http://%s: will not send a key or password without TLS; use https://",
                url->host);
    else
        return request->follow ? "http,https" : "http";
    return NULL;
}

double rt_http_floor_s(const struct rt_http_request *request)
{
    return request->floor_s > 0 ? request->floor_s : 30;
}

int64_t rt_http_floor_bytes(const struct rt_http_request *request)
{
    return request->floor_bytes > 0 ? request->floor_bytes : 1;
}

bool rt_http_pace_is_slow(struct rt_http_pace *pace, const struct rt_http_request *request, int64_t received)
{
    const double floor_s = rt_http_floor_s(request), now_s = rt_clock_wall_s();
    const int oldest = pace->count < RT_HTTP_MARKS ? 0 : (pace->at + 1) % RT_HTTP_MARKS;

    if (pace->count && now_s - pace->marks[oldest].since_s >= floor_s &&
        received - pace->marks[oldest].received < rt_http_floor_bytes(request))
        return true;
    if (pace->count && now_s - pace->marks[pace->at].since_s < floor_s / (RT_HTTP_MARKS - 1))
        return false;
    pace->at = pace->count ? (pace->at + 1) % RT_HTTP_MARKS : 0;
    pace->marks[pace->at].received = received;
    pace->marks[pace->at].since_s = now_s;
    pace->count += pace->count < RT_HTTP_MARKS;
    return false;
}
