"""Lengths and words: what a file says, line by line."""

import collections
import os
import re
import subprocess

Violation = collections.namedtuple("Violation", "rule path line text")

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60
LINE_COLUMNS_MAX = 100

# Rules over Swift without its comments and string literals: (rule, where, pattern, text).
# `where` is a folder, and folders that are let off.
CODE_RULES = [
    ("try!", "", (), r"\btry!", "an error is thrown or handled, never trapped"),
    ("as!", "", (), r"\bas!", "a cast is conditional"),
    ("fatalError", "", (), r"\bfatalError\b", "our own bug is a precondition with its reason"),
    ("bare-precondition", "Sources/", (), r"\b(?:preconditionFailure|precondition|assert)\(\s*\)",
     "a precondition says its reason"),
    ("print", "Sources/", ("Sources/headwater/", "Sources/headwater-bench/"), r"\bprint\(",
     "only the command line prints"),
    ("type-name", "Sources/", (),
     r"\b(?:class|struct|enum|actor|protocol|typealias)\s+\w*(?:Manager|Helper|Utils?)\b",
     "the name says nothing"),
    ("@testable", "Tests/", (), r"@testable\b", "a test uses what its target shows"),
    ("sleep", "Tests/", (), r"\bu?sleep\(|\bThread\.sleep|\bTask\.sleep",
     "a test waits for a condition with a deadline"),
]

# Rules over the raw text of source files and scripts; spelled so that they don't find themselves.
MARKS = re.compile(r"\b(?:" + "|".join(["TO" + "DO", "FIX" + "ME", "X" * 3, "HA" + "CK"]) + r")\b")
PYTHON_SLEEP = re.compile(r"\btime\." + r"sleep\(|from time import .*\bsleep\b")
MACHINE_PATH = re.compile(r"(?<![\w.$}])/(?:work|home|root)" + r"/\w|/tmp" + r"/hw\b")

# A precondition over several lines carries a string literal before its closing parenthesis.
PRECONDITION = re.compile(r"\b(precondition|preconditionFailure)\(")
FUNCTION = re.compile(r"^\s*(?:@\w+(?:\([^)]*\))?\s+)*(?:\w+(?:\(\w+\))?\s+)*?"
                      r"(?:func\s+[^\s(]+|func\s+`[^`]*`|init[?!]?|deinit|subscript)\s*[(<{]")


def read_lines(root, path):
    with open(os.path.join(root, path), encoding="utf-8", errors="replace") as file:
        return file.read().splitlines()


def is_script(path, lines):
    return path.startswith("scripts/") or path.startswith(".ci/") or (
        bool(lines) and lines[0].startswith("#!"))


def check_files(root, paths):
    for path in paths:
        lines = read_lines(root, path)
        if path.endswith(".swift") and path.startswith(("Sources/", "Tests/")):
            yield from check_swift(path, lines)
        elif path.endswith((".c", ".h", ".py", ".sh")) or is_script(path, lines):
            yield from check_length(path, lines)
            yield from check_marks(path, lines)
        yield from check_paths(path, lines)
        if path.endswith(".py") or (lines and "python" in lines[0][:40] and "#!" in lines[0]):
            yield from check_python(path, lines)
        elif lines and lines[0].startswith("#!") and "bash" in lines[0]:
            yield from check_shell(root, path)


def check_swift(path, lines):
    yield from check_length(path, lines)
    for number, line in enumerate(lines, 1):
        if len(line) > LINE_COLUMNS_MAX:
            yield Violation("line-length", path, number, f"{len(line)} columns")
    yield from check_marks(path, lines)
    code = strip_literals(lines)
    for rule, where, let_off, pattern, text in CODE_RULES:
        if not path.startswith(where) or path.startswith(tuple(let_off)):
            continue
        for number, line in enumerate(code, 1):
            if re.search(pattern, line):
                yield Violation(rule, path, number, text)
    yield from check_functions(path, code)
    if path.startswith("Sources/"):
        yield from check_preconditions(path, code)


def check_length(path, lines):
    if len(lines) > FILE_LINES_MAX:
        yield Violation("file-length", path, len(lines), f"{len(lines)} lines in one file")


