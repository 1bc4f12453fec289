"""Topics that are `written` or `memory`: fast, readable at once, and honest about what is lost."""

import json

import confluent_kafka
import kafka
import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import NewTopic

import harness
import kafka_reading
import publishing
import raw_kafka
import raw_mqtt
import thread_stop
from test_kcat import kcat
from test_topics import made

WEAK = ["written", "memory"]
ROUTES = """\
routes:
  - filter: weak/#
    topic: weak
    partitions: 2
    durability: {}
"""


@pytest.fixture
def weak(make_broker, tmp_path):
    def start(durability, *settings):
        path = tmp_path / "routes.yaml"
        path.write_text(ROUTES.format(durability))
        broker = make_broker(*settings, options=["--config", str(path)]).start()
        broker.check_data = False  # It has gaps, and is checked here.
        return broker
    return start


def produce(broker, values, partition, topic="weak"):
    """Produces and returns the offsets."""
    producer = confluent_kafka.Producer({
        "bootstrap.servers": broker.kafka, "broker.address.family": "v4", "linger.ms": 1})
    places = []
    for value in values:
        producer.produce(topic, value, partition=partition,
                         on_delivery=lambda error, message: places.append(
                             (error, message.offset())))
    assert producer.flush(20) == 0
    assert all(error is None for error, _ in places)
    return [offset for _, offset in places]


def gaps(broker):
    """What __gaps says, as (topic, partition, first, last)."""
    found = []
    for record in kafka_reading.read_to_end(broker, "__gaps"):
        value = json.loads(record.value)
        assert record.key.decode() == f"{value['topic']}-{value['partition']}"
        assert value["cause"] == "unclean-stop" and value["time"] > 1_700_000_000_000
        found.append((value["topic"], value["partition"], value["first"], value["last"]))
    return found


@pytest.mark.parametrize("durability", WEAK)
def test_an_acknowledged_record_is_readable_at_once(weak, durability):
    broker = weak(durability, "commit.interval=1min")
    with raw_kafka.RawKafka(broker.kafka_port) as raw:
        for number in range(20):
            assert produce(broker, [b"%d" % number], 1) == [number]
            assert raw.list_offset("weak", -1, partition=1)[2] == number + 1
        for number in range(20, 40):
            publishing.publish(broker, [(f"weak/{number}", b"%d" % number)])
            # At `memory` the acknowledgement overtakes the write, so look more than once.
            harness.eventually(lambda: sum(
                raw.list_offset("weak", -1, partition=p)[2]
                for p in (0, 1)) == number + 1, what="the record")  # pylint: disable=W0640


def test_memory_is_acknowledged_while_the_disk_hangs_and_written_is_not(weak):
    broker = weak("memory", "health.loop.timeout=1min")
    publishing.publish(broker, [("weak/x", b"0")])
    assert made(broker, NewTopic("written", 1, 1, config={"durability": "written"})) is None
    with raw_mqtt.RawMQTT(broker.mqtt_port) as raw:
        assert raw.open("one") == 0
        with thread_stop.stopped(broker.pid, "headwater-storage"):
            raw.send(raw_mqtt.publish("weak/x", b"1", 1))
            publishing.take_acknowledgement(raw)
    producer = confluent_kafka.Producer({"bootstrap.servers": broker.kafka})
    delivered = []
    with thread_stop.stopped(broker.pid, "headwater-storage"):
        producer.produce("written", b"x", on_delivery=lambda error, _: delivered.append(error))
        assert producer.flush(0.5) == 1 and not delivered
    assert producer.flush(20) == 0 and delivered == [None]


