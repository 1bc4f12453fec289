#!/usr/bin/env python3
"""Derives Tests/vectors/kafka-fields.tsv from Kafka's message definitions.

usage: scripts/kafka_fields.py [--check] [DEFINITIONS]

DEFINITIONS is a folder with Kafka's message definitions, by default ../shared/kafka-messages/4.3.
Where it is absent there is nothing to do. `--check` compares and changes nothing.

The table has a line for each field of each API in Sources/KafkaWire/KafkaAPI.swift, in the order in
which the fields stand in a message, for the versions of that API that the module knows.
"""

import json
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TABLE = os.path.join(ROOT, "Tests", "vectors", "kafka-fields.tsv")
HEADER = (
    "# Fields of Kafka's messages, by scripts/kafka_fields.py from the definitions of Kafka 4.3.\n"
    "# API key, direction, path, type, versions, versions with null, versions as a tagged field,\n"
    "# tag, default. A message has the path '.', and its flexible versions where fields have those\n"
    "# with null; a field whose default is the zero of its type has none.\n"
)


def known_versions():
    """Each API key that the module knows, with its least and largest version."""
    with open(os.path.join(ROOT, "Sources/KafkaWire/KafkaAPI.swift"), encoding="utf-8") as source:
        text = source.read()
    keys = re.findall(r"case (\w+) = (\d+)", text)
    ranges = dict((name, (int(low), int(high))) for name, low, high
                  in re.findall(r"case \.(\w+): (\d+)\.\.\.(\d+)", text))
    return {int(key): ranges[name] for name, key in keys}


def read_definition(path):
    with open(path, encoding="utf-8") as lines:
        text = "".join(line for line in lines if not line.lstrip().startswith("//"))
    return json.loads(re.sub(r"\s//.*$", "", text, flags=re.MULTILINE))


def clipped(text, low, high):
    """A range such as `3+` inside low to high; None when nothing of it is there."""
    if text in (None, "none"):
        return None
    first, _, last = text.partition("-")
    if first.endswith("+"):
        first, last = first[:-1], high
    low, high = max(low, int(first)), min(high, int(last if last != "" else first))
    return (low, high) if low <= high else None


def shown(versions):
    return "-" if versions is None else "%d-%d" % versions


def default_of(field):
    default = field.get("default")
    if default in (None, "", False, "false", 0, "0"):
        return "null" if default == "null" else "-"
    if default in (True, "true"):
        return "1"
    return default if default == "null" else str(int(str(default), 0))


def field_lines(fields, low, high, path, commons):
    for field in fields:
        versions = clipped(field["versions"], low, high)
        if versions is None:
            continue
        kind = field["type"]
        element = kind[2:] if kind.startswith("[]") else kind
        children = field.get("fields") or commons.get(element)
        shown_kind = kind[:len(kind) - len(element)] + ("struct" if children else element)
        name = path + field["name"]
        yield (name, shown_kind, shown(versions),
               shown(clipped(field.get("nullableVersions"), *versions)),
               shown(clipped(field.get("taggedVersions"), *versions)),
               str(field.get("tag", "-")), default_of(field))
        if children:
            yield from field_lines(children, *versions, name + ".", commons)


def message_lines(definition, low, high):
    versions = clipped(definition["validVersions"], low, high)
    flexible = clipped(definition["flexibleVersions"], *versions)
    start = (str(definition["apiKey"]), definition["type"])
    yield start + (".", "message", shown(versions), shown(flexible), "-", "-", "-")
    commons = {c["name"]: c["fields"] for c in definition.get("commonStructs", [])}
    for line in field_lines(definition["fields"], *versions, "", commons):
        yield start + line


def table(folder):
    known = known_versions()
    lines = []
    for name in os.listdir(folder):
        if not name.endswith(".json"):
            continue
        definition = read_definition(os.path.join(folder, name))
        key = definition.get("apiKey")
        if definition["type"] in ("request", "response") and key in known:
            message = list(message_lines(definition, *known[key]))
            lines.append(((key, definition["type"]), message))
    lines.sort(key=lambda entry: entry[0])
    return HEADER + "".join("\t".join(line) + "\n" for _, message in lines for line in message)


def main():
    arguments = [a for a in sys.argv[1:] if a != "--check"]
    shared = os.environ.get("HEADWATER_SHARED", os.path.join(os.path.dirname(ROOT), "shared"))
    folder = arguments[0] if arguments else os.path.join(shared, "kafka-messages", "4.3")
    if not os.path.isdir(folder):
        print(f"kafka_fields: no definitions in {folder}, so the table stays as it is")
        return
    text = table(folder)
    if "--check" not in sys.argv:
        with open(TABLE, "w", encoding="utf-8") as output:
            output.write(text)
        return
    with open(TABLE, encoding="utf-8") as present:
        if present.read() != text:
            sys.exit("kafka_fields: Tests/vectors/kafka-fields.tsv isn't what the definitions say")


main()
