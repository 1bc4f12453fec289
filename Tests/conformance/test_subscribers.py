"""Live delivery at QoS 1: mosquitto's and paho's subscribers, slow, gone and back."""

import queue
import subprocess

import paho.mqtt.client as paho
import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

import harness
import kafka_reading
import raw_mqtt

VERSIONS = ["mqttv311", "mqttv5"]


class Subscriber:
    """A paho client that acknowledges only when it is told to."""

    def __init__(self, broker, name, version=paho.MQTTv5, receive_maximum=None, manual=True):
        self.version = version
        self.messages, self.connected = queue.Queue(), queue.Queue()
        self.subscribed = queue.Queue()
        self.paho = paho.Client(
            paho.CallbackAPIVersion.VERSION2, name, protocol=version, manual_ack=manual,
            reconnect_on_failure=False,
            **({} if version == paho.MQTTv5 else {"clean_session": False}))
        self.paho.on_message = lambda _c, _u, message: self.messages.put(message)
        self.paho.on_connect = lambda _c, _u, flags, _r, _p: self.connected.put(flags)
        self.paho.on_subscribe = lambda _c, _u, _i, reasons, _p: self.subscribed.put(reasons)
        options = {}
        if version == paho.MQTTv5:
            properties = Properties(PacketTypes.CONNECT)
            properties.SessionExpiryInterval = 300
            if receive_maximum:
                properties.ReceiveMaximum = receive_maximum
            options = {"clean_start": False, "properties": properties}
        self.paho.connect(harness.LOOPBACK, broker.mqtt_port, 30, **options)
        self.paho.loop_start()
        self.session_present = self.connected.get(timeout=10).session_present

    def subscribe(self, topic, identifier=None):
        properties = None
        if identifier:
            properties = Properties(PacketTypes.SUBSCRIBE)
            properties.SubscriptionIdentifier = identifier
        if self.version == paho.MQTTv5:
            self.paho.subscribe(topic, options=SubscribeOptions(qos=1), properties=properties)
        else:
            self.paho.subscribe(topic, 1)
        assert [code.value for code in self.subscribed.get(timeout=10)] == [1]

    def next(self):
        return self.messages.get(timeout=10)

    def acknowledge(self, message):
        self.paho.ack(message.mid, message.qos)

    def drop(self):
        """The network goes away: no DISCONNECT is sent."""
        self.paho.loop_stop()
        self.paho.socket().close()

    def stop(self):
        self.paho.disconnect()
        self.paho.loop_stop()


def publish(broker, topic, *messages, qos=1):
    run = subprocess.run(
        ["mosquitto_pub", "-h", harness.LOOPBACK, "-p", str(broker.mqtt_port), "-q", str(qos),
         "-t", topic, "-l"], input="".join(f"{message}\n" for message in messages),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True, timeout=60,
        check=False)
    assert run.returncode == 0, run.stdout


@pytest.mark.parametrize("version", VERSIONS)
def test_mosquitto_sub_gets_every_message_at_qos_1(broker, version):
    command = ["stdbuf", "-oL", "mosquitto_sub", "-h", harness.LOOPBACK, "-p",
               str(broker.mqtt_port), "-V", version, "-q", "1", "-t", "plant/#", "-d",
               "-F", "%q %t %p"]
    with harness.reading(command) as reader:
        harness.eventually(lambda: any("Subscribed" in line for line in reader.lines),
                           what="mosquitto_sub's subscription")
        publish(broker, "plant/a", *range(3000))
        wanted = [f"1 plant/a {number}" for number in range(3000)]

        def messages():
            return [line for line in list(reader.lines) if line.startswith("1 ")]

        harness.eventually(lambda: len(messages()) >= 3000, 30, "3000 messages")
        assert messages() == wanted
        assert sum("sending PUBACK" in line for line in reader.lines) == 3000


def test_a_publish_at_qos_0_stays_there_and_a_qos_1_subscriber_gets_it(broker):
    reader = Subscriber(broker, "reader")
    reader.subscribe("t")
    publish(broker, "t", "zero", qos=0)
    message = reader.next()
    assert (message.payload, message.qos, message.mid) == (b"zero", 0, 0)
    reader.stop()


