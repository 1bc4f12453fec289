"""Plants one violation of each rule in a copy of the repository, and sees it found."""

import copy
import os
import shutil
import subprocess
import tempfile

# (rule, file, text to append). Spelled so that scripts/tidy does not find them here.
PLANTED = [
    ("layers", "Sources/BrokerModel/Planted.swift", "import Foundation\n"),
    ("layers", "Sources/EventLoop/Planted.swift", "import CPosix\n"),
    ("layers", "Sources/MQTTServer/Planted.swift", "import KafkaWire\n"),
    ("layers", "Sources/CommitLog/Planted.swift", "package import Partitions\n"),
    ("layers", "Sources/MQTTWire/Planted.swift", "@_exported import Glibc\n"),
    ("layers", "Tests/MQTTWireTests/Planted.swift", "import MQTTServer\n"),
    ("file-length", "Sources/BrokerModel/Planted.swift", "// a line\n" * 401),
    ("file-length", "scripts/planted.sh", "# a line\n" * 401),
    ("function-length", "Sources/BrokerModel/Planted.swift",
     "func planted(\n    of size: Int\n) -> Int {\n" + "    _ = size\n" * 60 + "    1\n}\n"),
    ("line-length", "Sources/BrokerModel/Planted.swift", "// " + "long " * 25 + "\n"),
    ("try!", "Sources/BrokerModel/Planted.swift", "let planted = try! made()\n"),
    ("as!", "Sources/BrokerModel/Planted.swift", "let planted = made as! Int\n"),
    ("fatalError", "Sources/BrokerModel/Planted.swift", "func planted() { fatalError(\"\") }\n"),
    ("bare-precondition", "Sources/BrokerModel/Planted.swift",
     "func planted() {\n    precondition(\n        a < f(b))\n}\n"),
    ("bare-precondition", "Sources/BrokerModel/Planted.swift", "let a = preconditionFailure()\n"),
    ("print", "Sources/Ingest/Planted.swift", "func planted() { print(1) }\n"),
    ("type-name", "Sources/Ingest/Planted.swift", "struct SessionManager {}\n"),
    ("@testable", "Tests/MQTTWireTests/Planted.swift", "@testable import MQTTWire\n"),
    ("sleep", "Tests/MQTTWireTests/Planted.swift", "func planted() { usleep(1) }\n"),
    ("sleep", "Tests/conformance/planted.py", "import time\ntime" + ".sleep(1)\n"),
    ("marks", "Sources/BrokerModel/Planted.swift", "// TO" + "DO: later\n"),
    ("machine-path", "docs/planted.md", "see /ho" + "me/somebody\n"),
    ("syntax", "scripts/planted.py", "def broken(:\n"),
    ("syntax", "scripts/planted", "#!/usr/bin/env bash\nif true; then\n"),
    ("format", "Sources/BrokerModel/Planted.swift", "let  planted   = 1 ;\n"),
]

# What looks like a violation and is none.
INNOCENT = [
    ("Sources/BrokerModel/Planted.swift", 'let planted = "try! print( as! fatalError"\n'),
    ("Sources/BrokerModel/Planted.swift", "// an as! or a try! in a comment\n"),
    ("Sources/BrokerModel/Planted.swift",
     'func planted(a: Int) {\n    precondition(\n        f(a) < 1, "a reason")\n}\n'),
    ("Sources/BrokerModel/Planted.swift",
     "protocol Planted {\n    func one()\n" + "    // a line\n" * 70 + "    func two()\n}\n"),
    ("Tests/MQTTWireTests/Planted.swift", "import MQTTWire\nimport Testing\n"),
]

# Package.swift, wrong: (target, one more dependency).
PLANTED_DEPENDENCIES = [
    ("MQTTServer", "KafkaWire"), ("BrokerModel", "CommitLog"), ("EventLoop", "CPosix"),
    ("CommitLog", "Yams"), ("Ingest", "KafkaWire"),
]


def copy_repository(root, into):
    """The tracked files, as a repository of their own."""
    names = subprocess.run(
        ["git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        stdout=subprocess.PIPE, check=True).stdout.decode().split("\0")
    for name in filter(None, names):
        if os.path.isfile(os.path.join(root, name)):
            target = os.path.join(into, name)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copy(os.path.join(root, name), target)
    subprocess.run(["git", "init", "-q", into], check=True)


def plant(root, name, text):
    path = os.path.join(root, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def run(root, targets, all_violations, compare):
    """Pairs of a case's name and what went wrong, or None."""
    cases = []
    with tempfile.TemporaryDirectory() as copied:
        copy_repository(root, copied)
        before = set(all_violations(copied, targets, with_format=False))

        def new_rules(name, text, with_format=False):
            path = plant(copied, name, text)
            found = set(all_violations(copied, targets, with_format)) - before
            os.remove(path)
            return {v.rule for v in found if v.path == name}

        for number, (rule, name, text) in enumerate(PLANTED):
            hit = rule in new_rules(name, text, rule == "format")
            cases.append((f"planted {number} {rule} in {name}",
                          None if hit else f"self-test: {rule} in {name} was not found"))
        for number, (name, text) in enumerate(INNOCENT):
            rules = new_rules(name, text)
            cases.append((f"innocent {number} in {name}",
                          f"self-test: {rules} found in {text!r}" if rules else None))
        for target, dependency in PLANTED_DEPENDENCIES:
            wrong = copy.deepcopy(targets)
            next(t for t in wrong if t["name"] == target)["dependencies"].append(
                {"byName": [dependency, None]})
            found = set(all_violations(copied, wrong, with_format=False)) - before
            hit = any(v.path == "Package.swift" for v in found)
            cases.append((f"planted dependency {target} on {dependency}", None if hit else
                          f"self-test: {target} depending on {dependency} was not found"))
        cases += ratchet_cases(before, all_violations, compare, copied, targets)
    return cases


def ratchet_cases(before, all_violations, compare, copied, targets):
    name = "Sources/BrokerModel/Planted.swift"
    plant(copied, name, "let a = try! b()\nlet c = try! d()\n")
    found = set(all_violations(copied, targets, with_format=False)) - before
    found = [v for v in found if v.rule == "try!"]
    expectations = [
        ("the allowed count passes", 2, 0), ("a count above fails", 1, 2),
        ("a count below asks to lower it", 3, 1),
    ]
    return [
        (f"ratchet: {sentence}",
         None if len(compare(found, {("try!", name): allowed})) == messages
         else f"self-test: {sentence} does not hold")
        for sentence, allowed, messages in expectations
    ]
