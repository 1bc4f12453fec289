"""`headwater tail` reads what producers compressed, with every codec of Kafka's."""

import json

import pytest
from confluent_kafka import Producer

import harness


@pytest.mark.parametrize("codec", ["none", "gzip", "snappy", "lz4", "zstd"])
def test_tail_reads_what_a_producer_compressed(broker, codec):
    producer = Producer({
        "bootstrap.servers": broker.kafka, "compression.type": codec, "linger.ms": 100})
    values = [f'{{"temperature": {20 + index}.5, "unit": "C"}}' for index in range(200)]
    for index, value in enumerate(values):
        producer.produce("codecs", value, f"motor{index % 3}", headers=[("src", b"plant")])
    assert producer.flush(20) == 0
    run = harness.run_headwater(
        "tail", "codecs", "--kafka", broker.kafka, "--from-beginning", "--count", "200", "--json")
    assert run.returncode == 0, run.stderr
    records = [json.loads(line) for line in run.stdout.splitlines()]
    assert [record["value"] for record in records] == values
    assert records[7]["key"] == "motor1" and records[7]["headers"][0]["value"] == "plant"
