/* Load: many WebSocket readers in one epoll loop; says how many messages came, and how old.
 *
 * usage: load PORT PATH CLIENTS WARM_S FOR_S [option=value ...]
 *   first=TEXT     what every client sends once it is connected (binary=1: as a binary frame)
 *   pong=A:B       a text frame A is answered by a text frame B (heartbeats above WebSocket)
 *   stalled=N      so many clients never read
 *   slow=BYTES     one client reads so many bytes a second
 *   deflate=1      asks for compressed messages, as a browser does; then until= is any of those
 *   until=TEXT     storm: ends when every client has had a frame that has TEXT near its beginning
 * A message is "@@" and a CLOCK_MONOTONIC time in ns. Prints one JSON line.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define IN_FLIGHT 256
#define BUCKETS 4096
enum { CONNECTING, ASKED, OPEN, GONE };
typedef struct {
    int fd, state, done, stalled, slow;
    uint64_t messages;
    unsigned char *kept; /* the beginning of a frame whose end has not come yet */
    size_t have, room;
} Client;

static Client *clients;
static int wanted, opened, lost, finished, started, port;
static const char *path, *first_text = "", *ping_text, *pong_text, *until_text;
static int binary_first, stalled_clients, deflate;
static double slow_rate;
static uint64_t histogram[BUCKETS], slow_ages[BUCKETS], messages, bytes_read, worst_ns, counting_from;
static unsigned char shared[1 << 20];

static uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + t.tv_nsec;
}
/* 64 steps an octave: within 1.1 % */
static int bucket(uint64_t us) {
    if (us < 64) return (int)us;
    int top = 63 - __builtin_clzll(us);
    int found = (top - 5) * 64 + (int)((us >> (top - 6)) & 63);
    return found < BUCKETS ? found : BUCKETS - 1;
}
static double bucket_us(int b) {
    if (b < 64) return b;
    return (double)(((uint64_t)64 + (b & 63)) << (b / 64 - 1));
}
static double quantile(const uint64_t *h, double q) {
    uint64_t all = 0, seen = 0;
    for (int i = 0; i < BUCKETS; i++) all += h[i];
    for (int i = 0; i < BUCKETS && all; i++)
        if ((seen += h[i]) >= q * all) return bucket_us(i) / 1000.0;
    return 0;
}
static void speak(Client *c, int opcode, const char *text) {
    unsigned char frame[4096];
    size_t n = strlen(text), at = 2;
    if (n > 4000) exit(3);
    frame[0] = 0x80 | opcode;
    if (n < 126) frame[1] = 0x80 | n;
    else { frame[1] = 0x80 | 126; frame[2] = n >> 8; frame[3] = n & 255; at = 4; }
    memset(frame + at, 0, 4); /* a mask of zeros leaves the text as it is */
    memcpy(frame + at + 4, text, n);
    if (write(c->fd, frame, at + 4 + n) < 0) return;
}
static void leave(Client *c, int ep) {
    if (c->state == GONE) return;
    if (getenv("LOAD_SAYS")) fprintf(stderr, "gone in state %d errno %d\n", c->state, errno);
    epoll_ctl(ep, EPOLL_CTL_DEL, c->fd, NULL);
    close(c->fd);
    c->state = GONE;
    lost++;
}
static void heard(Client *c, const unsigned char *text, size_t n, uint64_t now) {
    if (ping_text && n == strlen(ping_text) && !memcmp(text, ping_text, n)) { speak(c, 1, pong_text); return; }
    if (until_text && !c->done && memmem(text, n < 200 ? n : 200, until_text, strlen(until_text))) { c->done = 1; finished++; }
    const unsigned char *at = text, *end = text + n;
    int counted = 0; /* a frame is one message, however many instants are merged in it */
    while ((at = memmem(at, end - at, "@@", 2))) {
        uint64_t sent = strtoull((const char *)at + 2, NULL, 10);
        at += 2;
        if (!counted) c->messages++;
        if (!counting_from || sent < counting_from) { counted = 1; continue; }
        if (counted < 2) messages++;
        counted = 2;
        uint64_t age = now > sent ? now - sent : 0;
        if (age > worst_ns && !c->slow) worst_ns = age;
        (c->slow ? slow_ages : histogram)[bucket(age / 1000)]++;
    }
}
/* Takes whole frames out; gives the bytes used. */
static size_t frames(Client *c, unsigned char *p, size_t n, uint64_t now, int ep) {
    size_t at = 0;
    while (n - at >= 2) {
        size_t head = 2, len = p[at + 1] & 127;
        if (len == 126) { if (n - at < 4) break; len = (p[at + 2] << 8) | p[at + 3]; head = 4; }
        else if (len == 127) {
            if (n - at < 10) break;
            len = 0;
            for (int i = 2; i < 10; i++) len = len << 8 | p[at + i];
            head = 10;
        }
        if (n - at < head + len) break;
        int opcode = p[at] & 15;
        if (deflate && (p[at] & 0x40)) { /* only snapshots are compressed */
            if (!c->done) { c->done = 1; finished++; }
            at += head + len;
            continue;
        }
        if (opcode == 8) { leave(c, ep); return n; }
        if (opcode == 9) {
            unsigned char pong[140] = {0x8a, 0x80 | (unsigned char)len};
            if (len < 126) { memcpy(pong + 6, p + at + head, len); if (write(c->fd, pong, 6 + len) < 0) return n; }
        } else {
            unsigned char after = p[at + head + len]; /* strtoull and memmem must stop here */
            p[at + head + len] = 0;
            heard(c, p + at + head, len, now);
            p[at + head + len] = after;
        }
        at += head + len;
    }
    return at;
}
static void took(Client *c, unsigned char *p, size_t n, int ep) {
    uint64_t now = now_ns();
    if (c->state == ASKED) {
        unsigned char *end = memmem(p, n, "\r\n\r\n", 4);
        if (!end) return; /* the answer is small: it comes whole */
        if (!memmem(p, n, " 101 ", 5)) { leave(c, ep); return; }
        c->state = OPEN;
        opened++;
        if (*first_text) speak(c, binary_first ? 2 : 1, first_text);
        n -= end + 4 - p;
        p = end + 4;
    }
    if (c->have) {
        if (c->room < c->have + n + 1) { c->room = (c->have + n) * 2 + 1; c->kept = realloc(c->kept, c->room); }
        memcpy(c->kept + c->have, p, n);
        c->have += n;
        size_t used = frames(c, c->kept, c->have, now, ep);
        if (c->state == GONE) return;
        memmove(c->kept, c->kept + used, c->have - used);
        c->have -= used;
        if (!c->have) { free(c->kept); c->kept = NULL; c->room = 0; }
        return;
    }
    size_t used = frames(c, p, n, now, ep);
    if (c->state == GONE || used == n) return;
    c->have = n - used;
    c->room = c->have * 2 + 1;
    c->kept = malloc(c->room);
    memcpy(c->kept, p + used, c->have);
}
static void start_one(int ep) {
    Client *c = &clients[started];
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (c->fd < 0) { perror("socket"); exit(2); }
    c->stalled = started < stalled_clients;
    c->slow = !c->stalled && slow_rate > 0 && started == wanted - 1;
    int small = 8192, one = 1;
    if (c->slow || c->stalled) setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    /* one address has 28,000 ports towards one server */
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(0x7f000001)};
    if (connect(c->fd, (struct sockaddr *)&to, sizeof to) < 0 && errno != EINPROGRESS) { perror("connect"); exit(2); }
    struct epoll_event e = {.events = EPOLLOUT, .data.u32 = started++};
    epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &e);
}
static void ask(Client *c, int ep, uint32_t number) {
    char text[600];
    int n = snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n%s\r\n", path, port,
        deflate ? "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n" : "");
    if (write(c->fd, text, n) != n) { leave(c, ep); return; }
    c->state = ASKED;
    struct epoll_event e = {.events = EPOLLIN, .data.u32 = number};
    epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &e);
}
static void option(char *text) {
    char *value = strchr(text, '=');
    if (!value) exit(2);
    *value++ = 0;
    if (!strcmp(text, "first")) first_text = value;
    else if (!strcmp(text, "binary")) binary_first = atoi(value);
    else if (!strcmp(text, "pong")) { ping_text = value; pong_text = strchr(value, ':') + 1; value[pong_text - value - 1] = 0; }
    else if (!strcmp(text, "stalled")) stalled_clients = atoi(value);
    else if (!strcmp(text, "slow")) slow_rate = atof(value);
    else if (!strcmp(text, "deflate")) deflate = atoi(value);
    else if (!strcmp(text, "until")) until_text = value;
    else exit(2);
}
int main(int argc, char **argv) {
    if (argc < 6) return 2;
    port = atoi(argv[1]); path = argv[2]; wanted = atoi(argv[3]);
    double warm = atof(argv[4]), lasts = atof(argv[5]);
    for (int i = 6; i < argc; i++) option(argv[i]);
    struct rlimit files = {wanted + 100, wanted + 100};
    setrlimit(RLIMIT_NOFILE, &files);
    clients = calloc(wanted, sizeof *clients);
    int ep = epoll_create1(0);
    uint64_t begun = now_ns(), opened_at = 0, slow_next = 0, ends = 0;
    struct epoll_event events[512];
    for (;;) {
        uint64_t now = now_ns();
        while (started < wanted && started - opened - lost < IN_FLIGHT) start_one(ep);
        if (!opened_at && opened + lost == wanted) {
            opened_at = now;
            fprintf(stderr, "open\n");
            if (!until_text) ends = now + (uint64_t)((warm + lasts) * 1e9);
        }
        if (opened_at && !until_text && !counting_from && now - opened_at > warm * 1e9) {
            counting_from = now;
            bytes_read = 0;
            fprintf(stderr, "counting\n");
        }
        if (ends && now >= ends) break;
        if (until_text && (finished + lost >= wanted || now - begun > lasts * 1e9)) break;
        int n = epoll_wait(ep, events, 512, 5);
        for (int i = 0; i < n; i++) {
            Client *c = &clients[events[i].data.u32];
            if (c->state == GONE) continue;
            if (c->state == CONNECTING) { ask(c, ep, events[i].data.u32); continue; }
            if (c->state == OPEN && (c->stalled || c->slow)) {
                epoll_ctl(ep, EPOLL_CTL_DEL, c->fd, NULL);
                continue;
            }
            ssize_t got = read(c->fd, shared, sizeof shared - 1);
            if (got > 0) { bytes_read += got; took(c, shared, got, ep); }
            else if (got == 0 || errno != EAGAIN) leave(c, ep);
        }
        if (slow_rate > 0 && opened_at && now >= slow_next) {
            Client *c = &clients[wanted - 1];
            slow_next = now + 50000000;
            size_t most = slow_rate / 20;
            ssize_t got = c->state == OPEN ? read(c->fd, shared, most < sizeof shared ? most : sizeof shared - 1) : 0;
            if (got > 0) took(c, shared, got, ep);
        }
    }
    uint64_t least = ~0ull, most = 0;
    for (int i = stalled_clients; i < wanted; i++) {
        if (clients[i].slow) continue;
        if (clients[i].messages < least) least = clients[i].messages;
        if (clients[i].messages > most) most = clients[i].messages;
    }
    printf("{\"open\":%d,\"lost\":%d,\"finished\":%d,\"connect_s\":%.4f,\"total_s\":%.4f,\"messages\":%llu,\"bytes\":%llu,"
        "\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%.3f,\"least\":%llu,\"most\":%llu,\"slow_p50_ms\":%.1f,\"slow_max_ms\":%.1f}\n",
        opened, lost, finished, (opened_at ? opened_at - begun : 0) / 1e9, (now_ns() - begun) / 1e9,
        (unsigned long long)messages, (unsigned long long)bytes_read, quantile(histogram, .5), quantile(histogram, .99),
        worst_ns / 1e6, (unsigned long long)least, (unsigned long long)most, quantile(slow_ages, .5), quantile(slow_ages, 1));
    return 0;
}
