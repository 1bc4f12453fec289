// The tables of CRC-32C, filled once at start from the polynomial instead of being printed here.
// Private to CChecksum.
#ifndef CRC_TABLES_H
#define CRC_TABLES_H

#include <stdint.h>

#define CRC_LANE_LONG 2048
#define CRC_LANE_SHORT 256

/// crc_slices[n][b]: byte b moved through the checksum, then n zero bytes.
extern uint32_t crc_slices[8][256];
/// crc_shift_X[i][b]: byte b at place i of a checksum, moved past a lane of zero bytes.
extern uint32_t crc_shift_long[4][256];
extern uint32_t crc_shift_short[4][256];

void crc_prepare_tables(void);

static inline uint32_t crc_shift(uint32_t crc, const uint32_t table[4][256]) {
    return table[0][crc & 0xff] ^ table[1][crc >> 8 & 0xff] ^ table[2][crc >> 16 & 0xff]
           ^ table[3][crc >> 24];
}

#endif
