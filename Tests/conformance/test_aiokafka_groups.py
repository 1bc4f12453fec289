"""aiokafka keeps old versions alive: it joins groups with JoinGroup up to 5."""

import asyncio

import aiokafka
from aiokafka.coordinator.assignors.sticky import sticky_assignor

import group_members

SETTINGS = {"group_id": "g", "session_timeout_ms": 6000, "heartbeat_interval_ms": 300,
            "auto_offset_reset": "earliest", "metadata_max_age_ms": 500}


def owned(consumer):
    return {partition.partition for partition in consumer.assignment()}


async def wait_for(condition, what, seconds=20):
    async def watch():
        while not condition():
            await asyncio.sleep(0.02)
    try:
        await asyncio.wait_for(watch(), seconds)
    except asyncio.TimeoutError:
        raise AssertionError(f"{what} did not come true in {seconds} s") from None


async def share(kafka, **settings):
    producer = aiokafka.AIOKafkaProducer(bootstrap_servers=kafka)
    await producer.start()
    one = aiokafka.AIOKafkaConsumer("t", bootstrap_servers=kafka, **SETTINGS, **settings)
    other = aiokafka.AIOKafkaConsumer("t", bootstrap_servers=kafka, **SETTINGS, **settings)
    await one.start()
    try:
        await wait_for(lambda: owned(one) == {0, 1, 2, 3}, "all for one")
        await other.start()
        await wait_for(lambda: len(owned(one)) == len(owned(other)) == 2, "half for each")
        assert owned(one) | owned(other) == {0, 1, 2, 3}
        for partition in range(4):
            await producer.send_and_wait("t", b"x", partition=partition)
        seen = set()
        for consumer in (one, other):
            for _ in range(2):
                record = await asyncio.wait_for(consumer.getone(), 10)
                seen.add(record.partition)
            await consumer.commit()
        assert seen == {0, 1, 2, 3}
        await other.stop()
        await wait_for(lambda: owned(one) == {0, 1, 2, 3}, "all for one again")
    finally:
        await one.stop()
        await other.stop()
        await producer.stop()


def test_two_consumers_share_a_topic(broker):
    group_members.make_topic(broker, "t", 4)
    asyncio.run(share(broker.kafka))


def test_the_sticky_assignor(broker):
    group_members.make_topic(broker, "t", 4)
    asyncio.run(share(broker.kafka, partition_assignment_strategy=[
        sticky_assignor.StickyPartitionAssignor]))


def test_a_static_member_bounces(broker):
    group_members.make_topic(broker, "t", 4)

    async def bounce():
        for _ in range(3):
            consumer = aiokafka.AIOKafkaConsumer(
                "t", bootstrap_servers=broker.kafka, group_instance_id="one", **SETTINGS)
            await consumer.start()
            await wait_for(lambda: owned(consumer) == {0, 1, 2, 3}, "all for one")
            await consumer.stop()
    asyncio.run(bounce())
