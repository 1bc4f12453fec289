#define _GNU_SOURCE
#include "cposix_process.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <time.h>

int64_t cposix_monotonic_nanoseconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

int64_t cposix_wall_milliseconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

int cposix_random(void *bytes, size_t size) {
    size_t filled = 0;
    while (filled < size) {
        ssize_t count = getrandom((char *)bytes + filled, size - filled, 0);
        if (count < 0 && errno != EINTR)
            return -errno;
        if (count > 0)
            filled += (size_t)count;
    }
    return 0;
}

// The GNU strerror_r answers with a text that may lie elsewhere than in `text`.
int cposix_error_text(int code, char *text, size_t size) {
    const char *found = strerror_r(code, text, size);
    if (found != text) {
        strncpy(text, found, size - 1);
        text[size - 1] = 0;
    }
    return 0;
}

int cposix_name_this_thread(const char *name) { return -pthread_setname_np(pthread_self(), name); }

int cposix_semaphore_wait(sem_t *semaphore, int64_t deadline) {
    struct timespec time = {.tv_sec = deadline / 1000000000, .tv_nsec = deadline % 1000000000};
    int outcome;
    do
        outcome = sem_clockwait(semaphore, CLOCK_MONOTONIC, &time);
    while (outcome < 0 && errno == EINTR);
    return outcome < 0 ? -errno : 0;
}

// Raises the soft limit up to `wanted` as far as the hard limit allows; it never lowers it.
int cposix_raise_descriptor_limit(uint64_t wanted, uint64_t *granted) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return -errno;
    *granted = limit.rlim_cur;
    if (limit.rlim_cur >= wanted || limit.rlim_cur == limit.rlim_max)
        return 0;
    limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
        return -errno;
    *granted = limit.rlim_cur;
    return 0;
}

static const struct {
    int bit, number;
} known_signals[] = {
    {cposix_signal_interrupt, SIGINT},
    {cposix_signal_terminate, SIGTERM},
    {cposix_signal_hangup, SIGHUP},
    {cposix_signal_pipe, SIGPIPE},
};

enum { known_signal_count = sizeof known_signals / sizeof known_signals[0] };

static sigset_t set_of(int signals) {
    sigset_t set;
    sigemptyset(&set);
    for (int index = 0; index < known_signal_count; index++)
        if (signals & known_signals[index].bit)
            sigaddset(&set, known_signals[index].number);
    return set;
}

int cposix_signals_block(int signals) {
    sigset_t set = set_of(signals);
    return -pthread_sigmask(SIG_BLOCK, &set, NULL);
}

// Answers with the bit of the signal that came, zero after the timeout. Below zero: no timeout.
int cposix_signals_wait(int signals, int timeout_ms) {
    sigset_t set = set_of(signals);
    struct timespec limit = {timeout_ms / 1000, (long)(timeout_ms % 1000) * 1000000};
    int number;
    do
        number = timeout_ms < 0 ? sigwaitinfo(&set, NULL) : sigtimedwait(&set, NULL, &limit);
    while (number < 0 && errno == EINTR);
    if (number < 0)
        return errno == EAGAIN ? 0 : -errno;
    for (int index = 0; index < known_signal_count; index++)
        if (known_signals[index].number == number)
            return known_signals[index].bit;
    return 0;
}
