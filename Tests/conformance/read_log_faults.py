"""The self-test of read_log.py: writes a small partition, breaks it in every way, and counts what
the reader misses. Run it by `read_log.py --self-test`.
"""
import json
import pathlib
import shutil
import struct
import sys
import tempfile


def crc32c(data):
    """Bit by bit, so that the reader's table is checked by something else."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF



def varint(value, padding=0):
    value = value << 1 ^ value >> 63
    parts = []
    while value >= 0x80:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    if padding:
        parts[-1] |= 0x80
        parts += [0x80] * (padding - 1) + [0]
    return bytes(parts)


def make_record(delta, time_delta, fault):
    headers = varint(1) + varint(3) + b"qos" + varint(1) + b"1"
    if fault == "header without a name":
        headers = varint(1) + varint(-1) + varint(1) + b"1"
    if fault == "header count":
        headers = varint(2) + headers[1:]
    if fault == "header name is not UTF-8":
        headers = headers.replace(b"qos", b"q\xff\xff")
    body = bytes([1 if fault == "record attributes" else 0])
    body += varint(time_delta) + varint(delta, padding=fault == "padded varint")
    body += varint(-2 if fault == "key length" else -1) + varint(5) + b"value" + headers
    return varint(len(body) + (fault == "record length")) + body


def raw_zstd_frame(plain, fault):
    """A frame of one raw block: it needs no compressor."""
    block = (len(plain) << 3 | 1).to_bytes(3, "little") + plain
    frame = b"\x28\xb5\x2f\xfd\xa0" + len(plain).to_bytes(4, "little") + block
    return {
        "zstd magic": b"\x00" + frame[1:],
        "zstd content size": frame[:5] + b"\x01" + frame[6:],
        "zstd frame cut": frame[:-1],
        "two zstd frames": frame + frame,
    }.get(fault, frame)


def make_batch(base, epoch, codec, fault=""):
    """Three records, 10 ms apart, from time 1000 + 100 * base on; `fault` breaks one thing."""
    deltas = [0, 1, 3] if fault == "offset delta" else [0, 1, 2]
    shift = 5 if fault == "base timestamp" else 0
    body = b"".join(
        make_record(delta, 10 * delta + shift, fault if delta == 1 else "") for delta in deltas
    )
    body += b"\x00" if fault == "bytes behind the records" else b""
    if codec == 4:
        body = raw_zstd_frame(body, fault)
    first = 1000 + 100 * base - shift
    highest = first + shift + 20 + (fault == "max timestamp")
    count = {"record count": 2, "negative record count": -1}.get(fault, 3)
    attributes = 7 if fault == "unknown codec" else codec
    covered = struct.pack(">hiqqqhii", attributes, 2, first, highest, -1, -1, -1, count) + body
    base += {"base offset ahead": 1, "base offset behind": -1}.get(fault, 0)
    epoch = {"leader epoch falls": 0, "leader epoch missing": -1}.get(fault, epoch)
    magic = 1 if fault == "magic" else 2
    length = 48 if fault == "batch length" else len(covered) + 9
    crc = crc32c(covered) ^ (fault == "CRC")
    return struct.pack(">qiibI", base, length, epoch, magic, crc) + covered


BATCH_FAULTS = (
    "header without a name|header count|header name is not UTF-8|record attributes|padded varint|"
    "key length|record length|zstd magic|zstd content size|zstd frame cut|two zstd frames|"
    "offset delta|base timestamp|bytes behind the records|max timestamp|record count|"
    "negative record count|unknown codec|base offset ahead|base offset behind|leader epoch falls|"
    "leader epoch missing|magic|batch length|CRC"
).split("|")


def make_partition(folder, fault=""):
    """Two segments of two batches; the fault goes into the third batch."""
    folder.mkdir(parents=True)
    for start in (0, 6):
        epoch, codec = (2, 4) if start else (1, 0)
        first = make_batch(start, epoch, codec, fault if start else "")
        data = first + make_batch(start + 3, epoch, 0)
        name = f"{start:020}"
        (folder / f"{name}.log").write_bytes(data)
        index = struct.pack(">IiIi", 2, 0, 5, len(first))
        times = [1000 + 100 * (start + 3 * batch) + 20 for batch in (0, 1)]
        (folder / f"{name}.index").write_bytes(index)
        (folder / f"{name}.timeindex").write_bytes(struct.pack(">qIqI", times[0], 2, times[1], 5))


def file_faults(folder):
    """(what is broken, how to break it) for everything outside a batch's own making."""
    second = folder / "00000000000000000006.log"
    index, times = second.with_suffix(".index"), second.with_suffix(".timeindex")

    def change(path, make):
        path.write_bytes(make(path.read_bytes()))

    def flip(path, at, bit=0):
        change(path, lambda d: d[:at] + bytes([d[at] ^ 1 << bit]) + d[at + 1 :])

    # The leader epoch lies outside the checksum: a higher one shows only in the batch after it.
    size, last = len(second.read_bytes()), struct.unpack(">IIII", index.read_bytes())[3]
    for at in range(size):
        if at not in range(last + 12, last + 16):
            yield f"bit of log byte {at}", lambda at=at: flip(second, at, at % 8)
        yield f"log cut to {at}", lambda at=at: change(second, lambda d: d[:at])
    for at in range(16):
        yield f"bit of index byte {at}", lambda at=at: flip(index, at, 2)
    for at in range(24):
        yield f"bit of time index byte {at}", lambda at=at: flip(times, at, 2)
    yield "zero tail", lambda: change(second, lambda d: d + bytes(61))
    yield "index cut", lambda: change(index, lambda d: d[:-1])
    yield "index repeats", lambda: change(index, lambda d: d[:8] + d[:8])
    yield "time index cut", lambda: change(times, lambda d: d[:-1])
    yield "time index repeats", lambda: change(times, lambda d: d[:12] + d[:12])
    yield "first segment empty", lambda: second.with_name(f"{0:020}.log").write_bytes(b"")
    for name in ("7", f"{7:020}", f"{5:020}"):
        renamed = second.with_name(f"{name}.log")
        yield f"segment named {name}", lambda renamed=renamed: second.rename(renamed)


def self_test(reader, options, zstd):
    missed, tried = [], 0
    with tempfile.TemporaryDirectory() as scratch:
        good, bad = pathlib.Path(scratch, "t-0"), pathlib.Path(scratch, "t-1")
        make_partition(good)
        summary = reader.Partition(good, options, zstd).check()
        if "error" in summary or summary["records"] != 12 or summary["next_offset"] != 12:
            sys.exit(f"self-test: a right partition is refused: {summary}")
        if reader.crc32c(b"123456789") != 0xE3069283:
            sys.exit("self-test: CRC-32C is wrong")

        def must_be_refused(what):
            nonlocal tried
            tried += 1
            if "error" not in reader.Partition(bad, options, zstd).check():
                missed.append(what)
            shutil.rmtree(bad)

        for fault in BATCH_FAULTS:
            make_partition(bad, fault)
            must_be_refused(fault)
        names = [name for name, _ in file_faults(good)]
        for number, name in enumerate(names):
            shutil.copytree(good, bad)
            list(file_faults(bad))[number][1]()
            must_be_refused(name)
    print(json.dumps({"self_test": "failed" if missed else "passed", "faults": tried,
                      "missed": missed}))  # fmt: skip
    return 1 if missed else 0

