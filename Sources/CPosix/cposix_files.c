#define _GNU_SOURCE
#include "cposix_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static int checked(int result) { return result < 0 ? -errno : result; }

int cposix_file_open(const char *path, int mode) {
    int flags = O_CLOEXEC;
    switch (mode) {
    case CPOSIX_OPEN_READ: flags |= O_RDONLY; break;
    case CPOSIX_OPEN_WRITE: flags |= O_RDWR; break;
    default: flags |= O_RDWR | O_CREAT | O_EXCL; break;
    }
    int descriptor;
    do {
        descriptor = open(path, flags, 0640);
    } while (descriptor < 0 && errno == EINTR);
    return checked(descriptor);
}

void cposix_file_close(int descriptor) { close(descriptor); }

int64_t cposix_file_read(int descriptor, void *bytes, size_t count, int64_t position) {
    size_t done = 0;
    while (done < count) {
        ssize_t got = pread(descriptor, (char *)bytes + done, count - done, position + done);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return -errno;
        if (got == 0) break;
        done += (size_t)got;
    }
    return (int64_t)done;
}

int64_t cposix_file_read_resident(
    int descriptor, void *bytes, size_t count, int64_t position) {
    size_t done = 0;
    while (done < count) {
        struct iovec rest = {(char *)bytes + done, count - done};
        ssize_t got = preadv2(descriptor, &rest, 1, position + (int64_t)done, RWF_NOWAIT);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0 && done > 0) break;
        // EOPNOTSUPP: the file system; ENOSYS: a kernel before 4.6, or a sandbox that forbids it.
        if (got < 0) return errno == EOPNOTSUPP || errno == ENOSYS ? -EAGAIN : -errno;
        if (got == 0) break;
        done += (size_t)got;
    }
    return (int64_t)done;
}

int64_t cposix_file_write(int descriptor, const void *bytes, size_t count, int64_t position) {
    size_t done = 0;
    while (done < count) {
        ssize_t put = pwrite(descriptor, (const char *)bytes + done, count - done, position + done);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return -errno;
        if (put == 0) return -EIO;
        done += (size_t)put;
    }
    return (int64_t)done;
}

int64_t cposix_file_size(int descriptor) {
    struct stat status;
    return fstat(descriptor, &status) < 0 ? -errno : status.st_size;
}

int cposix_file_truncate(int descriptor, int64_t size) {
    return checked(ftruncate(descriptor, size));
}

int cposix_file_preallocate(int descriptor, int64_t size) {
    return checked(fallocate(descriptor, FALLOC_FL_KEEP_SIZE, 0, size));
}

// No retry after EINTR or anything else: a sync that failed once must be seen to have failed.
int cposix_file_sync(int descriptor) { return checked(fdatasync(descriptor)); }

int cposix_file_lock(const char *path) {
    int descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (descriptor < 0) return -errno;
    if (flock(descriptor, LOCK_EX | LOCK_NB) == 0) return descriptor;
    int error = errno;
    close(descriptor);
    return -error;
}

int cposix_directory_create(const char *path) { return checked(mkdir(path, 0750)); }

int cposix_directory_sync(const char *path) {
    int descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return -errno;
    int result = checked(fsync(descriptor));
    close(descriptor);
    return result;
}

int cposix_directory_remove(const char *path) { return checked(rmdir(path)); }

int cposix_rename(const char *from, const char *to) { return checked(rename(from, to)); }

int cposix_remove(const char *path) { return checked(unlink(path)); }

static int is_directory(int parent, const struct dirent *entry) {
    if (entry->d_type != DT_UNKNOWN && entry->d_type != DT_LNK) return entry->d_type == DT_DIR;
    struct stat status;
    return fstatat(parent, entry->d_name, &status, 0) == 0 && S_ISDIR(status.st_mode);
}

int cposix_directory_list(
    const char *path, void *context,
    void (*entry)(void *context, const char *name, int is_directory)) {
    DIR *directory = opendir(path);
    if (!directory) return -errno;
    int result = 0;
    for (;;) {
        errno = 0;
        struct dirent *next = readdir(directory);
        if (!next) {
            result = -errno;
            break;
        }
        if (strcmp(next->d_name, ".") == 0 || strcmp(next->d_name, "..") == 0) continue;
        entry(context, next->d_name, is_directory(dirfd(directory), next));
    }
    closedir(directory);
    return result;
}

int cposix_error_kind(int error) {
    switch (error) {
    case ENOENT: return CPOSIX_ERROR_NOT_FOUND;
    case EEXIST: case ENOTEMPTY: return CPOSIX_ERROR_EXISTS;
    case ENOSPC: case EDQUOT: case EFBIG: return CPOSIX_ERROR_NO_SPACE;
    case EROFS: return CPOSIX_ERROR_READ_ONLY;
    case EACCES: case EPERM: return CPOSIX_ERROR_NOT_PERMITTED;
    case EIO: return CPOSIX_ERROR_IO;
    case EWOULDBLOCK: case EBUSY: return CPOSIX_ERROR_BUSY;
    case ENOTDIR: return CPOSIX_ERROR_NOT_A_DIRECTORY;
    case EMFILE: case ENFILE: return CPOSIX_ERROR_TOO_MANY_OPEN;
    default: return CPOSIX_ERROR_OTHER;
    }
}
