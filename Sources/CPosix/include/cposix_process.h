#ifndef CPOSIX_PROCESS_H
#define CPOSIX_PROCESS_H

#include <semaphore.h>
#include <stddef.h>
#include <stdint.h>

#if __clang__
#pragma clang assume_nonnull begin
#endif

enum {
    cposix_signal_interrupt = 1,
    cposix_signal_terminate = 2,
    cposix_signal_hangup = 4,
    cposix_signal_pipe = 8,
};

int64_t cposix_monotonic_nanoseconds(void);
int64_t cposix_wall_milliseconds(void);
int cposix_random(void *bytes, size_t size);
int cposix_error_text(int code, char *text, size_t size);
int cposix_name_this_thread(const char *name);
// Waits until the monotonic clock shows `deadline` nanoseconds, and then answers -ETIMEDOUT.
int cposix_semaphore_wait(sem_t *semaphore, int64_t deadline);
int cposix_raise_descriptor_limit(uint64_t wanted, uint64_t *granted);

// Both take and answer with bits of cposix_signal_*.
int cposix_signals_block(int signals);
int cposix_signals_wait(int signals, int timeout_ms);

#if __clang__
#pragma clang assume_nonnull end
#endif

#endif
