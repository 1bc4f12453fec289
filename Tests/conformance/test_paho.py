"""Eclipse paho: properties, reason codes, wills, takeover, keep-alive."""

import queue

import paho.mqtt.client as paho
import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

import harness
import kafka_reading
import raw_mqtt


class Client:
    """A paho client with its own thread; what happens to it lies in queues."""

    def __init__(self, broker, name, version=paho.MQTTv5, will=None, keepalive=30):
        self.messages, self.connected = queue.Queue(), queue.Queue()
        self.disconnected, self.subscribed = queue.Queue(), queue.Queue()
        self.acknowledged = queue.Queue()
        self.paho = paho.Client(paho.CallbackAPIVersion.VERSION2, name, protocol=version,
                                reconnect_on_failure=False)
        self.paho.on_message = lambda _c, _u, message: self.messages.put(message)
        self.paho.on_connect = lambda _c, _u, _f, reason, _p: self.connected.put(reason)
        self.paho.on_disconnect = lambda _c, _u, _f, reason, _p: self.disconnected.put(reason)
        self.paho.on_subscribe = lambda _c, _u, _i, reasons, _p: self.subscribed.put(reasons)
        self.paho.on_publish = lambda _c, _u, _i, reason, _p: self.acknowledged.put(reason)
        if will:
            self.paho.will_set(*will)
        self.paho.connect(harness.LOOPBACK, broker.mqtt_port, keepalive)
        self.paho.loop_start()
        self.reason = self.connected.get(timeout=10)

    def subscribe(self, *arguments, **options):
        self.paho.subscribe(*arguments, **options)
        return self.subscribed.get(timeout=10)

    def publish(self, *arguments, **options):
        """Publishes at QoS 1 and waits for the acknowledgement."""
        sent = self.paho.publish(*arguments, **options)
        sent.wait_for_publish(timeout=10)
        assert sent.is_published()

    def drop(self):
        """The network goes away: no DISCONNECT is sent."""
        self.paho.loop_stop()
        self.paho.socket().close()

    def stop(self):
        self.paho.disconnect()
        self.paho.loop_stop()


@pytest.fixture
def client(broker):
    clients = []

    def make(name, **options):
        clients.append(Client(broker, name, **options))
        return clients[-1]

    yield make
    for one in clients:
        one.stop()


def test_311_publish_and_subscribe(broker, client):
    reader = client("reader", version=paho.MQTTv311)
    assert [code.value for code in reader.subscribe("line/+/speed", 0)] == [0]
    writer = client("writer", version=paho.MQTTv311)
    writer.publish("line/7/speed", b"\x00\xff binary", qos=1)
    message = reader.messages.get(timeout=10)
    assert (message.topic, message.payload) == ("line/7/speed", b"\x00\xff binary")
    assert kafka_reading.wait_for_records(broker, 1)[0].value == b"\x00\xff binary"


def test_user_properties_and_content_type_become_headers(broker, client):
    properties = Properties(PacketTypes.PUBLISH)
    properties.ContentType = "application/json"
    properties.UserProperty = [("unit", "°C"), ("site", "north"), ("unit", "again")]
    client("writer").publish("t", b"{}", qos=1, properties=properties)
    headers = kafka_reading.wait_for_records(broker, 1)[0].headers
    assert ("mqtt.qos", b"1") in headers
    assert ("mqtt.content-type", b"application/json") in headers
    own = [header for header in headers if not header[0].startswith("mqtt.")]
    assert own == [("unit", "°C".encode()), ("site", b"north"), ("unit", b"again")]


def test_an_empty_payload_and_a_long_topic_are_kept(broker, client):
    topic = "/".join(["level"] * 100)
    writer = client("writer")
    writer.publish(topic, b"", qos=1)
    record = kafka_reading.wait_for_records(broker, 1)[0]
    assert record.key == topic.encode() and not record.value


def test_a_subscriber_gets_the_properties(client):
    reader = client("reader")
    reader.subscribe("t", options=SubscribeOptions(qos=0))
    properties = Properties(PacketTypes.PUBLISH)
    properties.ContentType = "text/plain"
    properties.UserProperty = [("a", "b")]
    client("writer").publish("t", b"x", qos=1, properties=properties)
    received = reader.messages.get(timeout=10)
    assert received.properties.ContentType == "text/plain"
    assert received.properties.UserProperty == [("a", "b")]


