#ifndef CPOSIX_SOCKETS_H
#define CPOSIX_SOCKETS_H

#include <stddef.h>
#include <stdint.h>

#if __clang__
#pragma clang assume_nonnull begin
#endif

// An IPv4 or IPv6 address, in host byte order apart from the address bytes.
struct cposix_address {
    uint8_t is_ipv6;
    uint16_t port;
    uint32_t scope;
    uint8_t bytes[16];
};

struct cposix_event {
    uint64_t tag;
    uint32_t ready;
};

enum {
    cposix_ready_input = 1,
    cposix_ready_output = 2,
    cposix_ready_failed = 4,
};

enum { cposix_events_max = 256, cposix_address_text_size = 64 };

// Addresses
int cposix_resolve(const char *host, uint16_t port, struct cposix_address *out, int out_max);
int cposix_address_text(const struct cposix_address *address, char *text);

// Sockets
int cposix_socket(int is_ipv6, int is_blocking);
int cposix_bind_and_listen(int fd, const struct cposix_address *address, int backlog);
int cposix_connect(int fd, const struct cposix_address *address, int timeout_ms);
int cposix_accept(int fd, struct cposix_address *peer);
int cposix_local_address(int fd, struct cposix_address *address);
int cposix_set_no_delay(int fd);
int cposix_set_non_blocking(int fd);
int cposix_set_buffer_sizes(int fd, int receive, int send);
int cposix_set_read_timeout(int fd, int timeout_ms);
int cposix_reset_on_close(int fd);
int cposix_pending_error(int fd);
int cposix_shutdown_output(int fd);
ptrdiff_t cposix_receive(int fd, void *bytes, size_t size);
ptrdiff_t cposix_send(int fd, const void *bytes, size_t size);
int cposix_close(int fd);

// Readiness
int cposix_epoll_create(void);
int cposix_epoll_add(int epoll, int fd, uint32_t wanted, uint64_t tag);
int cposix_epoll_change(int epoll, int fd, uint32_t wanted, uint64_t tag);
int cposix_epoll_remove(int epoll, int fd);
int cposix_epoll_wait(int epoll, struct cposix_event *events, int timeout_ms);
int cposix_wake_create(void);
int cposix_wake_signal(int fd);
int cposix_wake_clear(int fd);
int cposix_timer_create(void);
int cposix_timer_set(int fd, int64_t nanoseconds);

#if __clang__
#pragma clang assume_nonnull end
#endif

#endif
