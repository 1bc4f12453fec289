"""What scripts/bench does once everything is built: rounds, medians, comparison, baseline."""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys

import bench_count
from bench_brokers import Failed, Headwater, Mosquitto
from bench_loads import IDLE_LOAD, KAFKA_LOADS, MQTT_LOADS, run_idle, run_kafka, run_mqtt

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BASELINE = os.path.join(ROOT, "docs", "performance-baseline.json")

COLUMNS = {
    "per_second": "{:,.0f}/s", "p50_us": "p50 {:,.0f} µs", "p99_us": "p99 {:,.0f} µs",
    "p999_us": "p99.9 {:,.0f} µs", "cpu_us": "CPU {:.2f} µs",
    "written_bytes": "{:,.0f} B written", "user_instructions": "{:,.0f} instructions",
    "allocations": "{:.4f} allocations", "bytes_per_connection": "{:,.0f} B a connection",
}
MEBIBYTES = {"idle_resident_bytes": "idle", "idle_private_bytes": "idle private",
             "resident_bytes": "resident", "private_bytes": "private", "peak_bytes": "peak"}


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/bench")
    parser.add_argument("--peer", choices=["mosquitto"])
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("--set", action="append", default=[], dest="settings")
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--count", action="store_true")
    parser.add_argument("--json")
    options = parser.parse_args()
    options.rounds = options.rounds or (1 if options.quick else 3)
    options.seconds = options.seconds or (1 if options.quick else 4)
    options.connections = 1_000 if options.quick else 10_000
    if options.rounds < 1 or options.seconds <= 0:
        parser.error("--rounds and --seconds take numbers above 0")
    return options


def run_load(broker, name, options):
    if name in MQTT_LOADS:
        return run_mqtt(broker, name, options.seconds)
    if name == IDLE_LOAD:
        return run_idle(broker, options.connections)
    return run_kafka(broker, name, options.seconds)


def run_rounds(options):
    """Broker's name: row's name: a list of figures, one a round. The brokers take turns."""
    makers = [lambda: Headwater(options.settings)]
    if options.peer:
        makers.append(Mosquitto)
    found = {}
    for index in range(options.rounds):
        for name in [*MQTT_LOADS, IDLE_LOAD, *KAFKA_LOADS]:
            if options.only not in name:
                continue
            for make in makers:
                broker = make()
                if name in KAFKA_LOADS and broker.kafka is None:
                    continue
                print(f"round {index + 1}: {broker.name}: {name}", file=sys.stderr)
                with broker:
                    for row, figures in run_load(broker, name, options).items():
                        found.setdefault(broker.name, {}).setdefault(row, []).append(figures)
    return found


def medians(rounds):
    """The median of each figure; all faults of all rounds."""
    keys = {key for figures in rounds for key in figures} - {"faults", "durability"}
    row = {"durability": rounds[0].get("durability")}
    for key in sorted(keys):
        values = [figures[key] for figures in rounds if figures.get(key) is not None]
        if values:
            row[key] = statistics.median(values)
    row["faults"] = sorted({fault for figures in rounds for fault in figures["faults"]})
    return row


def text_of(row):
    words = [form.format(row[key]) for key, form in COLUMNS.items() if key in row]
    words += [f"{row[key] / 2**20:.1f} MiB {word}" for key, word in MEBIBYTES.items() if key in row]
    if row.get("lost"):
        words.append(f"{row['lost']:,.0f} dropped at QoS 0")
    return ", ".join(words)


def ratios(ours, peers):
    """Ours by the peer's, of all figures that both have."""
    return {key: ours[key] / peers[key] for key in ours
            if isinstance(ours[key], (int, float)) and peers.get(key)}


def comparison(name, row, peer, baseline):
    """How this run stands to the recorded one: by ratios to the peer where both have them, for the
    machine's own speed differs from day to day."""
    old = baseline.get("rows", {}).get(name)
    if not old:
        return "no baseline"
    now, before, what = row, old, "absolute"
    if peer and old.get("ratios"):
        now, before, what = ratios(row, peer), old["ratios"], "against the peer"
    words = [f"{key} {now[key] / before[key] - 1:+.0%}"
             for key in ("per_second", "p99_us", "cpu_us", "bytes_per_connection",
                         "idle_resident_bytes", "user_instructions", "allocations")
             if key in now and before.get(key)]
    return f"{what}, to the baseline: " + ", ".join(words)


def load_baseline():
    if not os.path.exists(BASELINE):
        return {}
    with open(BASELINE, encoding="utf-8") as file:
        return json.load(file)


def record(rows, peers, baseline, options):
    """Replaces what was measured now and keeps the rest."""
    kept = baseline.get("rows", {})
    for name, row in rows.items():
        entry = {**rounded(row), "durability": row.get("durability")}
        if name in peers:
            entry["peer"] = rounded(peers[name])
            entry["ratios"] = rounded(ratios(row, peers[name]))
        kept[name] = entry
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Linux {platform.release()}"
    whole = {"machine": machine, "rounds": options.rounds, "seconds": options.seconds,
             "rows": dict(sorted(kept.items()))}
    with open(BASELINE, "w", encoding="utf-8") as file:
        json.dump(whole, file, indent=1, sort_keys=True)
        file.write("\n")
    print(f"recorded in {os.path.relpath(BASELINE, ROOT)}")


def rounded(row):
    return {k: round(v, 4) for k, v in row.items() if isinstance(v, (int, float))}


def main():
    options = arguments()
    peers = {}
    if options.count:
        rows = bench_count.count_all(options.only, options.settings)
    else:
        found = run_rounds(options)
        rows = {name: medians(rounds) for name, rounds in found.get("headwater", {}).items()}
        peers = {name: medians(rounds) for name, rounds in found.get("mosquitto", {}).items()}
    if not rows:
        raise Failed(f"no load's name holds '{options.only}'")
    baseline = load_baseline()
    for name, row in rows.items():
        print(f"{name}    durability: {row.get('durability') or 'not asked'}")
        print(f"  headwater  {text_of(row)}")
        if name in peers:
            print(f"  mosquitto  {text_of(peers[name])}")
            if "per_second" in row:
                print(f"  ratio      {row['per_second'] / peers[name]['per_second']:.2f}")
        print(f"  {comparison(name, row, peers.get(name), baseline)}")
        for broker, faults in (("headwater", row["faults"]), ("mosquitto", faults_of(peers, name))):
            for fault in faults:
                print(f"  WRONG: {broker}: {fault}")
    if options.record:
        record(rows, peers, baseline, options)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"headwater": rows, "mosquitto": peers}, file, indent=1)
    return 1 if any(row["faults"] for row in rows.values()) else 0


def faults_of(peers, name):
    return peers[name]["faults"] if name in peers else []


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Failed, subprocess.SubprocessError) as error:
        print(f"bench: {error}", file=sys.stderr)
        sys.exit(2)
