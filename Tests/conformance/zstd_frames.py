"""Finds the end of zstd frames (RFC 8878) and decompresses them, for read_log.py.

The decompressor is PyPI's `zstandard` or, without it, the system's libzstd.
"""
import ctypes
import ctypes.util
import sys

PLAIN_BYTES_MAX = 1 << 30


class Wrong(Exception):
    """What is wrong, to be completed with its place."""


def zstd_frame_size(data):
    """The size of the one frame at the front of `data` (RFC 8878, 3.1.1), from its own headers."""
    if data[:4] != b"\x28\xb5\x2f\xfd":
        raise Wrong("no standard zstd frame at the front of the records")
    descriptor = data[4] if len(data) > 4 else 0x18
    single_segment = descriptor >> 5 & 1
    size_bytes = (1 if single_segment else 0, 2, 4, 8)[descriptor >> 6]
    if descriptor & 3 or descriptor & 8:
        raise Wrong("the zstd frame names a dictionary or sets a reserved bit")
    position = 5 + (0 if single_segment else 1) + size_bytes
    last = False
    while not last:
        block = int.from_bytes(data[position : position + 3], "little")
        if position + 3 > len(data) or block >> 1 & 3 == 3:
            raise Wrong("a zstd block is cut off or of the reserved type")
        last = bool(block & 1)
        position += 3 + (1 if block >> 1 & 3 == 1 else block >> 3)
    return position + (4 if descriptor & 4 else 0)


def zstd_by_module():
    import zstandard

    def decompress(data):
        try:
            return zstandard.ZstdDecompressor().decompressobj().decompress(data)
        except zstandard.ZstdError as error:
            raise Wrong(f"zstd: {error}") from None

    return decompress


def zstd_by_system():
    name = ctypes.util.find_library("zstd")
    if name is None:
        sys.exit("read_log.py: no zstd here; install it with: pip install zstandard")
    library = ctypes.CDLL(name)
    library.ZSTD_decompress.restype = ctypes.c_size_t
    library.ZSTD_decompress.argtypes = [
        ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t,
    ]  # fmt: skip

    def decompress(data):
        room = 1 << 16
        while room <= PLAIN_BYTES_MAX:
            plain = ctypes.create_string_buffer(room)
            size = library.ZSTD_decompress(plain, room, bytes(data), len(data))
            if size <= room:
                return plain.raw[:size]
            if (1 << 64) - size != 70:  # ZSTD_error_dstSize_tooSmall
                break
            room *= 2
        raise Wrong(f"zstd: error {(1 << 64) - size}")

    return decompress


def zstd_library():
    try:
        return zstd_by_module()
    except ImportError:
        return zstd_by_system()
