/* The service of the fuzz targets: it answers with what it was given, also when the caller's bytes are gone by
 * the time that a connection asks. */
#include "service.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fuzz.h"

static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc";

static int connect_to(const char *url)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int peer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_port = htons((uint16_t)atoi(strrchr(url, ':') + 1));
    RT_FUZZ_CHECK(peer >= 0 && !connect(peer, (struct sockaddr *)&address, sizeof address));
    return peer;
}

static bool answers(int peer, const char *wanted)
{
    static const char request[] = "GET / HTTP/1.1\r\n\r\n";
    char got[256];
    size_t length = 0;
    ssize_t part;

    RT_FUZZ_CHECK(send(peer, request, sizeof request - 1, MSG_NOSIGNAL) == (ssize_t)sizeof request - 1);
    while ((part = recv(peer, got + length, sizeof got - length, 0)) > 0)
        length += (size_t)part;
    close(peer);
    return length == strlen(wanted) && !memcmp(got, wanted, length);
}

int main(void)
{
    char *bytes = strdup(answer);
    const char *url = rt_fuzz_service();
    bool kept, changed;
    int early;

    RT_FUZZ_CHECK(bytes);
    rt_fuzz_service_answer((const uint8_t *)bytes, strlen(bytes));
    early = connect_to(url);
    memset(bytes, 'x', strlen(bytes)); /* seen without a sanitizer too */
    free(bytes);
    kept = answers(early, answer);
    rt_fuzz_service_answer((const uint8_t *)"", 0);
    changed = answers(connect_to(url), "");
    printf("%s 1 - it answers with bytes that are gone\n%s 2 - an answer of nothing is one\n1..2\n",
           kept ? "ok" : "not ok", changed ? "ok" : "not ok");
    return !(kept && changed);
}
