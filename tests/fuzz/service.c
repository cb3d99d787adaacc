#include "service.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/entry.h"
#include "base/memory.h"
#include "fuzz.h"
#include "track/recorder.h"
#include "track/remote/sender.h"

static const char good[] =
    "{\"experiment\":{\"experiment_id\":\"1\"},\"experiment_id\":\"1\",\"run\":{\"info\":{\"run_id\":\"a\","
    "\"artifact_uri\":\"mlflow-artifacts:/1/"
    "a\"},\"data\":{\"metrics\":[]}},\"runs\":[],\"experimentKey\":\"abc\","
    "\"defaultWorkspaceName\":\"w\",\"metrics\":[],\"link\":\"https://example.org/\\u001b[2J\"}";

static struct {
    pthread_mutex_t mutex;
    uint8_t *bytes; /* a copy: a connection of an input before may still ask when that is gone */
    size_t size;
    int listener;
    char url[64];
} service = {.mutex = PTHREAD_MUTEX_INITIALIZER, .listener = -1};

static void send_all(int peer, const void *bytes, size_t size)
{
    for (size_t sent = 0; sent < size;) {
        const ssize_t part = send(peer, (const char *)bytes + sent, size - sent, MSG_NOSIGNAL);

        if (part <= 0)
            return;
        sent += (size_t)part;
    }
}

/* One request with its body; false at the connection's end. */
static bool take_request(int peer)
{
    static char request[1 << 16];
    size_t length = 0;
    char *end = NULL, *field;
    long left;

    while (!end) {
        const ssize_t got = recv(peer, request + length, sizeof request - 1 - length, 0);

        if (got <= 0)
            return false;
        length += (size_t)got;
        request[length] = '\0';
        end = strstr(request, "\r\n\r\n");
    }
    field = strcasestr(request, "\r\ncontent-length:");
    left = (field && field < end ? atol(field + 17) : 0) - (long)(request + length - (end + 4));
    while (left > 0) {
        const ssize_t got =
            recv(peer, request, (size_t)left < sizeof request ? (size_t)left : sizeof request, 0);

        if (got <= 0)
            return false;
        left -= got;
    }
    return true;
}

static void *serve(void *context)
{
    (void)context;
    for (;;) {
        const int peer = accept(service.listener, NULL, NULL);
        bool more = true;

        while (more && take_request(peer)) {
            char head[128];

            pthread_mutex_lock(&service.mutex);
            more = !service.bytes;
            if (service.bytes) {
                send_all(peer, service.bytes, service.size);
            } else {
                send_all(peer, head,
                         (size_t)snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n",
                                          sizeof good - 1));
                send_all(peer, good, sizeof good - 1);
            }
            pthread_mutex_unlock(&service.mutex);
        }
        close(peer);
    }
    return NULL;
}

const char *rt_fuzz_service(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    pthread_t thread;

    if (service.listener >= 0)
        return service.url;
    service.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    RT_FUZZ_CHECK(service.listener >= 0 && !bind(service.listener, (struct sockaddr *)&address, length) &&
                  !listen(service.listener, 16) &&
                  !getsockname(service.listener, (struct sockaddr *)&address, &length));
    snprintf(service.url, sizeof service.url, "http://127.0.0.1:%d", ntohs(address.sin_port));
    setenv("MLFLOW_TRACKING_URI", service.url, 1);
    setenv("MLFLOW_TRACKING_TOKEN", RT_FUZZ_TOKEN, 1);
    setenv("COMET_URL_OVERRIDE", service.url, 1);
    setenv("COMET_API_KEY", RT_FUZZ_TOKEN, 1);
    setenv("HOME", "/nonexistent", 1);
    RT_FUZZ_CHECK(!pthread_create(&thread, NULL, serve, NULL) && !pthread_detach(thread));
    return service.url;
}

void rt_fuzz_service_answer(const uint8_t *bytes, size_t size)
{
    uint8_t *copy = bytes ? malloc(size + 1) : NULL;

    RT_FUZZ_CHECK(!bytes || copy);
    if (copy)
        memcpy(copy, bytes, size);
    pthread_mutex_lock(&service.mutex);
    free(service.bytes);
    service.bytes = copy;
    service.size = size;
    pthread_mutex_unlock(&service.mutex);
}

/* What was kept of the service holds no key, and can be read again. */
static void check_kept(const char *folder, const char *name)
{
    char file[64], *bytes;
    size_t size;

    snprintf(file, sizeof file, "%s.json", name);
    if (rt_entry_read(folder, file, 1 << 20, &bytes, &size, NULL))
        return;
    RT_FUZZ_CHECK(!strstr(bytes, RT_FUZZ_TOKEN));
    rt_free(&bytes);
}

int rt_fuzz_service_sync(const char *folder, const char *name)
{
    const struct rt_service *found = NULL;
    struct rt_sender *sender;
    struct rt_error err = {0};
    int rc;

    rt_fuzz_service();
    for (const struct rt_recorder_entry *entry = rt_recorder_entries; entry->kind; entry++)
        if (entry->kind->service && !strcmp(entry->name, name))
            found = entry->kind->service;
    RT_FUZZ_CHECK(found && !rt_alloc(&sender, 1, sizeof *sender, "a sender", &err));
    rc = rt_sender_open(sender, found, folder, "project", &err);
    rc = rc ? rc : rt_sender_pass(sender, &err);
    if (rc)
        rt_fuzz_check_error(rc, &err);
    RT_FUZZ_CHECK(!rc || !strstr(err.message, RT_FUZZ_TOKEN));
    rt_sender_close(sender);
    rt_free(&sender);
    check_kept(folder, name);
    return rc;
}
