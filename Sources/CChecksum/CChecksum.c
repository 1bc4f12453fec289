#include "CChecksum.h"
#include "CRCTables.h"

#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
#include <nmmintrin.h>
#define CRC_HARDWARE 1
#define CRC_TARGET __attribute__((target("sse4.2")))
#define CRC_STEP_8(crc, value) ((uint32_t)_mm_crc32_u64((crc), (value)))
#define CRC_STEP_1(crc, value) _mm_crc32_u8((crc), (value))
#elif defined(__aarch64__) && defined(__linux__)
#include <arm_acle.h>
#include <sys/auxv.h>
#define CRC_HARDWARE 1
#if defined(__clang__)
#define CRC_TARGET __attribute__((target("crc")))
#else
#define CRC_TARGET __attribute__((target("+crc")))
#endif
#define CRC_STEP_8(crc, value) __crc32cd((crc), (value))
#define CRC_STEP_1(crc, value) __crc32cb((crc), (value))
#else
#define CRC_HARDWARE 0
#endif

static inline uint64_t load_64(const uint8_t *bytes) {
    uint64_t value;
    memcpy(&value, bytes, sizeof value);
    return value;
}

uint32_t headwater_crc32c_portable(uint32_t crc, const void *bytes, size_t count) {
    const uint8_t *at = bytes;
    crc = ~crc;
    for (; count >= 8; at += 8, count -= 8) {
        uint64_t word = load_64(at);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        word = __builtin_bswap64(word);
#endif
        word ^= crc;
        crc = 0;
        for (int byte = 0; byte < 8; byte++) {
            crc ^= crc_slices[7 - byte][word >> (8 * byte) & 0xff];
        }
    }
    for (; count > 0; at++, count--) {
        crc = crc >> 8 ^ crc_slices[0][(crc ^ *at) & 0xff];
    }
    return ~crc;
}

#if CRC_HARDWARE

// One instruction takes three cycles but a new one can start each cycle, so three stretches of the
// input are worked on at once and joined by moving the first ones past the zeros of the later ones.
CRC_TARGET static inline __attribute__((always_inline)) uint32_t three_lanes(
    uint32_t crc, const uint8_t *at, size_t lane, const uint32_t shift[4][256]) {
    uint32_t second = 0;
    uint32_t third = 0;
    for (size_t i = 0; i < lane; i += 8) {
        crc = CRC_STEP_8(crc, load_64(at + i));
        second = CRC_STEP_8(second, load_64(at + lane + i));
        third = CRC_STEP_8(third, load_64(at + 2 * lane + i));
    }
    crc = crc_shift(crc, shift) ^ second;
    return crc_shift(crc, shift) ^ third;
}

CRC_TARGET uint32_t headwater_crc32c_hardware(uint32_t crc, const void *bytes, size_t count) {
    const uint8_t *at = bytes;
    crc = ~crc;
    for (; count > 0 && ((uintptr_t)at & 7) != 0; at++, count--) {
        crc = CRC_STEP_1(crc, *at);
    }
    for (; count >= 3 * CRC_LANE_LONG; at += 3 * CRC_LANE_LONG, count -= 3 * CRC_LANE_LONG) {
        crc = three_lanes(crc, at, CRC_LANE_LONG, crc_shift_long);
    }
    for (; count >= 3 * CRC_LANE_SHORT; at += 3 * CRC_LANE_SHORT, count -= 3 * CRC_LANE_SHORT) {
        crc = three_lanes(crc, at, CRC_LANE_SHORT, crc_shift_short);
    }
    for (; count >= 8; at += 8, count -= 8) {
        crc = CRC_STEP_8(crc, load_64(at));
    }
    for (; count > 0; at++, count--) {
        crc = CRC_STEP_1(crc, *at);
    }
    return ~crc;
}

#else

uint32_t headwater_crc32c_hardware(uint32_t crc, const void *bytes, size_t count) {
    return headwater_crc32c_portable(crc, bytes, count);
}

#endif

bool headwater_crc32c_has_hardware(void) {
#if defined(__x86_64__)
    unsigned int a, b, c, d;
    return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_SSE4_2) != 0;
#elif CRC_HARDWARE
    return (getauxval(AT_HWCAP) & (1u << 7)) != 0;  // HWCAP_CRC32
#else
    return false;
#endif
}

static bool use_hardware;

uint32_t headwater_crc32c(uint32_t crc, const void *bytes, size_t count) {
    return use_hardware ? headwater_crc32c_hardware(crc, bytes, count)
                        : headwater_crc32c_portable(crc, bytes, count);
}

// Runs before main, hence before any second thread.
__attribute__((constructor)) static void prepare(void) {
    crc_prepare_tables();
    use_hardware = headwater_crc32c_has_hardware();
}
