"""Java's own clients. HEADWATER_KAFKA_JARS names a folder with kafka-clients and slf4j-api."""

import glob
import os
import shutil
import subprocess

import pytest

import harness

JARS = glob.glob(os.path.join(os.environ.get("HEADWATER_KAFKA_JARS", "/nowhere"), "*.jar"))


@pytest.mark.skipif(not JARS, reason="HEADWATER_KAFKA_JARS names no folder with Java's clients")
@pytest.mark.skipif(not shutil.which("javac"), reason="there is no JDK")
def test_producer_group_and_admin_at_their_defaults(broker):
    source = os.path.join(harness.HERE, "java", "Journey.java")
    run = subprocess.run(["java", "-cp", ":".join(JARS), source, broker.kafka],
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True,
                         timeout=150, check=False)
    assert run.returncode == 0 and run.stdout.splitlines()[-1] == "done", run.stdout + run.stderr
    assert "group Empty" in run.stdout and "cluster 1" in run.stdout
