// Files and directories, one typed function a system call. A negative result is minus errno.
#ifndef CPOSIX_FILES_H
#define CPOSIX_FILES_H

#include <stddef.h>
#include <stdint.h>

enum cposix_open_mode {
    CPOSIX_OPEN_READ = 0,
    CPOSIX_OPEN_WRITE = 1,   // Reads and writes a file that exists.
    CPOSIX_OPEN_CREATE = 2,  // Reads and writes a file that must not exist yet.
};

enum cposix_error {
    CPOSIX_ERROR_OTHER = 0,
    CPOSIX_ERROR_NOT_FOUND = 1,
    CPOSIX_ERROR_EXISTS = 2,
    CPOSIX_ERROR_NO_SPACE = 3,
    CPOSIX_ERROR_READ_ONLY = 4,
    CPOSIX_ERROR_NOT_PERMITTED = 5,
    CPOSIX_ERROR_IO = 6,
    CPOSIX_ERROR_BUSY = 7,
    CPOSIX_ERROR_NOT_A_DIRECTORY = 8,
    CPOSIX_ERROR_TOO_MANY_OPEN = 9,
};

int cposix_file_open(const char *path, int mode);
void cposix_file_close(int descriptor);
// Reads until `count` bytes or the end of the file.
int64_t cposix_file_read(int descriptor, void *bytes, size_t count, int64_t position);
// The same, but stops in front of the first page that is not in memory. -EAGAIN when that is the
// very first one, or when the file system cannot tell.
int64_t cposix_file_read_resident(
    int descriptor, void *bytes, size_t count, int64_t position);
// Writes all of it, or fails.
int64_t cposix_file_write(int descriptor, const void *bytes, size_t count, int64_t position);
int64_t cposix_file_size(int descriptor);
int cposix_file_truncate(int descriptor, int64_t size);
// Keeps room on the disk past the file's end, whose size stays.
int cposix_file_preallocate(int descriptor, int64_t size);
int cposix_file_sync(int descriptor);
// Locks for this process alone; busy when another holds it.
int cposix_file_lock(const char *path);

int cposix_directory_create(const char *path);
int cposix_directory_sync(const char *path);
int cposix_directory_remove(const char *path);
int cposix_rename(const char *from, const char *to);
int cposix_remove(const char *path);

// Calls `entry` once for each name but "." and "..".
int cposix_directory_list(
    const char *path, void *context,
    void (*entry)(void *context, const char *name, int is_directory));

// Sorts an errno into what a program can act upon.
int cposix_error_kind(int error);

#endif
