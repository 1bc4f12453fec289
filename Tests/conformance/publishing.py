"""Publishes over one raw MQTT 5 connection at QoS 1, and waits for every acknowledgement."""

import struct
import time

import raw_mqtt


def now_ms():
    return int(time.time() * 1000)


def user_property(name, value):
    return b"\x26" + raw_mqtt.text(name) + raw_mqtt.text(value)


def publish(broker, messages, client="publisher", properties=b"", window=20):
    """`messages` are pairs of topic and payload; at most `window` are unacknowledged."""
    with raw_mqtt.RawMQTT(broker.mqtt_port, seconds=30) as raw:
        assert raw.open(client) == 0
        pending = 0
        for index, (topic, payload) in enumerate(messages):
            raw.send(raw_mqtt.publish(topic, payload, index % 65535 + 1, properties=properties))
            pending += 1
            while pending >= window:
                take_acknowledgement(raw)
                pending -= 1
        while pending:
            take_acknowledgement(raw)
            pending -= 1
        raw.send(raw_mqtt.packet(raw_mqtt.DISCONNECT, b""))


def take_acknowledgement(raw):
    found = raw.receive()
    assert found is not None, "the broker closed the publisher's connection"
    kind, _, body = found
    assert kind == raw_mqtt.PUBACK, f"expected PUBACK, got packet type {kind}"
    reason = body[2] if len(body) > 2 else 0
    assert reason in (0, 0x10), f"PUBACK {struct.unpack('>H', body[:2])[0]} says {reason:#x}"


def publish_numbers(broker, count, topic="numbers", **options):
    publish(broker, [(topic, str(number).encode()) for number in range(count)], **options)
