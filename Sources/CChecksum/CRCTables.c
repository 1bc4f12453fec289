#include "CRCTables.h"

#include <stddef.h>

uint32_t crc_slices[8][256];
uint32_t crc_shift_long[4][256];
uint32_t crc_shift_short[4][256];

// The Castagnoli polynomial with its bits mirrored: the lowest bit stands for the highest power.
static const uint32_t polynomial = 0x82f63b78;

static uint32_t past_zero_byte(uint32_t crc) {
    for (int bit = 0; bit < 8; bit++) {
        crc = crc >> 1 ^ ((crc & 1) != 0 ? polynomial : 0);
    }
    return crc;
}

static void prepare_shift(uint32_t table[4][256], size_t lane) {
    // Shifting is linear: 32 single bits say everything about the 1,024 entries.
    for (int bit = 0; bit < 32; bit++) {
        uint32_t moved = (uint32_t)1 << bit;
        for (size_t i = 0; i < lane; i++) {
            moved = moved >> 8 ^ crc_slices[0][moved & 0xff];
        }
        for (int byte = 1; byte < 256; byte++) {
            if (byte >> (bit % 8) & 1) {
                table[bit / 8][byte] ^= moved;
            }
        }
    }
}

void crc_prepare_tables(void) {
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = past_zero_byte(byte);
        for (int slice = 0; slice < 8; slice++) {
            crc_slices[slice][byte] = crc;
            crc = past_zero_byte(crc);
        }
    }
    prepare_shift(crc_shift_long, CRC_LANE_LONG);
    prepare_shift(crc_shift_short, CRC_LANE_SHORT);
}
