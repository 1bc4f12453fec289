"""The layers: which target may import what, and which target may depend on which.

Package.swift says what a target depends on; this table says what Package.swift may say, and what
it can't say: C modules, Foundation and its like.
"""

import re

from tidy_text import Violation, read_lines

# A target depends only on targets of lower layers, or of its own layer where SAME_LAYER says so.
LAYERS = {
    "CPosix": 0, "CChecksum": 0, "CZstd": 0, "CZlib": 0, "CLz4": 0, "CSnappy": 0,
    "BrokerModel": 1, "Posix": 1,
    "MQTTWire": 2, "RecordFormat": 2, "KafkaWire": 2,
    "MQTTSessions": 3, "KafkaSessions": 3, "StreamRules": 3,
    "CommitLog": 4, "EventLoop": 4,
    "Partitions": 5,
    "Ingest": 6, "BrokerConfiguration": 6,
    "MQTTServer": 7, "KafkaServer": 7, "AdminServer": 7,
    "headwater": 8, "headwater-bench": 8,
    "HeadwaterTesting": 9,
}

# The two faces meet only in the log.
MQTT_COLUMN = {"MQTTWire", "MQTTSessions", "MQTTServer", "Ingest"}
KAFKA_COLUMN = {"KafkaWire", "KafkaSessions", "KafkaServer"}

# Each C module is lent out by one target.
C_LENDERS = {
    "CPosix": "Posix", "CChecksum": "RecordFormat", "CZstd": "RecordFormat",
    "CZlib": "RecordFormat", "CLz4": "RecordFormat", "CSnappy": "RecordFormat",
}

ROOTS = {"headwater", "headwater-bench"}

# Modules that come with the toolchain or a package, and who may import them. `None`: everybody.
OUTSIDE = {
    "Synchronization": None,
    "Glibc": {"Posix"},
    "Foundation": {"BrokerConfiguration"} | ROOTS,
    "FoundationEssentials": {"BrokerConfiguration"} | ROOTS,
    "Dispatch": ROOTS,
    "ArgumentParser": ROOTS,
    "Logging": {"AdminServer"} | ROOTS,
    "Yams": {"BrokerConfiguration"},
    "HummingbirdCore": {"AdminServer"}, "HTTPTypes": {"AdminServer"},
    "NIOCore": {"AdminServer"}, "NIOPosix": {"AdminServer"}, "NIOHTTPTypes": {"AdminServer"},
    "ServiceLifecycle": {"AdminServer"},
    "Histogram": {"headwater-bench"},
    "Testing": set(),
}
# Foundation: tests read recorded facts, which are JSON.
TESTS_MAY_IMPORT = {"Foundation", "Testing", "Synchronization"}

IMPORT = re.compile(
    r"^\s*(?:@\w+(?:\([^)]*\))?\s+)*(?:public\s+|package\s+|internal\s+|fileprivate\s+|private\s+)?"
    r"import\s+(?:struct|class|enum|protocol|func|var|let|typealias\s+)?\s*(\w+)")


def dependency_names(target):
    for dependency in target["dependencies"]:
        kind = "byName" if "byName" in dependency else (
            "target" if "target" in dependency else "product")
        yield dependency[kind][0]


def check(root, paths, targets):
    found = []
    declared = {target["name"]: set(dependency_names(target)) for target in targets}
    for target in targets:
        found += check_target(target, declared)
    for path in paths:
        parts = path.split("/")
        if path.endswith(".swift") and len(parts) > 2 and parts[0] in ("Sources", "Tests"):
            found += check_file(root, path, parts[1], declared)
    return found


def check_target(target, declared):
    """Whether Package.swift keeps the layers."""
    name = target["name"]
    if target["type"] == "test":
        return
    if name not in LAYERS:
        yield violation("Package.swift", 1, f"target {name} has no layer in tidy_imports.py")
        return
    for dependency in sorted(declared[name]):
        if dependency in OUTSIDE:
            if not may_import_outside(name, dependency):
                yield violation("Package.swift", 1, f"{name} may not depend on {dependency}")
        elif dependency not in LAYERS:
            yield violation("Package.swift", 1, f"{dependency} is not in tidy_imports.py")
        elif LAYERS[dependency] >= LAYERS[name]:
            yield violation(
                "Package.swift", 1, f"{name} depends on {dependency}, which is not below it")
        elif C_LENDERS.get(dependency, name) != name:
            yield violation(
                "Package.swift", 1, f"only {C_LENDERS[dependency]} may depend on {dependency}")
    columns = declared[name] | {name}
    if name not in ROOTS and columns & MQTT_COLUMN and columns & KAFKA_COLUMN:
        yield violation("Package.swift", 1, f"{name} joins the MQTT and the Kafka column")


def may_import_outside(target, module):
    return OUTSIDE[module] is None or target in OUTSIDE[module]


def check_file(root, path, target, declared):
    is_test = path.startswith("Tests/")
    for number, line in enumerate(read_lines(root, path), 1):
        match = IMPORT.match(line)
        if not match:
            continue
        module = match.group(1)
        if module in C_LENDERS and C_LENDERS[module] != target:
            yield violation(path, number, f"only {C_LENDERS[module]} imports {module}")
        elif module in declared.get(target, ()):
            continue
        elif module in OUTSIDE:
            tested = target[:-len("Tests")] if is_test else target
            allowed = may_import_outside(tested, module) or (is_test and module in TESTS_MAY_IMPORT)
            if not allowed:
                yield violation(path, number, f"{target} may not import {module}")
        else:
            yield violation(path, number, f"{target} does not declare {module}")


def violation(path, line, text):
    return Violation("layers", path, line, text)
