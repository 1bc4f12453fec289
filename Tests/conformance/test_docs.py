"""What the documentation says is what the binary does."""

import os

import harness


def test_the_configuration_page_is_what_the_binary_prints():
    printed = harness.run_headwater("config", "describe", "--markdown").stdout
    with open(os.path.join(harness.ROOT, "docs", "CONFIGURATION.md"), encoding="utf-8") as page:
        assert page.read() == printed, (
            "run: headwater config describe --markdown > docs/CONFIGURATION.md")
