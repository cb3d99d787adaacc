/* What services share: the position in SERVICE.json, and calls whose failures are judged. */
#ifndef RT_TRACK_LINK_H
#define RT_TRACK_LINK_H

#include "track/remote/service.h"

int rt_link_open(struct rt_link *link, const struct rt_service *service, const char *run_dir,
                 const char *project, struct rt_error *err);
void rt_link_close(struct rt_link *link); /* accepts the zeroed state */

/* Reads and writes SERVICE.json. */
int rt_link_load(struct rt_link *link, struct rt_error *err);
int rt_link_save(const struct rt_link *link, struct rt_error *err);
int rt_link_forget(const struct rt_service *service, const char *run_dir, struct rt_error *err);

/* One request whose answer is JSON, or nothing (*answer null then). RT_OK for status 200 to 299; else
 * link->failure and its fellows say what it was. Null `answer` when nobody wants it. The request's secrets must
 * be in link->secrets. */
int rt_link_call(struct rt_link *link, const struct rt_http_request *request, struct rt_json **answer,
                 struct rt_error *err);

/* Marks the failure as final and fails with the message. */
int rt_link_fail(struct rt_link *link, struct rt_error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Overwrites in the text what may be seen by nobody: the link's secrets, also percent-encoded, and the
 * beginning of one that a cut at the text's end has left. A service may well quote the key that it does not
 * like. */
void rt_link_blot(const struct rt_link *link, char *text);

/* A name that the service has given: letters, digits, '-', '_' and '.' only, with no secret in it. */
int rt_link_copy_id(struct rt_link *link, char out[RT_ID_MAX], const char *what, const char *id,
                    struct rt_error *err);

/* The object's text under `key`, or "" when it has none. */
const char *rt_link_text(const struct rt_json *object, const char *key);

/* A number as these services take it: not finite ones as "NaN", "Infinity", "-Infinity". */
int rt_link_set_number(struct rt_json *object, const char *key, double value, struct rt_error *err);

#endif