def test_a_qos_2_subscription_is_granted_at_less(client):
    assert client("reader").subscribe("t", 2)[0].value in (0, 1)


def test_several_filters_in_one_subscribe_get_an_answer_each(client):
    reader = client("reader")
    answer = reader.subscribe([("one", SubscribeOptions(0)), ("two/#", SubscribeOptions(0))])
    assert [code.value for code in answer] == [0, 0]


def test_unsubscribe_ends_the_delivery(client):
    reader, writer = client("reader"), client("writer")
    reader.subscribe("a", 0)
    reader.subscribe("b", 0)
    reader.paho.unsubscribe("a")
    writer.publish("warm-up", b"", qos=1)

    def only_b_comes():
        writer.publish("a", b"1", qos=1)
        writer.publish("b", b"2", qos=1)
        return reader.messages.get(timeout=10).topic == "b"

    harness.eventually(only_b_comes, what="a delivery of 'b' without 'a' before it")


def test_a_will_is_published_when_the_connection_breaks(broker, client):
    reader = client("reader")
    reader.subscribe("state/#", 0)
    client("fragile", will=("state/fragile", b"gone", 1, False)).drop()
    message = reader.messages.get(timeout=15)
    assert (message.topic, message.payload) == ("state/fragile", b"gone")
    assert kafka_reading.wait_for_records(broker, 1)[0].value == b"gone"


def test_a_disconnect_takes_the_will_along(client):
    reader = client("reader")
    reader.subscribe("#", 0)
    client("polite", will=("state/polite", b"gone", 1, False)).stop()
    client("writer").publish("after", b"", qos=1)
    assert reader.messages.get(timeout=10).topic == "after"


def test_a_second_connection_takes_the_session_over(broker, client):
    with raw_mqtt.RawMQTT(broker.mqtt_port) as first:
        assert first.open("same name") == 0
        second = client("same name")
        assert second.reason.value == 0
        kind, _, body = first.receive()
        assert (kind, body[0]) == (raw_mqtt.DISCONNECT, 0x8E)
        assert first.receive() is None
        second.publish("t", b"x", qos=1)


def test_a_silent_client_is_disconnected_after_its_keep_alive(broker):
    """One and a half keep-alives without a packet (MQTT 5, 3.1.2.10)."""
    with raw_mqtt.RawMQTT(broker.mqtt_port, seconds=15) as raw:
        assert raw.open("silent", keep_alive=2) == 0
        packets = raw.receive_until_closed()
        assert [(kind, body[:1]) for kind, _, body in packets] in (
            [(raw_mqtt.DISCONNECT, b"\x8d")], [])


def test_pings_keep_a_connection(broker):
    with raw_mqtt.RawMQTT(broker.mqtt_port) as raw:
        assert raw.open("pinger", version=4, keep_alive=2) == 0
        for _ in range(3):
            raw.send(raw_mqtt.packet(raw_mqtt.PINGREQ, b""))
            assert raw.receive()[0] == raw_mqtt.PINGRESP


def test_an_empty_client_id_gets_a_name(broker):
    """MQTT 5, 3.2.2.3.7: the CONNACK carries Assigned Client Identifier (property 0x12)."""
    with raw_mqtt.RawMQTT(broker.mqtt_port) as raw:
        raw.send(raw_mqtt.connect("", version=5))
        kind, _, body = raw.receive()
        assert (kind, body[1]) == (raw_mqtt.CONNACK, 0)
        assert b"\x12" in body[2:]


def test_an_unknown_protocol_version_is_refused(broker):
    with raw_mqtt.RawMQTT(broker.mqtt_port) as raw:
        body = raw_mqtt.text("MQTT") + bytes([9, 2, 0, 60]) + raw_mqtt.text("x")
        raw.send(raw_mqtt.packet(raw_mqtt.CONNECT, body))
        packets = raw.receive_until_closed()
        assert [(p[0], p[2][1]) for p in packets] in (
            [(raw_mqtt.CONNACK, 0x84)], [(raw_mqtt.CONNACK, 0x01)])
