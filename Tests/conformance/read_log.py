#!/usr/bin/env python3
"""Reads a Headwater data directory and checks every byte of it against Kafka's format.

It shares no code with Headwater: what both agree on is the format. Python 3.9 or later.

    read_log.py DIRECTORY [--partition NAME] [--json-records] [--allow-gaps] [--allow-torn-tail]
    read_log.py --self-test

Prints one JSON line a partition, with the first thing wrong in it and its place; the exit code is 1
then. DIRECTORY is a data directory or one partition's folder.
"""
import argparse
import bisect
import json
import pathlib
import struct
import sys
import zlib

from zstd_frames import Wrong, zstd_frame_size, zstd_library

HEADER = struct.Struct(">qiibIhiqqqhii")
CODECS = ("none", "gzip", "snappy", "lz4", "zstd")


def crc_table():
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table


CRC_TABLE = crc_table()


def crc32c(data):
    crc, table = 0xFFFFFFFF, CRC_TABLE
    for byte in data:
        crc = crc >> 8 ^ table[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


# --- records -------------------------------------------------------------------------------------


def decompress_records(codec, data, zstd):
    """The plain records, or None for a codec that this program cannot read."""
    if codec == "none":
        return data
    if codec == "gzip":
        return zlib.decompress(data, 31)
    if codec != "zstd":
        return None
    size = zstd_frame_size(data)
    if size != len(data):
        raise Wrong(f"the zstd frame has {size} bytes, the records have {len(data)}")
    return zstd(data)


class Fields:
    """Reads the parts of a record from front to back."""

    def __init__(self, data, position=0):
        self.data, self.position = data, position

    def take(self, count):
        part = self.data[self.position : self.position + count]
        if count < 0 or len(part) != count:
            raise Wrong(f"{count} bytes expected at byte {self.position}, {len(part)} are there")
        self.position += count
        return part

    def varint(self, bits=32):
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        if shift > 7 and byte == 0:
            raise Wrong(f"a varint before byte {self.position} is longer than it needs to be")
        if value >> bits:
            raise Wrong(f"a varint before byte {self.position} has more than {bits} bits")
        return value >> 1 ^ -(value & 1)

    def nullable_bytes(self):
        count = self.varint()
        return None if count == -1 else self.take(count)


def read_record(fields):
    """(timestamp delta, offset delta, key, value, headers) of the record at the cursor."""
    length = fields.varint()
    body = Fields(fields.take(length))
    attributes = body.take(1)[0]
    if attributes != 0:
        raise Wrong(f"the record has attributes {attributes:#x}; none is defined")
    time_delta, offset_delta = body.varint(64), body.varint()
    key, value = body.nullable_bytes(), body.nullable_bytes()
    count = body.varint()
    if count < 0:
        raise Wrong(f"the record has {count} headers")
    headers = []
    for _ in range(count):
        name = body.nullable_bytes()
        if name is None:
            raise Wrong("a header has no name")
        name.decode("utf-8")
        headers.append((name, body.nullable_bytes()))
    if body.position != length:
        raise Wrong(f"the record has {length} bytes, its parts have {body.position}")
    return time_delta, offset_delta, key, value, headers


class Batch:
    """One batch: its header, with everything checked that needs no neighbour."""

    def __init__(self, data, position, stored_max):
        if len(data) - position < HEADER.size:
            raise Wrong(f"{len(data) - position} bytes are left, a header takes {HEADER.size}")
        (self.base, length, self.epoch, magic, crc, attributes, self.last_delta, self.base_time,
         self.max_time, _, _, _, self.count) = HEADER.unpack_from(data, position)  # fmt: skip
        self.position, self.size = position, 12 + length
        if magic != 2:
            raise Wrong(f"magic is {magic}")
        if length < 49 or length > stored_max:
            raise Wrong(f"the batch length is {length}")
        if position + self.size > len(data):
            raise Wrong(f"a batch of {self.size} bytes, {len(data) - position} are left")
        covered = data[position + 21 : position + self.size]
        if crc32c(covered) != crc:
            raise Wrong(f"CRC is {crc32c(covered):08x}, the header says {crc:08x}")
        if attributes & 7 >= len(CODECS) or attributes >> 7:
            raise Wrong(f"attributes are {attributes:#x}")
        self.codec = CODECS[attributes & 7]
        self.log_append_time = bool(attributes & 8)
        self.last = self.base + self.last_delta
        self.body = data[position + HEADER.size : position + self.size]

    def records(self, zstd, gaps):
        """[(offset, timestamp, key, value, headers)], or None for a codec not readable here."""
        if self.count < 0 or self.last_delta < 0 or self.count > self.last_delta + 1:
            raise Wrong(f"{self.count} records, last offset delta {self.last_delta}")
        if self.count != self.last_delta + 1 and not gaps:
            raise Wrong(f"{self.count} records, last offset delta {self.last_delta}")
        plain = decompress_records(self.codec, self.body, zstd)
        if plain is None:
            return None
        self.plain_size = len(plain)
        fields, records, previous = Fields(plain), [], -1
        for index in range(self.count):
            try:
                time_delta, delta, key, value, headers = read_record(fields)
                if delta <= previous or delta > self.last_delta or delta != index and not gaps:
                    raise Wrong(f"its offset delta is {delta}, after {previous}")
                if index == 0 and time_delta != 0 and not gaps:
                    raise Wrong(f"the first timestamp delta is {time_delta}")
            except (Wrong, UnicodeDecodeError) as error:
                raise Wrong(f"record {index} (offset {self.base + index}): {error}") from None
            previous = delta
            time = self.max_time if self.log_append_time else self.base_time + time_delta
            records.append((self.base + delta, time, key, value, headers))
        if fields.position != len(plain):
            raise Wrong(f"{len(plain) - fields.position} bytes stand behind the last record")
        if records and max(record[1] for record in records) != self.max_time:
            raise Wrong(f"max timestamp is {self.max_time}, no record or a later one has it")
        return records


# --- segments ------------------------------------------------------------------------------------


def check_index(data, base, batches):
    if len(data) % 8:
        raise Wrong(f"{len(data)} bytes are no whole number of 8-byte entries")
    at = {batch.position: batch for batch in batches}
    previous = (-1, -1)
    for number in range(len(data) // 8):
        offset, position = struct.unpack_from(">Ii", data, 8 * number)
        if offset <= previous[0] or position <= previous[1]:
            raise Wrong(f"entry {number} ({offset}, {position}) is not above {previous}")
        batch = at.get(position)
        if batch is None:
            raise Wrong(f"entry {number} points at byte {position}, where no batch begins")
        if not batch.base <= base + offset <= batch.last:
            raise Wrong(
                f"entry {number} is for offset {base + offset}, "
                f"its batch has {batch.base} to {batch.last}"
            )
        previous = (offset, position)
    return len(data) // 8


def check_time_index(data, base, batches):
    if len(data) % 12:
        raise Wrong(f"{len(data)} bytes are no whole number of 12-byte entries")
    lasts = [batch.last for batch in batches]
    highest, so_far = [], -(1 << 63)
    for batch in batches:
        so_far = max(so_far, batch.max_time)
        highest.append(so_far)
    previous = (-(1 << 63), -1)
    for number in range(len(data) // 12):
        time, offset = struct.unpack_from(">qI", data, 12 * number)
        if time <= previous[0] or offset <= previous[1]:
            raise Wrong(f"entry {number} ({time}, {offset}) is not above {previous}")
        index = bisect.bisect_left(lasts, base + offset)
        if index == len(batches) or batches[index].base > base + offset:
            raise Wrong(f"entry {number} is for offset {base + offset}, which no batch has")
        if highest[index] != time or batches[index].max_time != time:
            raise Wrong(
                f"entry {number} says {time} for offset {base + offset}; its batch has "
                f"{batches[index].max_time}, the highest so far is {highest[index]}"
            )
        previous = (time, offset)
    return len(data) // 12


class Partition:
    """Walks one partition's folder; `error` is the first thing wrong, with its place."""

    def __init__(self, folder, options, zstd, on_record=None):
        self.folder, self.options, self.zstd, self.on_record = folder, options, zstd, on_record
        self.expected = self.epoch = None
        self.summary = {
            "partition": folder.name, "segments": 0, "batches": 0, "records": 0, "bytes": 0,
            "plain_bytes": 0, "codecs": {}, "index_entries": 0, "time_index_entries": 0,
            "batches_not_read": 0, "torn_bytes": 0, "first_offset": None, "next_offset": None,
            "leader_epochs": [], "max_timestamp": None,
        }  # fmt: skip

    def check(self):
        place = self.folder
        try:
            logs = sorted(self.folder.glob("*.log"))
            for log in logs:
                place = log
                batches = self.check_log(log, is_last=log == logs[-1])
                if self.summary["torn_bytes"]:
                    break  # Its indexes may be torn as well: recovery makes them anew.
                for suffix, check, key in (
                    (".index", check_index, "index_entries"),
                    (".timeindex", check_time_index, "time_index_entries"),
                ):
                    place = log.with_suffix(suffix)
                    if place.exists():
                        entries = check(place.read_bytes(), int(log.stem), batches)
                        self.summary[key] += entries
        except Wrong as error:
            self.summary["error"] = f"{place}: {error}"
        return self.summary

    def check_log(self, log, is_last):
        if len(log.stem) != 20 or not log.stem.isdigit():
            raise Wrong("the name is not a base offset of 20 digits")
        name, data = int(log.stem), log.read_bytes()
        if self.expected not in (None, name) and not (
            self.options.allow_gaps and name > self.expected
        ):
            raise Wrong(f"the segment before it ends with offset {self.expected - 1}")
        self.expected = name
        if self.summary["first_offset"] is None:
            self.summary["first_offset"] = name
        self.summary["segments"] += 1
        self.summary["bytes"] += len(data)
        batches, position = [], 0
        while position < len(data):
            try:
                batch = Batch(data, position, len(data))
            except Wrong as error:
                if is_last and self.options.allow_torn_tail:
                    self.summary["torn_bytes"] = len(data) - position
                    break
                raise Wrong(f"byte {position}: {error}") from None
            try:
                self.accept(batch)
            except (Wrong, zlib.error) as error:
                raise Wrong(f"byte {position}, offset {batch.base}: {error}") from None
            batches.append(batch)
            position += batch.size
        self.summary["next_offset"] = self.expected
        return batches

    def accept(self, batch):
        gap = batch.base - self.expected
        if gap < 0 or gap > 0 and not self.options.allow_gaps:
            raise Wrong(f"the base offset should be {self.expected}")
        if batch.epoch < 0 or self.epoch is not None and batch.epoch < self.epoch:
            raise Wrong(f"leader epoch {batch.epoch} comes after {self.epoch}")
        records = batch.records(self.zstd, self.options.allow_gaps)
        self.expected, self.epoch = batch.last + 1, batch.epoch
        summary = self.summary
        summary["batches"] += 1
        summary["codecs"][batch.codec] = summary["codecs"].get(batch.codec, 0) + 1
        if batch.epoch not in summary["leader_epochs"]:
            summary["leader_epochs"].append(batch.epoch)
        summary["max_timestamp"] = max(batch.max_time, summary["max_timestamp"] or batch.max_time)
        if records is None:
            summary["batches_not_read"] += 1
            return
        summary["records"] += len(records)
        summary["plain_bytes"] += batch.plain_size
        for record in records if self.on_record else ():
            self.on_record(self.folder.name, batch, record)


def print_record(folder_name, batch, record):
    topic, _, partition = folder_name.rpartition("-")
    offset, timestamp, key, value, headers = record

    def text(part):
        return None if part is None else part.hex()

    line = {
        "topic": topic,
        "partition": int(partition),
        "offset": offset,
        "timestamp": timestamp,
        "timestamp_type": "append" if batch.log_append_time else "create",
        "key": text(key),
        "value": text(value),
        "headers": [[name.decode("utf-8"), text(part)] for name, part in headers],
    }
    print(json.dumps(line, ensure_ascii=False))


def partition_folders(directory):
    if any(directory.glob("*.log")):
        return [directory]
    return sorted({log.parent for log in directory.glob("*-*/*.log")})


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("directory", nargs="?", type=pathlib.Path)
    parser.add_argument("--partition", help="only this folder")
    parser.add_argument("--json-records", action="store_true", help="summaries go to stderr then")
    parser.add_argument("--allow-gaps", action="store_true", help="for compacted topics")
    parser.add_argument("--allow-torn-tail", action="store_true", help="before recovery")
    parser.add_argument("--self-test", action="store_true")
    options = parser.parse_args()
    zstd = zstd_library()
    if options.self_test:
        import read_log_faults

        return read_log_faults.self_test(sys.modules[__name__], options, zstd)
    if options.directory is None or not options.directory.is_dir():
        parser.error("DIRECTORY is missing, or is no directory")
    folders = [
        folder
        for folder in partition_folders(options.directory)
        if options.partition in (None, folder.name)
    ]
    if not folders:
        sys.exit(f"read_log.py: no partition in {options.directory}")
    wrong = 0
    for folder in folders:
        on_record = print_record if options.json_records else None
        summary = Partition(folder, options, zstd, on_record).check()
        print(json.dumps(summary), file=sys.stderr if options.json_records else sys.stdout)
        wrong += "error" in summary
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
