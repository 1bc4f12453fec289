"""The soak's MQTT subscriber: takes every QoS 1 message live, and checks the order of each key.

usage: soak_subscriber.py MQTT_PORT REPORT

It reads until its stdin closes and nothing more comes. REPORT is as soak_reader.py writes it.
"""

import json
import select
import struct
import sys

import raw_mqtt
from soak_reader import KeyOrder

SILENCE = 2  # seconds without a message, after the publishers have ended


def subscribe(raw, topic_filter):
    raw.send(raw_mqtt.packet(
        raw_mqtt.SUBSCRIBE, struct.pack(">HB", 1, 0) + raw_mqtt.text(topic_filter) + b"\x01", 2))
    kind, _, body = raw.receive()
    assert kind == raw_mqtt.SUBACK and body[-1] == 1, f"SUBACK says {body!r}"


def take(raw, order, found):
    """Notes one delivery, and returns its acknowledgement."""
    kind, flags, body = found
    if kind == raw_mqtt.PINGRESP:
        return b""
    assert kind == raw_mqtt.PUBLISH, f"packet type {kind} came to a subscriber"
    at = 2 + struct.unpack(">H", body[:2])[0]
    answer = b""
    if flags >> 1 & 3:
        answer = raw_mqtt.packet(raw_mqtt.PUBACK, body[at:at + 2])
        at += 2
    order.note("subscriber", body[at + 1 + body[at]:])
    return answer


def read(raw):
    order = KeyOrder()
    inputs = [raw.socket, sys.stdin]
    while True:
        ready = select.select(inputs, [], [], SILENCE if len(inputs) == 1 else 20)[0]
        if not ready and len(inputs) == 1:
            return order
        if sys.stdin in ready:
            inputs.remove(sys.stdin)
        if not ready:
            raw.send(raw_mqtt.packet(raw_mqtt.PINGREQ, b""))
        if raw.socket in ready:
            take_all(raw, order)


def take_all(raw, order):
    found = raw.receive()
    assert found, "the broker closed the subscriber's connection"
    answers = bytearray()
    while found:
        answers += take(raw, order, found)
        found = raw.take_packet()
    raw.send(answers)


def main(port, report):
    with raw_mqtt.RawMQTT(int(port), seconds=60) as raw:
        assert raw.open("soak-subscriber") == 0
        subscribe(raw, "soak/qos1/#")
        print("subscribed", flush=True)
        order = read(raw)
    with open(report, "w", encoding="utf-8") as file:
        json.dump({"last": order.last, "records": order.records, "faults": order.faults}, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