def check_marks(path, lines):
    for number, line in enumerate(lines, 1):
        if MARKS.search(line):
            yield Violation("marks", path, number, "a note to oneself: do it, or file an issue")


def check_paths(path, lines):
    for number, line in enumerate(lines, 1):
        if MACHINE_PATH.search(line):
            yield Violation("machine-path", path, number, "a path that only one machine has")


def check_python(path, lines):
    try:
        compile("\n".join(lines) + "\n", path, "exec")
    except SyntaxError as error:
        yield Violation("syntax", path, error.lineno or 1, str(error))
    if path.startswith("Tests/"):
        for number, line in enumerate(lines, 1):
            if PYTHON_SLEEP.search(line):
                yield Violation("sleep", path, number, "a test waits for a condition")


def check_shell(root, path):
    run = subprocess.run(
        ["bash", "-n", os.path.join(root, path)], stderr=subprocess.PIPE,
        universal_newlines=True, check=False)
    if run.returncode:
        yield Violation("syntax", path, 1, run.stderr.strip())


def strip_literals(lines):
    """The lines with string contents emptied and comments removed; line numbers stay."""
    code = []
    in_text = False  # inside of a multi-line string literal
    depth = 0  # of block comments
    for line in lines:
        out = []
        at = 0
        while at < len(line):
            if in_text:
                end = line.find('"""', at)
                at = len(line) if end < 0 else end + 3
                in_text = end < 0
            elif depth or line.startswith("/*", at):
                at, depth = skip_block_comment(line, at, depth)
            elif line.startswith("//", at):
                break
            elif line.startswith('"""', at):
                in_text = True
                out.append('""')
                at += 3
            elif line[at] == '"':
                at = end_of_literal(line, at)
                out.append('""')
            else:
                out.append(line[at])
                at += 1
        code.append("".join(out))
    return code


def skip_block_comment(line, at, depth):
    if line.startswith("/*", at):
        return at + 2, depth + 1
    if line.startswith("*/", at):
        return at + 2, depth - 1
    return at + 1, depth


def end_of_literal(line, start):
    """The position after the literal that begins at `start`; interpolations are part of it."""
    at = start + 1
    nested = 0
    while at < len(line):
        if line.startswith("\\(", at):
            nested += 1
            at += 2
            continue
        if line[at] == "\\":
            at += 2
            continue
        if nested and line[at] == "(":
            nested += 1
        elif nested and line[at] == ")":
            nested -= 1
        elif line[at] == '"' and not nested:
            return at + 1
        at += 1
    return len(line)


def check_functions(path, code):
    for index, line in enumerate(code):
        if not FUNCTION.match(line):
            continue
        length = body_lines(code, index)
        if length > FUNCTION_LINES_MAX:
            yield Violation("function-length", path, index + 1, f"{length} lines in one function")


def body_lines(code, start):
    """Lines from a function's first to its closing brace; 0 for one without a body."""
    parentheses = braces = 0
    for index in range(start, len(code)):
        # A new declaration before any brace: this was a protocol's requirement.
        if index > start and not braces and not parentheses and FUNCTION.match(code[index]):
            return 0
        for character in code[index]:
            if character in "([":
                parentheses += 1
            elif character in ")]":
                parentheses -= 1
            elif character == "{" and (braces or not parentheses):
                braces += 1
            elif character == "}" and (braces or not parentheses):
                if not braces:
                    return 0
                braces -= 1
                if not braces:
                    return index - start + 1
    return 0


def check_preconditions(path, code):
    """A precondition names its reason: a string literal before its closing parenthesis."""
    for index, line in enumerate(code):
        match = PRECONDITION.search(line)
        if match and not call_has_literal(code, index, match.end()):
            yield Violation(
                "bare-precondition", path, index + 1, "a precondition says its reason")


def call_has_literal(code, index, column):
    depth = 1
    while index < len(code):
        for at in range(column, len(code[index])):
            character = code[index][at]
            if character == '"':
                return True
            depth += {"(": 1, ")": -1}.get(character, 0)
            if not depth:
                return False
        index += 1
        column = 0
    return False
