import CChecksum

/// CRC-32C, the checksum of record batches.
public enum Checksum {
    /// The checksum of `bytes`, going on from `continuing`, the checksum of what stood before them.
    public static func crc32c(
        _ bytes: UnsafeRawBufferPointer,
        continuing: UInt32 = 0
    ) -> UInt32 {
        headwater_crc32c(continuing, bytes.baseAddress, bytes.count)
    }

    /// The same by tables alone, for the test that compares the two.
    package static func portableCRC32C(
        _ bytes: UnsafeRawBufferPointer,
        continuing: UInt32 = 0
    ) -> UInt32 {
        headwater_crc32c_portable(continuing, bytes.baseAddress, bytes.count)
    }

    /// The same by the processor's instructions; nil where it has none.
    package static func hardwareCRC32C(
        _ bytes: UnsafeRawBufferPointer,
        continuing: UInt32 = 0
    ) -> UInt32? {
        guard headwater_crc32c_has_hardware() else { return nil }
        return headwater_crc32c_hardware(continuing, bytes.baseAddress, bytes.count)
    }
}
