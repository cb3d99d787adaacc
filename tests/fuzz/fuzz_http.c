/* base/http and what trackers make of answers: the input is what a server on loopback answers each request
 * with, byte by byte, before it hangs up. Its first byte chooses: a plain request, a download, or what `rethink
 * sync` does. */
#include <string.h>

#include "base/entry.h"
#include "base/http.h"
#include "fuzz.h"
#include "service.h"
#include "track/remote/spool.h"

static int count_bytes(void *context, const void *bytes, size_t size)
{
    (void)bytes;
    *(size_t *)context += size;
    return 0;
}

static void request(bool download, size_t size)
{
    char url[128];
    size_t received = 0;
    struct rt_http_request request = {.url = url, .timeout_s = 5, .context = &received};
    struct rt_http_answer answer = {0};
    struct rt_http *http = NULL;
    struct rt_error err;
    int rc;

    snprintf(url, sizeof url, "%s/x", rt_fuzz_service());
    if (download)
        request.receive = count_bytes;
    RT_FUZZ_CHECK(!rt_http_create(&http, &err));
    if ((rc = rt_http_send(http, &request, &answer, &err)))
        rt_fuzz_check_error(rc, &err);
    else
        RT_FUZZ_CHECK(answer.outcome == RT_HTTP_ANSWERED && (download || answer.body));
    RT_FUZZ_CHECK(received <= size && (!answer.body || strlen(answer.body) <= answer.size));
    rt_http_answer_free(&answer);
    rt_http_free(&http);
}

/* A run that has begun at both services, and one that has not: what is asked, made and sent. */
static void sync_runs(void)
{
    static const char *const services[] = {"mlflow", "comet"};
    static const char position[] =
        "{\"url\":\"%s\",\"run\":\"a\",\"files\":\"mlflow-artifacts:/1/a\",\"sent\":%d,"
        "\"part\":0,\"step\":-1,\"threshold\":false}";
    char text[1024], name[64];
    struct rt_error err;

    for (int i = 0; i < 4; i++) {
        const char *folder = rt_fuzz_folder(), *to = services[i % 2];
        int length = snprintf(text, sizeof text,
                              "{\"to\":\"%s\",\"seq\":1,\"at\":1,\"type\":\"start\",\"name\":\"a\"}\n"
                              "{\"to\":\"%s\",\"seq\":2,\"at\":1,\"type\":\"point\",\"step\":0,\"epoch\":1,"
                              "\"train_loss\":1}\n"
                              "{\"to\":\"%s\",\"seq\":3,\"at\":1,\"type\":\"finish\",\"step\":0,"
                              "\"status\":\"finished\"}\n",
                              to, to, to);

        RT_FUZZ_CHECK(!rt_entry_write(folder, RT_SPOOL_NAME, text, (size_t)length, &err));
        if (i >= 2) {
            snprintf(name, sizeof name, "%s.json", to);
            length = snprintf(text, sizeof text, position, rt_fuzz_service(), 1);
            RT_FUZZ_CHECK(!rt_entry_write(folder, name, text, (size_t)length, &err));
        }
        rt_fuzz_service_sync(folder, to);
    }
}

void rt_fuzz_one(const uint8_t *bytes, size_t size)
{
    const int choice = size ? bytes[0] % 4 : 0;

    rt_fuzz_service();
    rt_fuzz_service_answer(bytes + !!size, size - !!size);
    if (choice < 2)
        request(choice == 1, size);
    else
        sync_runs();
}