def test_receive_maximum_1_gives_one_at_a_time(broker):
    reader = Subscriber(broker, "slow", receive_maximum=1)
    reader.subscribe("t")
    publish(broker, "t", "1", "2", "3")
    for payload in (b"1", b"2", b"3"):
        message = reader.next()
        assert (message.payload, message.qos, message.dup) == (payload, 1, False)
        # What had been sent too early would be here before the answer to a later request.
        reader.subscribe("other")
        assert reader.messages.empty()
        reader.acknowledge(message)
    reader.stop()


@pytest.mark.parametrize("version", [paho.MQTTv311, paho.MQTTv5])
def test_who_comes_back_gets_again_what_was_not_acknowledged(broker, version):
    reader = Subscriber(broker, "flaky", version)
    assert not reader.session_present
    reader.subscribe("t")
    publish(broker, "t", "1", "2", "3")
    messages = [reader.next() for _ in range(3)]
    reader.acknowledge(messages[0])
    reader.subscribe("other")  # Its answer says that the broker has seen the PUBACK.
    reader.drop()
    again = Subscriber(broker, "flaky", version)
    assert again.session_present
    repeated = [again.next() for _ in range(2)]
    assert [(m.payload, m.dup, m.mid) for m in repeated] == [
        (b"2", True, messages[1].mid), (b"3", True, messages[2].mid)]
    for message in repeated:
        again.acknowledge(message)
    publish(broker, "t", "4")
    fresh = again.next()
    assert (fresh.payload, fresh.dup) == (b"4", False)
    again.stop()


def test_overlapping_subscriptions_give_one_copy_with_all_identifiers(broker):
    reader = Subscriber(broker, "overlapping", manual=False)
    reader.subscribe("a/#", 7)
    reader.subscribe("a/+", 200)
    reader.paho.subscribe("+/b", options=SubscribeOptions(qos=0))
    reader.subscribed.get(timeout=10)
    publish(broker, "a/b", "once")
    publish(broker, "a/end", "end")
    message, end = reader.next(), reader.next()
    assert (message.payload, message.qos) == (b"once", 1)
    assert sorted(message.properties.SubscriptionIdentifier) == [7, 200]
    assert end.payload == b"end"
    reader.stop()


def test_a_subscriber_that_never_acknowledges_holds_up_nobody(make_broker):
    broker = make_broker("mqtt.deliveries.in.flight.max=10",
                         "mqtt.deliveries.queue.max=50").start()
    with raw_mqtt.RawMQTT(broker.mqtt_port) as silent:
        assert silent.open("silent") == 0
        silent.send(raw_mqtt.packet(
            raw_mqtt.SUBSCRIBE, b"\x00\x01\x00" + raw_mqtt.text("t") + b"\x01", 2))
        assert silent.receive()[0] == raw_mqtt.SUBACK
        good = Subscriber(broker, "good", manual=False)
        good.subscribe("t")
        for block in range(10):
            numbers = range(block * 50, block * 50 + 50)
            publish(broker, "t", *numbers)
            assert [good.next().payload for _ in numbers] == [str(n).encode() for n in numbers]
        harness.eventually(lambda: broker.log_lines("queue is full", "client=silent"),
                           what="the log's line about the drops")
        for _ in range(10):
            kind, flags, _ = silent.receive()
            assert (kind, flags) == (raw_mqtt.PUBLISH, 2)
        silent.send(raw_mqtt.packet(raw_mqtt.PINGREQ, b""))
        assert silent.receive()[0] == raw_mqtt.PINGRESP
        good.stop()
    assert len(kafka_reading.wait_for_records(broker, 500)) == 500


def test_a_clean_stop_publishes_no_wills(make_broker):
    """The broker's end says nothing about its devices; MQTT 5 (3.1.2.5) leaves it to the server."""
    broker = make_broker().start()
    devices = []
    for version in (paho.MQTTv311, paho.MQTTv5):
        connected = queue.Queue()
        device = paho.Client(paho.CallbackAPIVersion.VERSION2, f"device{version}",
                             protocol=version, reconnect_on_failure=False)
        device.will_set("state/device", b"gone", 1)
        device.on_connect = lambda *_, connected=connected: connected.put(True)
        device.connect(harness.LOOPBACK, broker.mqtt_port, 30)
        device.loop_start()
        assert connected.get(timeout=10)
        devices.append(device)
    broker.restart()
    assert kafka_reading.read_all(broker) == []
    for device in devices:
        device.loop_stop()
