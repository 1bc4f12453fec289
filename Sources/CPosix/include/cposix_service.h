// What a service tells its manager, and what it asks the system about itself.
#ifndef CPOSIX_SERVICE_H
#define CPOSIX_SERVICE_H

#include <stddef.h>
#include <stdint.h>

#if __clang__
#pragma clang assume_nonnull begin
#endif

// Sends one datagram to a Unix socket. A path that begins with '@' is an abstract name.
int cposix_notify(const char *path, const char *text, size_t size);
// Whether the descriptor is the file with these numbers.
int cposix_is_file(int fd, uint64_t device, uint64_t inode);
int cposix_disk_space(const char *path, uint64_t *available, uint64_t *total);
// Of all threads together.
int cposix_cpu_microseconds(int64_t *user, int64_t *system);
int cposix_descriptor_limit(uint64_t *limit);
int64_t cposix_page_size(void);
// The name and home folder of the user that this process runs as.
int cposix_user(char *name, size_t name_size, char *home, size_t home_size);
int cposix_current_directory(char *path, size_t size);
// The environment's entries one by one, NAME=VALUE; empty after the last.
const char *cposix_environment_entry(int index);

#if __clang__
#pragma clang assume_nonnull end
#endif


#endif
