/* base/http: the input is what a server on loopback answers with, byte by byte, before it hangs up. */
#include <arpa/inet.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/http.h"
#include "fuzz.h"

struct answer {
    int listener;
    const uint8_t *bytes;
    size_t size;
};

static void *serve(void *context)
{
    const struct answer *const answer = context;
    char request[4096];
    const int peer = accept(answer->listener, NULL, NULL);
    size_t sent = 0;

    if (peer < 0 || recv(peer, request, sizeof request, 0) <= 0)
        abort();
    while (sent < answer->size) {
        const ssize_t part = send(peer, answer->bytes + sent, answer->size - sent, MSG_NOSIGNAL);

        if (part <= 0)
            break;
        sent += (size_t)part;
    }
    close(peer);
    return NULL;
}

static int listen_on_loopback(char *url, size_t size)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    RT_FUZZ_CHECK(fd >= 0 && !bind(fd, (struct sockaddr *)&address, length) && !listen(fd, 4));
    RT_FUZZ_CHECK(!getsockname(fd, (struct sockaddr *)&address, &length));
    snprintf(url, size, "http://127.0.0.1:%d/x", ntohs(address.sin_port));
    return fd;
}

static int count_bytes(void *context, const void *bytes, size_t size)
{
    (void)bytes;
    *(size_t *)context += size;
    return 0;
}

void rt_fuzz_one(const uint8_t *bytes, size_t size)
{
    static int listener = -1;
    static char url[64];
    const bool download = size && bytes[0] % 2;
    size_t received = 0;
    struct rt_http_request request = {.url = url, .timeout_s = 5, .context = &received};
    struct rt_http_answer answer = {0};
    struct answer script = {.bytes = bytes + !!size, .size = size - !!size};
    struct rt_http *http = NULL;
    struct rt_error err;
    pthread_t server;
    int rc;

    if (listener < 0)
        listener = listen_on_loopback(url, sizeof url);
    script.listener = listener;
    if (download)
        request.receive = count_bytes;
    RT_FUZZ_CHECK(!pthread_create(&server, NULL, serve, &script));
    RT_FUZZ_CHECK(!rt_http_create(&http, &err));
    if ((rc = rt_http_send(http, &request, &answer, &err)))
        rt_fuzz_check_error(rc, &err);
    else
        RT_FUZZ_CHECK(answer.outcome == RT_HTTP_ANSWERED && (download || answer.body));
    RT_FUZZ_CHECK(received <= size && (!answer.body || strlen(answer.body) <= answer.size));
    rt_http_answer_free(&answer);
    rt_http_free(&http);
    pthread_join(server, NULL);
}
