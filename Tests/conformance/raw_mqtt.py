"""A small MQTT client over a socket: it says exactly the bytes that a test wants said."""

import socket
import struct

CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK = 1, 2, 3, 4, 8, 9
UNSUBSCRIBE, UNSUBACK, PINGREQ, PINGRESP, DISCONNECT = 10, 11, 12, 13, 14


def remaining_length(value):
    """A variable byte integer (MQTT 5, 1.5.5)."""
    out = bytearray()
    while True:
        value, digit = divmod(value, 128)
        out.append(digit | (0x80 if value else 0))
        if not value:
            return bytes(out)


def text(value):
    data = value.encode() if isinstance(value, str) else value
    return struct.pack(">H", len(data)) + data


def packet(kind, body, flags=0):
    return bytes([kind << 4 | flags]) + remaining_length(len(body)) + body


def connect(client="", version=5, keep_alive=60, clean=True, properties=b""):
    body = text("MQTT") + bytes([version, 2 if clean else 0]) + struct.pack(">H", keep_alive)
    if version == 5:
        body += remaining_length(len(properties)) + properties
    return packet(CONNECT, body + text(client))


def publish(topic, payload, packet_id=0, version=5, qos=None, properties=b"", retain=False):
    qos = (1 if packet_id else 0) if qos is None else qos
    body = text(topic) + (struct.pack(">H", packet_id) if packet_id else b"")
    if version == 5:
        body += remaining_length(len(properties)) + properties
    return packet(PUBLISH, body + payload, qos << 1 | int(retain))


class RawMQTT:
    """One connection. `receive` gives the next packet as (type, flags, body)."""

    def __init__(self, port, seconds=10, host="127.0.0.1"):
        self.socket = socket.create_connection((host, port), timeout=seconds)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = bytearray()

    def send(self, data):
        self.socket.sendall(data)

    def open(self, client, version=5, **options):
        """Connects, and returns CONNACK's reason code."""
        self.send(connect(client, version, **options))
        answer = self.receive()
        assert answer, "the broker closed the connection without a CONNACK"
        kind, _, body = answer
        assert kind == CONNACK, f"expected CONNACK, got packet type {kind}"
        return body[1]

    def receive(self):
        """The next packet; None at the end of the stream."""
        while True:
            found = self.take_packet()
            if found:
                return found
            try:
                data = self.socket.recv(65536)
            except ConnectionResetError:
                return None
            if not data:
                return None
            self.buffer += data

    def take_packet(self):
        length, shift, at = 0, 0, 1
        while True:
            if at >= len(self.buffer):
                return None
            length |= (self.buffer[at] & 0x7F) << shift
            shift += 7
            at += 1
            if not self.buffer[at - 1] & 0x80:
                break
        if len(self.buffer) < at + length:
            return None
        first = self.buffer[0]
        body = bytes(self.buffer[at:at + length])
        del self.buffer[:at + length]
        return first >> 4, first & 15, body

    def receive_until_closed(self):
        """All packets up to the end of the stream."""
        packets = []
        while True:
            found = self.receive()
            if found is None:
                return packets
            packets.append(found)

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
