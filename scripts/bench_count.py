"""Counts what a message costs: user instructions and allocations, by callgrind, as a difference.

Hardware counters are not to be had on every machine. Callgrind counts each instruction of the
process, those of the start too, so the broker runs twice, with few messages and with many.
"""

import os
import re
import shutil
import subprocess

from bench_brokers import HEADWATER, Failed, Headwater
from bench_loads import kafka_address, mqtt_address, run_bench

# Messages in all; each is a multiple of the records that a produce request holds.
COUNTS = (20_000, 120_000)
MQTT = ["mqtt", "--connections", 50]
KAFKA = ["kafka-produce", "--partitions", 4, "--connections", 4]
# Name: the arguments of headwater-bench, and how many messages one of its units holds.
LOADS = {
    "count/qos1-100B-50x64": ([*MQTT, "--window", 64], 1),
    "count/qos2-100B-50x64": ([*MQTT, "--window", 64, "--qos", 2], 1),
    "count/qos0-100B-50": ([*MQTT, "--qos", 0], 1),
    "count/produce-200B-none": (KAFKA, 1_000),
    "count/produce-200B-zstd": ([*KAFKA, "--codec", "zstd"], 1_000),
    "count/produce-200B-one-a-request": ([*KAFKA, "--records", 1], 1),
}
ALLOCATORS = {"malloc", "calloc", "realloc", "posix_memalign", "aligned_alloc", "memalign"}


def count_all(only, settings):
    if not shutil.which("valgrind"):
        raise Failed("--count needs valgrind: apt install valgrind")
    rows = {}
    for name, (arguments, unit) in LOADS.items():
        if only in name:
            rows[name] = count(arguments, unit, settings)
    return rows


def count(arguments, unit, settings):
    few, many = (measured(arguments, messages // unit, settings) for messages in COUNTS)
    messages = COUNTS[1] - COUNTS[0]
    return {
        "user_instructions": (many["instructions"] - few["instructions"]) / messages,
        "allocations": (many["allocations"] - few["allocations"]) / messages,
        "faults": few["faults"] + many["faults"],
    }


def measured(arguments, units, settings):
    broker = Headwater(settings)
    binary, found = broker.path("headwater"), broker.path("callgrind")
    # Callgrind cannot read the debug information of these binaries.
    subprocess.run(["objcopy", "--strip-debug", HEADWATER, binary], check=True)
    broker.binary = binary
    broker.wrapper = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={found}", "-q"]
    with broker:
        address = mqtt_address(broker) if arguments[0] == "mqtt" else kafka_address(broker)
        quantity = "--messages" if arguments[0] == "mqtt" else "--requests"
        report = run_bench(broker, *arguments, *address, quantity, units, "--patience", 120)
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