@pytest.mark.parametrize("durability", WEAK)
def test_after_kill_9_offsets_skip_ahead_and_the_gap_is_listed(weak, durability):
    broker = weak(durability)
    given = {0: {}, 1: {}}  # partition: offset: value
    expected, tails = [], kafka_reading.consumer(broker)
    tails.assign([TopicPartition("weak", partition, 0) for partition in given])
    seen = {0: {}, 1: {}}

    def follow():
        def is_there():
            for message in tails.consume(500, timeout=0.1):
                if message.error() is None:
                    assert message.offset() not in seen[message.partition()], "an offset again"
                    seen[message.partition()][message.offset()] = message.value()
            return all(given[p].keys() <= seen[p].keys() for p in given)
        harness.eventually(is_there, 20, "what was acknowledged, with the consumer past the gaps")

    try:
        for kills in range(3):
            for partition in given:
                values = [b"%d-%d-%d" % (kills, partition, n) for n in range(50)]
                offsets = produce(broker, values, partition)
                assert offsets == list(range(offsets[0], offsets[0] + 50))
                assert not given[partition].keys() & set(offsets), "an offset is given twice"
                if given[partition]:
                    last = max(given[partition])
                    assert offsets[0] > last + 1
                    expected.append(("weak", partition, last + 1, offsets[0] - 1))
                given[partition].update(zip(offsets, values))
            follow()
            broker.kill()
            broker.start()
            assert broker.log_lines("offsets")
    finally:
        tails.close()
    # A process that dies takes nothing from the page cache: everything is there, and no more.
    for partition, places in given.items():
        assert seen[partition] == places
        records = kafka_reading.read_to_end(broker, "weak", partition)
        assert {record.offset: record.value for record in records} == places
        # The last gap is at the end: it has no records behind it yet.
        end = kafka_reading.watermarks(broker, "weak", partition)[1]
        expected.append(("weak", partition, max(places) + 1, end - 1))
    assert sorted(gaps(broker)) == sorted(expected)
    # A clean stop needs no gap, nor does a kill -9 of a run in which nothing was written.
    broker.restart()
    broker.kill()
    broker.start()
    assert sorted(gaps(broker)) == sorted(expected)


def test_a_durable_topic_never_has_a_gap(weak):
    broker = weak("written")
    for first in range(0, 90, 30):
        values = [b"%d" % number for number in range(first, first + 30)]
        assert produce(broker, values, 0, topic="firm") == list(range(first, first + 30))
        broker.kill()
        broker.start()
    topics = raw_kafka.RawKafka(broker.kafka_port).metadata()[2]
    assert "__gaps" not in topics or all(topic != "firm" for topic, *_ in gaps(broker))


def test_a_reader_in_a_gap_is_brought_past_it(weak):
    """By a batch without records where nothing comes behind it, or else by what comes."""
    broker = weak("written")
    assert produce(broker, [b"a"] * 5, 0) == list(range(5))
    broker.kill()
    broker.start()
    end = kafka_reading.watermarks(broker, "weak")[1]
    places = (5, end // 2, end - 1)
    with raw_kafka.RawKafka(broker.kafka_port) as raw:
        for offset in places:
            error, high_watermark, data = raw.fetch("weak", offset)
            [(header, _)] = raw_kafka.batches(data)
            assert (error, high_watermark, header.record_count) == (0, end, 0)
            assert (header.base_offset, header.last_offset) == (offset, end - 1)
        assert raw.fetch("weak", end, max_wait_ms=10) == (0, end, b"")
        assert produce(broker, [b"b"] * 3, 0) == [end, end + 1, end + 2]
        for offset in (*places, end):
            error, _, data = raw.fetch("weak", offset)
            assert error == 0
            assert next(raw_kafka.batches(data))[0].base_offset == end
        assert raw.fetch("weak", end + 4)[0] == 1
    assert [r.value for r in kafka_reading.read_to_end(broker, "weak")] == [b"a"] * 5 + [b"b"] * 3


def test_other_clients_come_to_the_end_behind_a_gap(weak):
    broker = weak("memory")
    produce(broker, [b"a"] * 5, 0)
    broker.kill()
    broker.start()
    assert kcat(broker, "-C", "-t", "weak", "-p", "0", "-o", "beginning", "-e", "-q",
                ).split() == ["a"] * 5
    consumer = kafka.KafkaConsumer(bootstrap_servers=[broker.kafka], fetch_max_wait_ms=100)
    try:
        place = kafka.TopicPartition("weak", 0)
        consumer.assign([place])
        consumer.seek(place, 0)
        found = []

        def is_at_end():
            found.extend(r.value for r in consumer.poll(200).get(place, []))
            return consumer.position(place) == consumer.end_offsets([place])[place]
        harness.eventually(is_at_end, what="kafka-python at the end")
        assert found == [b"a"] * 5
    finally:
        consumer.close()
