"""Many waiting consumers beside busy ones: who has no news is left alone."""

import time

from confluent_kafka.admin import AdminClient, NewTopic

import admin
import fetch_crowd

IDLE, BUSY, PARTITIONS_EACH, WAIT = 150, 40, 10, 2_000


def test_idle_consumers_are_left_alone_while_busy_ones_hear_each_record_once(broker):
    total = BUSY * PARTITIONS_EACH
    client = AdminClient({"bootstrap.servers": broker.kafka})
    topics = [NewTopic("busy", total, 1), NewTopic("quiet", total, 1)]
    for future in client.create_topics(topics).values():
        future.result(60)
    busy = [fetch_crowd.Member(broker.kafka_port, "busy",
                               range(n * PARTITIONS_EACH, (n + 1) * PARTITIONS_EACH), WAIT)
            for n in range(BUSY)]
    idle = [fetch_crowd.Member(broker.kafka_port, "quiet",
                               [(n + step * IDLE) % total for step in range(2)], WAIT)
            for n in range(IDLE)]
    everybody = busy + idle
    fetch_crowd.serve(everybody, lambda: all(one.answers for one in everybody), 30)
    answered = sum(one.answers for one in idle)
    begin = time.monotonic()
    count = 3 * total
    targets = [("busy", number) for number in range(total)]
    writer = fetch_crowd.producer(broker.kafka_port, targets, 600, count, 100)
    fetch_crowd.serve(everybody, lambda: sum(one.records for one in busy) == count, 60)
    writer.join(30)
    assert writer.exitcode == 0
    assert all(set(one.next.values()) == {3} for one in busy)
    assert not any(one.records for one in idle)
    found = admin.metrics(broker)
    assert found["headwater_kafka_fetch_sessions"] == IDLE + BUSY
    assert found["headwater_kafka_fetch_session_partitions"] == total + 2 * IDLE
    # An idle one is answered when its time is up, and at no other.
    turns = sum(one.answers for one in idle) - answered
    assert sum(one.empty for one in idle) == answered + turns
    assert turns <= IDLE * (1 + (time.monotonic() - begin) * 1_000 / WAIT)
    for one in everybody:
        one.socket.close()
