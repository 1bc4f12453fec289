#define _GNU_SOURCE
#include "cposix_sockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define OR_ERRNO(call) ((call) < 0 ? -errno : 0)

static void from_system(const struct sockaddr_storage *from, struct cposix_address *to) {
    memset(to, 0, sizeof *to);
    if (from->ss_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)from;
        to->is_ipv6 = 1;
        to->port = ntohs(v6->sin6_port);
        to->scope = v6->sin6_scope_id;
        memcpy(to->bytes, &v6->sin6_addr, 16);
    } else if (from->ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)from;
        to->port = ntohs(v4->sin_port);
        memcpy(to->bytes, &v4->sin_addr, 4);
    }
}

static socklen_t to_system(const struct cposix_address *from, struct sockaddr_storage *to) {
    memset(to, 0, sizeof *to);
    if (from->is_ipv6) {
        struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)to;
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(from->port);
        v6->sin6_scope_id = from->scope;
        memcpy(&v6->sin6_addr, from->bytes, 16);
        return sizeof *v6;
    }
    struct sockaddr_in *v4 = (struct sockaddr_in *)to;
    v4->sin_family = AF_INET;
    v4->sin_port = htons(from->port);
    memcpy(&v4->sin_addr, from->bytes, 4);
    return sizeof *v4;
}

// Answers with the number of addresses, or zero when the name has none.
int cposix_resolve(const char *host, uint16_t port, struct cposix_address *out, int out_max) {
    struct addrinfo hints, *found = NULL;
    memset(&hints, 0, sizeof hints);
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    if (getaddrinfo(host, NULL, &hints, &found) != 0)
        return 0;
    int count = 0;
    for (struct addrinfo *each = found; each != NULL && count < out_max; each = each->ai_next) {
        if (each->ai_family != AF_INET && each->ai_family != AF_INET6)
            continue;
        struct sockaddr_storage storage;
        memcpy(&storage, each->ai_addr, each->ai_addrlen);
        from_system(&storage, &out[count]);
        out[count].port = port;
        count++;
    }
    freeaddrinfo(found);
    return count;
}

// The host alone, without port or brackets; `text` has cposix_address_text_size bytes.
int cposix_address_text(const struct cposix_address *address, char *text) {
    int family = address->is_ipv6 ? AF_INET6 : AF_INET;
    if (inet_ntop(family, address->bytes, text, cposix_address_text_size) == NULL)
        return -errno;
    if (address->is_ipv6 && address->scope != 0) {
        size_t used = strlen(text);
        snprintf(text + used, cposix_address_text_size - used, "%%%u", address->scope);
    }
    return 0;
}

int cposix_socket(int is_ipv6, int is_blocking) {
    int type = SOCK_STREAM | SOCK_CLOEXEC | (is_blocking ? 0 : SOCK_NONBLOCK);
    int fd = socket(is_ipv6 ? AF_INET6 : AF_INET, type, 0);
    return fd < 0 ? -errno : fd;
}

// SO_REUSEADDR takes over addresses in TIME_WAIT. A port that another process listens on stays an
// error, because SO_REUSEPORT is not set.
int cposix_bind_and_listen(int fd, const struct cposix_address *address, int backlog) {
    struct sockaddr_storage storage;
    socklen_t length = to_system(address, &storage);
    int on = 1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0)
        return -errno;
    if (address->is_ipv6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) < 0)
        return -errno;
    if (bind(fd, (struct sockaddr *)&storage, length) < 0)
        return -errno;
    return OR_ERRNO(listen(fd, backlog));
}

// Connects a blocking socket. The send timeout bounds connect(2) too; afterwards it bounds writes.
int cposix_connect(int fd, const struct cposix_address *address, int timeout_ms) {
    struct sockaddr_storage storage;
    socklen_t length = to_system(address, &storage);
    struct timeval limit = {timeout_ms / 1000, timeout_ms % 1000 * 1000};
    if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) < 0)
        return -errno;
    if (connect(fd, (struct sockaddr *)&storage, length) == 0)
        return 0;
    return errno == EINPROGRESS || errno == EAGAIN ? -ETIMEDOUT : -errno;
}

