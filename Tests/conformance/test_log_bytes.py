"""What lies on disk is what goes out: fetched bytes are the log's bytes, zstd and all."""

import json
import random

import harness
import kafka_reading
import publishing
import raw_kafka

ZSTD = 4
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"


def telemetry(count, seed=7):
    """Readings as devices send them: alike enough to compress, never the same."""
    rng = random.Random(seed)
    return [
        (f"site/{n % 20}/pump", json.dumps({
            "device": f"pump-{n % 20}", "sequence": n, "pressure_bar": round(rng.gauss(4, .1), 3),
            "temperature_c": round(rng.gauss(61, 2), 2), "state": "running"}).encode())
        for n in range(count)]


def stored(broker):
    return list(raw_kafka.batches(broker.log_bytes()))


def test_a_fetch_carries_the_files_bytes(broker):
    publishing.publish(broker, telemetry(3000), window=1000)
    fetched, high_watermark = raw_kafka.fetch_all(broker.kafka_port)
    assert high_watermark == 3000
    assert fetched == b"".join(data for _, data in stored(broker))


def test_a_small_fetch_still_carries_whole_batches_of_the_file(broker):
    """The first batch comes whole even when it is larger than what was asked for (KIP-74)."""
    publishing.publish(broker, telemetry(500), window=500)
    fetched, _ = raw_kafka.fetch_all(broker.kafka_port, partition_bytes=1)
    assert fetched == b"".join(data for _, data in stored(broker))


def test_batches_lie_zstd_compressed_on_disk(broker):
    messages = telemetry(5000)
    publishing.publish(broker, messages, window=1000)
    found = stored(broker)
    compressed = [(header, data) for header, data in found if header.codec == ZSTD]
    assert compressed, f"no zstd batch among {len(found)}"
    for header, data in compressed:
        assert data[header.SIZE:header.SIZE + 4] == ZSTD_MAGIC
    plain = sum(len(topic) + len(payload) for topic, payload in messages)
    assert sum(header.size for header, _ in found) < plain


def test_offsets_have_no_hole_and_every_record_is_what_was_published(broker):
    messages = telemetry(4000)
    publishing.publish(broker, messages, window=700)
    records = kafka_reading.read_all(broker)
    assert [record.offset for record in records] == list(range(4000))
    assert [(r.key.decode(), r.value) for r in records] == messages
    expected = 0
    for header, _ in stored(broker):
        assert header.base_offset == expected
        expected = header.last_offset + 1


def test_segments_roll_and_readers_cross_them(make_broker):
    broker = make_broker("log.segment.bytes=1MiB").start()
    rng = random.Random(11)
    messages = [(f"t/{n}", rng.getrandbits(8 * 900).to_bytes(900, "big")) for n in range(4000)]
    publishing.publish(broker, messages, window=1000)
    records = kafka_reading.read_all(broker)
    assert [(r.key.decode(), r.value) for r in records] == messages
    fetched, _ = raw_kafka.fetch_all(broker.kafka_port)
    assert fetched == broker.log_bytes()[:len(fetched)]
    broker.restart()
    again, _ = raw_kafka.fetch_all(broker.kafka_port)
    assert again == fetched


def test_a_record_that_does_not_compress_is_kept_as_it_is(broker):
    noise = random.Random(3).getrandbits(8 * 5000).to_bytes(5000, "big")
    publishing.publish(broker, [("noise", noise)])
    assert kafka_reading.wait_for_records(broker, 1)[0].value == noise


def test_timestamps_are_of_today_and_do_not_run_backwards(broker):
    before = publishing.now_ms()
    publishing.publish_numbers(broker, 300)
    after = publishing.now_ms()
    times = [record.timestamp for record in kafka_reading.read_all(broker)]
    assert times == sorted(times)
    # The broker's cached clock may lie a little behind ours.
    assert before - 1000 <= times[0] and times[-1] <= after + 1000


def test_the_log_survives_a_clean_restart_unchanged(broker):
    publishing.publish(broker, telemetry(200))
    first, end = raw_kafka.fetch_all(broker.kafka_port)
    broker.restart()
    assert raw_kafka.fetch_all(broker.kafka_port) == (first, end)
    publishing.publish_numbers(broker, 1)
    assert kafka_reading.wait_for_records(broker, end + 1)[-1].offset == end


def test_the_leader_epoch_rises_only_after_an_unclean_stop(broker):
    publishing.publish_numbers(broker, 1)
    broker.restart()
    publishing.publish_numbers(broker, 1)
    broker.kill()
    broker.start()
    publishing.publish_numbers(broker, 1)
    epochs = [record.leader_epoch for record in kafka_reading.wait_for_records(broker, 3)]
    assert epochs[0] == epochs[1] < epochs[2]


def test_read_log_agrees_with_the_fetch(broker):
    publishing.publish(broker, telemetry(100))
    broker.stop()
    harness.check_log_files(broker.data)
