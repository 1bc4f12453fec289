// CChecksum computes CRC-32C (Castagnoli), the checksum of Kafka's record batches (KIP-98).
//
// It is C because the processors' CRC instructions have no Swift spelling. Each function continues
// from `crc`, the checksum of what came before (0 at the start), and reads `count` bytes from
// `bytes` at any alignment. The two ways to compute it are both visible, so that a test can hold
// them against each other.
#ifndef CCHECKSUM_H
#define CCHECKSUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// The fastest way that this processor knows.
uint32_t headwater_crc32c(uint32_t crc, const void *bytes, size_t count);

/// Slicing by eight: tables, any processor.
uint32_t headwater_crc32c_portable(uint32_t crc, const void *bytes, size_t count);

/// The CRC instructions. Call it only where `headwater_crc32c_has_hardware` is true.
uint32_t headwater_crc32c_hardware(uint32_t crc, const void *bytes, size_t count);

/// True where the processor has CRC-32C instructions (SSE4.2, ARMv8 CRC).
bool headwater_crc32c_has_hardware(void);

#endif
