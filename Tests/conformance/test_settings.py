"""Settings that are right each for itself and wrong together; folders and limits out of the way."""

import os
import socket

import pytest

import harness
import kafka_reading
import publishing
import raw_mqtt
import test_operator


@pytest.mark.parametrize("setting", ["log.segment.bytes=64KiB", "memory.ceiling=8MiB"])
def test_a_packet_that_could_never_be_stored_is_no_configuration(make_broker, setting):
    test_operator.refusal(make_broker(setting), harness.EXIT_CONFIGURATION,
                          "mqtt.packet.bytes.max", setting.partition("=")[0])


def test_a_kafka_request_that_could_never_find_room_is_no_configuration(make_broker):
    test_operator.refusal(make_broker("socket.request.max.bytes=100MiB"),
                          harness.EXIT_CONFIGURATION, "socket.request.max.bytes", "memory.ceiling")


def test_a_batch_that_could_never_arrive_is_no_configuration(make_broker):
    test_operator.refusal(make_broker("message.max.bytes=3MiB"), harness.EXIT_CONFIGURATION,
                          "message.max.bytes", "socket.request.max.bytes")


def test_batches_larger_than_a_segment_are_stored_in_parts(make_broker):
    broker = make_broker("log.segment.bytes=64KiB", "mqtt.packet.bytes.max=48KiB",
                         "ingest.batch.bytes=8MiB").start()
    payloads = [os.urandom(size) for size in (40_000, 100, 48_000, 30_000) * 25]
    publishing.publish(broker, [("large", payload) for payload in payloads], window=100)
    assert len(kafka_reading.read_all(broker)) == len(payloads)


def test_a_relative_folder_with_a_slash_at_its_end(make_broker, tmp_path):
    broker = make_broker()
    broker.data = os.path.relpath(tmp_path / "some" / "where" / "data") + "/"
    broker.start()
    assert f"data in {tmp_path}/some/where/data" in broker.output().splitlines()
    publishing.publish_numbers(broker, 1)


def test_an_empty_folder_name_means_the_default(make_broker, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    broker = make_broker("data.directory=")
    plain = broker.arguments
    broker.arguments = lambda: [word for word in plain() if word not in ("--data", broker.data)]
    broker.start()
    assert f"data in {tmp_path}/state/headwater" in broker.output().splitlines()


def test_a_flood_never_takes_the_descriptors_that_the_log_needs(make_broker):
    broker = make_broker("log.segment.bytes=1MiB")
    plain = broker.arguments
    broker.arguments = lambda: ["sh", "-c", 'ulimit -n 300 && exec "$@"', "sh", *plain()]
    broker.start()
    assert "fewer connections than configured" in broker.log()
    with raw_mqtt.RawMQTT(broker.mqtt_port, seconds=30) as steady:
        assert steady.open("steady") == 0
        flood = [socket.create_connection((harness.LOOPBACK, broker.mqtt_port))
                 for _ in range(400)]
        for number in range(1, 6):
            steady.send(raw_mqtt.publish("t", os.urandom(900_000), number))
            publishing.take_acknowledgement(steady)
        for one in flood:
            one.close()


def test_a_topic_that_is_not_there_is_named_by_tail(broker):
    run = harness.run_headwater("tail", "nowhere", "--kafka", broker.kafka)
    assert run.returncode != 0
    assert "nowhere" in run.stderr and "serve' running" not in run.stderr
