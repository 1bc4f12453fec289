#define _GNU_SOURCE
#include "cposix_service.h"

#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/un.h>
#include <unistd.h>

int cposix_notify(const char *path, const char *text, size_t size) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(path);
    if (length == 0 || length >= sizeof address.sun_path)
        return -ENAMETOOLONG;
    memcpy(address.sun_path, path, length);
    if (path[0] == '@')
        address.sun_path[0] = 0;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    socklen_t address_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    ssize_t sent;
    do
        sent = sendto(fd, text, size, MSG_NOSIGNAL | MSG_DONTWAIT, (struct sockaddr *)&address,
                      address_size);
    while (sent < 0 && errno == EINTR);
    int result = sent < 0 ? -errno : 0;
    close(fd);
    return result;
}

int cposix_is_file(int fd, uint64_t device, uint64_t inode) {
    struct stat status;
    return fstat(fd, &status) == 0 && status.st_dev == device && status.st_ino == inode;
}

int cposix_disk_space(const char *path, uint64_t *available, uint64_t *total) {
    struct statvfs status;
    if (statvfs(path, &status) < 0)
        return -errno;
    *available = (uint64_t)status.f_bavail * status.f_frsize;
    *total = (uint64_t)status.f_blocks * status.f_frsize;
    return 0;
}

static int64_t microseconds(struct timeval time) {
    return (int64_t)time.tv_sec * 1000000 + time.tv_usec;
}

int cposix_cpu_microseconds(int64_t *user, int64_t *system) {
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) < 0)
        return -errno;
    *user = microseconds(usage.ru_utime);
    *system = microseconds(usage.ru_stime);
    return 0;
}

int cposix_descriptor_limit(uint64_t *limit) {
    struct rlimit found;
    if (getrlimit(RLIMIT_NOFILE, &found) < 0)
        return -errno;
    *limit = found.rlim_cur;
    return 0;
}

int64_t cposix_page_size(void) { return sysconf(_SC_PAGESIZE); }

static int copy(const char *text, char *out, size_t size) {
    size_t length = strlen(text);
    if (length >= size)
        return -ENAMETOOLONG;
    memcpy(out, text, length + 1);
    return 0;
}

int cposix_user(char *name, size_t name_size, char *home, size_t home_size) {
    char buffer[4096];
    struct passwd entry, *found = NULL;
    int code = getpwuid_r(geteuid(), &entry, buffer, sizeof buffer, &found);
    if (code != 0 || found == NULL)
        return code != 0 ? -code : -ENOENT;
    code = copy(entry.pw_name, name, name_size);
    return code != 0 ? code : copy(entry.pw_dir, home, home_size);
}

int cposix_current_directory(char *path, size_t size) {
    return getcwd(path, size) == NULL ? -errno : 0;
}

const char *cposix_environment_entry(int index) {
    return environ[index] == NULL ? "" : environ[index];
}
