"""Counts what a message costs: user instructions and allocations, by callgrind, as a difference.

Hardware counters are not to be had on every machine. Callgrind counts each instruction of the
process, those of the start too, so the broker runs twice, with few messages and with many.
"""

import os
import re
import shutil
import subprocess

from bench_brokers import HEADWATER, Failed, Headwater
from bench_loads import mqtt_address, run_bench

COUNTS = (20_000, 120_000)
LOADS = {
    "count/qos1-100B-50x64": ["--connections", 50, "--window", 64],
    "count/qos2-100B-50x64": ["--connections", 50, "--window", 64, "--qos", 2],
    "count/qos0-100B-50": ["--connections", 50, "--qos", 0],
}
ALLOCATORS = {"malloc", "calloc", "realloc", "posix_memalign", "aligned_alloc", "memalign"}


def count_all(only, settings):
    if not shutil.which("valgrind"):
        raise Failed("--count needs valgrind: apt install valgrind")
    rows = {}
    for name, arguments in LOADS.items():
        if only in name:
            rows[name] = count(arguments, settings)
    return rows


def count(arguments, settings):
    few, many = (measured(arguments, messages, settings) for messages in COUNTS)
    messages = COUNTS[1] - COUNTS[0]
    return {
        "user_instructions": (many["instructions"] - few["instructions"]) / messages,
        "allocations": (many["allocations"] - few["allocations"]) / messages,
        "faults": few["faults"] + many["faults"],
    }


def measured(arguments, messages, settings):
    broker = Headwater(settings)
    binary, found = broker.path("headwater"), broker.path("callgrind")
    # Callgrind cannot read the debug information of these binaries.
    subprocess.run(["objcopy", "--strip-debug", HEADWATER, binary], check=True)
    broker.binary = binary
    broker.wrapper = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={found}", "-q"]
    with broker:
        report = run_bench(broker, "mqtt", *mqtt_address(broker), *arguments,
                           "--messages", messages, "--patience", 120)
        broker.process.terminate()
        broker.process.wait(120)
        if not os.path.exists(found):
            raise Failed("callgrind wrote nothing")
        return {**read_callgrind(found), "faults": report["faults"]}


def read_callgrind(path):
    """The instructions of all, and the calls to the C library's allocator."""
    names, callee, calls, instructions = {}, None, 0, None
    reference = re.compile(r"cfn=\((\d+)\)(?: (.*))?")
    definition = re.compile(r"fn=\((\d+)\) (.*)")
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            if line.startswith("cfn="):
                number, name = reference.match(line.rstrip()).groups()
                if name:
                    names[number] = name
                callee = number
            elif line.startswith("fn="):
                found = definition.match(line.rstrip())
                if found:
                    names[found.group(1)] = found.group(2)
            elif line.startswith("calls=") and names.get(callee, "").split("@")[0] in ALLOCATORS:
                calls += int(line[6:].split()[0])
            elif line.startswith(("summary:", "totals:")):
                instructions = int(line.split()[1])
    if instructions is None:
        raise Failed("callgrind's file has no sum")
    return {"instructions": instructions, "allocations": calls}
