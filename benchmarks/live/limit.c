/* Limit: what a plain send() loop can do: the same bytes to every connection, no WebSocket library.
 *
 * usage: limit PORT CLIENTS HZ BYTES
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + t.tv_nsec;
}
int main(int argc, char **argv) {
    if (argc != 5) return 2;
    int port = atoi(argv[1]), wanted = atoi(argv[2]), size = atoi(argv[4]), one = 1;
    double hz = atof(argv[3]);
    struct rlimit files = {wanted + 100, wanted + 100};
    setrlimit(RLIMIT_NOFILE, &files);
    int *fds = calloc(wanted, sizeof *fds), listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(0x7f000001)};
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&at, sizeof at) || listen(listener, 4096)) { perror("bind"); return 2; }
    printf("ready\n");
    fflush(stdout);
    static const char yes[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
    char asked[4096];
    for (int i = 0; i < wanted; i++) {
        fds[i] = accept(listener, NULL, NULL);
        if (fds[i] < 0) return 2;
        setsockopt(fds[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        if (read(fds[i], asked, sizeof asked) <= 0 || send(fds[i], yes, sizeof yes - 1, 0) < 0) return 2;
        fcntl(fds[i], F_SETFL, O_NONBLOCK);
    }
    unsigned char *frame = calloc(1, size + 4);
    frame[0] = 0x81; frame[1] = 126; frame[2] = size >> 8; frame[3] = size & 255;
    memset(frame + 4, 'x', size);
    uint64_t due = now_ns();
    for (;;) {
        due += 1e9 / hz;
        int64_t wait = due - now_ns();
        if (wait > 0) { struct timespec t = {wait / 1000000000, wait % 1000000000}; nanosleep(&t, NULL); }
        int n = sprintf((char *)frame + 4, "{\"ts\":\"@@%llu\",", (unsigned long long)now_ns());
        frame[4 + n] = 'x';
        for (int i = 0; i < wanted; i++) send(fds[i], frame, size + 4, MSG_NOSIGNAL);
    }
}
