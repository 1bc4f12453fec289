"""Adds up JUnit files: one line a file, then `N passed, N failed`.

usage: sum_results.py DIR [FAILED_STEP]...

A step that failed without a failing test in its file (a build, say) counts as one failure.
"""

import glob
import os
import sys
import xml.etree.ElementTree as ElementTree


def counts(path):
    """Tests, failures and skips of a file; unlike a sum over suites, right for nested ones."""
    total = failed = skipped = 0
    for case in ElementTree.parse(path).iter("testcase"):
        total += 1
        failed += case.find("failure") is not None or case.find("error") is not None
        skipped += case.find("skipped") is not None
    return total, failed, skipped


def main(directory, failed_steps):
    passed = failed = skipped = files_with_failures = 0
    for path in sorted(glob.glob(os.path.join(directory, "*.xml"))):
        total, bad, left_out = counts(path)
        name = os.path.splitext(os.path.basename(path))[0]
        if total:
            print(f"{name}: {total - bad - left_out} passed, {bad} failed, {left_out} skipped")
        passed += total - bad - left_out
        failed += bad
        files_with_failures += bad > 0
        skipped += left_out
    for step in failed_steps:
        print(f"failed step: {step}")
    failed += max(0, len(failed_steps) - files_with_failures)
    tail = f", {skipped} skipped" if skipped else ""
    print(f"{passed} passed, {failed} failed{tail}")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