int cposix_accept(int fd, struct cposix_address *peer) {
    struct sockaddr_storage storage;
    socklen_t length = sizeof storage;
    memset(&storage, 0, sizeof storage);
    int accepted = accept4(fd, (struct sockaddr *)&storage, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (accepted < 0)
        return -errno;
    from_system(&storage, peer);
    return accepted;
}

int cposix_local_address(int fd, struct cposix_address *address) {
    struct sockaddr_storage storage;
    socklen_t length = sizeof storage;
    memset(&storage, 0, sizeof storage);
    if (getsockname(fd, (struct sockaddr *)&storage, &length) < 0)
        return -errno;
    from_system(&storage, address);
    return 0;
}

int cposix_set_no_delay(int fd) {
    int on = 1;
    return OR_ERRNO(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
}

int cposix_set_non_blocking(int fd) { return OR_ERRNO(fcntl(fd, F_SETFL, O_NONBLOCK)); }

// A size of zero leaves the kernel's own choice.
int cposix_set_buffer_sizes(int fd, int receive, int send) {
    if (receive > 0 && setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive, sizeof receive) < 0)
        return -errno;
    if (send > 0 && setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send, sizeof send) < 0)
        return -errno;
    return 0;
}

int cposix_set_read_timeout(int fd, int timeout_ms) {
    struct timeval limit = {timeout_ms / 1000, timeout_ms % 1000 * 1000};
    return OR_ERRNO(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit));
}

int cposix_reset_on_close(int fd) {
    struct linger at_once = {1, 0};
    return OR_ERRNO(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once));
}

int cposix_pending_error(int fd) {
    int code = 0;
    socklen_t length = sizeof code;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &length) < 0)
        return -errno;
    return -code;
}

int cposix_shutdown_output(int fd) { return OR_ERRNO(shutdown(fd, SHUT_WR)); }

ptrdiff_t cposix_receive(int fd, void *bytes, size_t size) {
    ssize_t count;
    do
        count = recv(fd, bytes, size, 0);
    while (count < 0 && errno == EINTR);
    return count < 0 ? -errno : count;
}

ptrdiff_t cposix_send(int fd, const void *bytes, size_t size) {
    ssize_t count;
    do
        count = send(fd, bytes, size, MSG_NOSIGNAL);
    while (count < 0 && errno == EINTR);
    return count < 0 ? -errno : count;
}

int cposix_close(int fd) { return OR_ERRNO(close(fd)); }

static uint32_t to_epoll(uint32_t wanted) {
    return (wanted & cposix_ready_input ? EPOLLIN : 0) |
           (wanted & cposix_ready_output ? EPOLLOUT : 0);
}

static int control(int epoll, int operation, int fd, uint32_t wanted, uint64_t tag) {
    struct epoll_event event = {.events = to_epoll(wanted), .data = {.u64 = tag}};
    return OR_ERRNO(epoll_ctl(epoll, operation, fd, &event));
}

int cposix_epoll_create(void) {
    int fd = epoll_create1(EPOLL_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int cposix_epoll_add(int epoll, int fd, uint32_t wanted, uint64_t tag) {
    return control(epoll, EPOLL_CTL_ADD, fd, wanted, tag);
}

int cposix_epoll_change(int epoll, int fd, uint32_t wanted, uint64_t tag) {
    return control(epoll, EPOLL_CTL_MOD, fd, wanted, tag);
}

int cposix_epoll_remove(int epoll, int fd) { return control(epoll, EPOLL_CTL_DEL, fd, 0, 0); }

// `events` has room for cposix_events_max.
int cposix_epoll_wait(int epoll, struct cposix_event *events, int timeout_ms) {
    struct epoll_event found[cposix_events_max];
    int count = epoll_wait(epoll, found, cposix_events_max, timeout_ms);
    if (count < 0)
        return errno == EINTR ? 0 : -errno;
    for (int index = 0; index < count; index++) {
        uint32_t ready = found[index].events;
        events[index].tag = found[index].data.u64;
        events[index].ready = (ready & EPOLLIN ? cposix_ready_input : 0) |
                              (ready & EPOLLOUT ? cposix_ready_output : 0) |
                              (ready & (EPOLLERR | EPOLLHUP) ? cposix_ready_failed : 0);
    }
    return count;
}

int cposix_wake_create(void) {
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int cposix_wake_signal(int fd) {
    uint64_t one = 1;
    return OR_ERRNO(write(fd, &one, sizeof one));
}

int cposix_wake_clear(int fd) {
    uint64_t count;
    return OR_ERRNO(read(fd, &count, sizeof count));
}

int cposix_timer_create(void) {
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

// Readable once the monotonic clock reaches that time; setting it again also makes it unreadable.
int cposix_timer_set(int fd, int64_t nanoseconds) {
    struct itimerspec at = {.it_value = {nanoseconds / 1000000000, nanoseconds % 1000000000}};
    return OR_ERRNO(timerfd_settime(fd, TFD_TIMER_ABSTIME, &at, NULL));
}
