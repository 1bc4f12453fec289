"""The loads of scripts/bench, by name, and what is read from each one's report."""

import json
import os
import subprocess

from bench_brokers import LOOPBACK, Failed

BENCH = os.environ["HEADWATER_BENCH_BIN"]
KAFKA_TOPIC = "bench"
KAFKA_PARTITIONS = 4

# Name: the arguments of `headwater-bench mqtt`.
MQTT_LOADS = {
    "mqtt/qos1-100B-50x64": ["--connections", 50, "--window", 64],
    "mqtt/qos1-1KiB-50x64": ["--connections", 50, "--window", 64, "--payload", 1024],
    "mqtt/qos1-100B-1000x1": ["--connections", 1000, "--window", 1],
    "mqtt/qos1-100B-50x64-to-1": [
        "--connections", 50, "--window", 64, "--subscribers", 1, "--subscriber-qos", 1],
    "mqtt/qos1-100B-50x64-to-1-at-qos0": [
        "--connections", 50, "--window", 64, "--subscribers", 1],
    "mqtt/qos2-100B-50x64": ["--connections", 50, "--window", 64, "--qos", 2],
    "mqtt/qos0-100B-50": ["--connections", 50, "--qos", 0],
    "mqtt/puback-at-2000-a-second": ["--connections", 50, "--window", 64, "--rate", 2000],
}

# Name: the arguments of `headwater-bench kafka-produce`, and whether its records are then fetched.
KAFKA_LOADS = {
    "kafka/produce-200B-none": (["--connections", 4], True),
    "kafka/produce-200B-zstd": (["--connections", 4, "--codec", "zstd"], True),
    "kafka/produce-200B-one-a-request": (["--connections", 4, "--records", 1], False),
    "kafka/produce-200B-one-a-request-pipelined": (
        ["--connections", 4, "--records", 1, "--in-flight", 250], False),
    "kafka/answer-at-2000-a-second": (
        ["--connections", 4, "--records", 1, "--in-flight", 64, "--rate", 2000], False),
}

IDLE_LOAD = "mqtt/idle-connections"


def run_bench(broker, *arguments):
    """One run of headwater-bench: its JSON, with what was wrong under `faults`."""
    command = [BENCH, *map(str, arguments), "--json", "--broker-pid", str(broker.process.pid)]
    if broker.durability:  # Else the broker itself is asked.
        command += ["--durability", broker.durability]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          universal_newlines=True, timeout=900, check=False)
    if not done.stdout.startswith("{"):
        raise Failed(f"{' '.join(command)}: {done.stderr.strip() or done.returncode}")
    return json.loads(done.stdout)


def mqtt_address(broker):
    return ["--mqtt", f"{LOOPBACK}:{broker.mqtt}"]


def kafka_address(broker):
    return ["--kafka", f"{LOOPBACK}:{broker.kafka}"] if broker.kafka else []


def run_mqtt(broker, name, seconds):
    found = run_bench(broker, "mqtt", *mqtt_address(broker), *kafka_address(broker),
                      *MQTT_LOADS[name], "--seconds", seconds)
    return {name: mqtt_figures(found)}


def mqtt_figures(found):
    ends = found["memory"].get("published") or {}
    figures = {
        "per_second": found.get("deliveriesPerSecond") or found["messagesPerSecond"],
        "cpu_us": found.get("cpuMicrosecondsPerMessage"),
        "written_bytes": found.get("writtenBytesPerMessage"),
        "resident_bytes": ends.get("residentBytes"), "private_bytes": ends.get("privateBytes"),
        "peak_bytes": max(ends.get("peakResidentBytes", 0), found["memory"]["residentMax"]),
        "lost": found["counts"]["lost"], "faults": found["faults"],
        "durability": found["durability"],
    }
    return {**figures, **latency(found.get("acknowledgement"))}


def latency(summary):
    if not summary:
        return {}
    return {"p50_us": summary["p50"], "p99_us": summary["p99"], "p999_us": summary["p999"]}


def run_idle(broker, connections):
    found = run_bench(broker, "idle", *mqtt_address(broker), "--connections", connections,
                      "--seconds", 1)
    held = found["stillOpen"] == found["connections"]
    return {IDLE_LOAD: {
        "per_second": found["connectionsPerSecond"],
        "idle_resident_bytes": found["before"]["residentBytes"],
        "idle_private_bytes": found["before"]["privateBytes"],
        "bytes_per_connection": found["bytesPerConnection"],
        "durability": broker.durability, "faults": [] if held else [f"{found['stillOpen']} connections held"],
    }}


def run_kafka(broker, name, seconds):
    """Produces, then reads back what was produced; the fetch is a row of its own."""
    arguments, is_fetched = KAFKA_LOADS[name]
    topic = [*kafka_address(broker), "--topic", KAFKA_TOPIC]
    rows = {name: kafka_figures(
        run_bench(broker, "kafka-produce", *topic, "--partitions", KAFKA_PARTITIONS, *arguments,
                  "--seconds", seconds))}
    if is_fetched:
        rows[name.replace("produce", "fetch")] = kafka_figures(
            run_bench(broker, "kafka-fetch", *topic))
    return rows


def kafka_figures(found):
    memory = found.get("memory") or {}
    figures = {
        "per_second": found["recordsPerSecond"], "cpu_us": found.get("cpuMicrosecondsPerRecord"),
        "written_bytes": found.get("writtenBytesPerRecord"),
        "resident_bytes": memory.get("residentBytes"),
        "private_bytes": memory.get("privateBytes"), "peak_bytes": memory.get("peakResidentBytes"),
        "faults": found["faults"], "durability": found["durability"],
    }
    return {**figures, **latency(found.get("latency"))}
