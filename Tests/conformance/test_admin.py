"""The admin HTTP and the log as Prometheus, curl and an operator see them."""

import json
import os
import shutil
import socket
import subprocess
import time

import pytest

import admin
import harness
import kafka_reading
import publishing
import raw_mqtt
import test_operator

def test_it_says_where_it_listens(broker):
    assert f"HTTP  listening on {broker.http}" in broker.output().splitlines()


def test_promtool_finds_no_fault_with_the_metrics(broker):
    publishing.publish_numbers(broker, 10)
    kafka_reading.read_all(broker)
    with raw_mqtt.RawMQTT(broker.mqtt_port) as raw:
        raw.send(b"\xf0\x00" * 4)  # A refused client makes a label.
        raw.receive_until_closed()
    page = admin.metrics_text(broker)
    run = subprocess.run(["promtool", "check", "metrics"], input=page, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, universal_newlines=True, check=False)
    assert run.returncode == 0 and not run.stdout.strip(), run.stdout + page


def test_metrics_count_what_was_published_and_read(broker):
    before = admin.metrics(broker)
    publishing.publish_numbers(broker, 100)
    assert len(kafka_reading.read_all(broker)) == 100
    after = admin.metrics(broker)

    def grown(name):
        return after[name] - before[name]

    assert grown("headwater_log_records_total") == 100
    assert grown("headwater_mqtt_publishes_received_total") == 100
    assert grown("headwater_disk_written_bytes_total") >= grown("headwater_log_bytes_total") > 0
    assert grown("headwater_log_commit_duration_seconds_count") >= 1
    assert grown("headwater_log_append_duration_seconds_count") == grown("headwater_log_batches_total")
    assert grown("headwater_kafka_fetched_bytes_total") > 0
    assert after['headwater_partition_high_watermark_offset{topic="mqtt",partition="0"}'] == 100
    assert after["headwater_ready"] == 1
    assert after["process_open_fds"] < after["process_max_fds"]
    assert after["process_resident_memory_bytes"] > 1 << 20
    started = after["process_start_time_seconds"]
    assert abs(time.time() - after["headwater_uptime_seconds"] - started) < 5


def test_partitions_past_the_bound_share_one_row(make_broker):
    broker = make_broker("metrics.partitions.max=0").start()
    publishing.publish_numbers(broker, 7)
    page = admin.metrics(broker)
    assert 'headwater_partition_high_watermark_offset{topic="mqtt",partition="0"}' not in page
    assert page['headwater_partition_records{topic="(others)"}'] >= 7
    assert page['headwater_partition_size_bytes{topic="(others)"}'] > 0
    assert page["headwater_partitions_without_metrics"] == page["headwater_partitions"]


def test_the_pools_share_out_the_memory_ceiling_and_no_more(make_broker):
    broker = make_broker("memory.ceiling=64MiB").start()
    shares = [size for name, size in admin.metrics(broker).items()
              if name.startswith("headwater_memory_pool_capacity_bytes")]
    assert len(shares) > 8 and sum(shares) == 64 << 20



def test_status_and_its_command_agree(broker):
    publishing.publish_numbers(broker, 5)
    status = admin.status_of(broker)
    assert status["health"] == {"live": True, "ready": True, "phase": "serving", "reasons": []}
    assert status["log"]["records"] == 5
    assert status["listeners"]["mqtt"] == broker.mqtt
    assert status["disk"]["folder"] == broker.data
    run = harness.run_headwater("status", "--http", broker.http)
    assert run.returncode == 0, run.stderr
    assert "ready" in run.stdout.splitlines()[0] and broker.data in run.stdout
    size = os.path.getsize(os.path.join(broker.data, "mqtt-0", "0" * 20 + ".log"))
    assert f"topic mqtt: 1 partition(s), 5 records, {size} B\n" in run.stdout
    assert [topic["sizeBytes"] for topic in status["topics"] if topic["name"] == "mqtt"] == [size]
    run = harness.run_headwater("status", "--json", "--http", broker.http)
    assert json.loads(run.stdout)["log"] == status["log"]


def test_status_without_a_broker_says_so(broker):
    port = harness.free_port()
    run = harness.run_headwater("status", "--http", f"127.0.0.1:{port}")
    assert run.returncode == 68 and str(port) in run.stderr and "serve" in run.stderr
    run = harness.run_headwater("status", "--http", broker.kafka)
    assert run.returncode == 68, "a port that speaks no HTTP"


@pytest.mark.parametrize("path", ["/metrics", "/health/live", "/health/ready", "/api/v1/status"])
def test_head_is_get_without_the_body(broker, path):
    code, headers, body = admin.request(broker, path, "HEAD")
    got = admin.request(broker, path)
    assert code == got[0] == 200 and not body
    assert headers["content-type"] == got[1]["content-type"]
    assert int(headers["content-length"]) > 0


def test_errors_are_json(broker):
    code, headers, body = admin.request(broker, "/nothing")
    assert code == 404 and headers["content-type"] == "application/json"
    assert "/metrics" in json.loads(body)["error"]
    code, headers, body = admin.request(broker, "/metrics", "POST", body="x")
    assert code == 405 and headers["allow"] == "GET, HEAD" and json.loads(body)["error"]
    code, _, _ = admin.request(broker, "/metrics", body=b"x" * 20_000)
    assert code == 413


def test_curl_reads_all_pages_over_one_connection(broker):
    if not shutil.which("curl"):
        pytest.skip("curl is not installed")
    urls = [f"http://{broker.http}{path}" for path in ("/metrics", "/health/live", "/metrics")]
    run = subprocess.run(["curl", "-sSv", "--fail", *urls], stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, universal_newlines=True, check=False)
    assert run.returncode == 0, run.stderr
    assert run.stderr.count("Connected to") == 1


def raw_request(broker, *pieces, seconds=20):
    """Sends the pieces as they are, and reads to the end of the connection."""
    with socket.create_connection((harness.LOOPBACK, broker.http_port), timeout=seconds) as raw:
        answer = b""
        try:
            for piece in pieces:
                raw.sendall(piece)
            while True:
                received = raw.recv(65536)
                if not received:
                    return answer
                answer += received
        except ConnectionError:
            return answer


def test_a_header_past_the_bound_is_refused(broker):
    answer = raw_request(broker, b"GET /metrics HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 40_000)
    assert answer == b"" or answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 431"))
    assert admin.ready(broker)[0]


def test_a_body_past_the_bound_ends_the_connection(broker):
    raw_request(broker, b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n",
                bytes(64 * 1024), bytes(1 << 20))
    assert admin.ready(broker)[0]


@pytest.mark.parametrize("start", [b"", b"GET /met", b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"])
def test_a_client_that_is_slow_or_idle_is_cut(make_broker, start):
    broker = make_broker("http.request.timeout=300ms").start()
    before = time.monotonic()
    raw_request(broker, start)
    assert time.monotonic() - before < 10


def test_clients_past_the_bound_wait_for_their_turn(make_broker):
    broker = make_broker("http.connections.max=2", "http.request.timeout=1s").start()
    idle = [socket.create_connection((harness.LOOPBACK, broker.http_port)) for _ in range(6)]
    assert admin.ready(broker)[0], "served once idle ones were cut"
    for one in idle:
        one.close()


def test_a_stop_waits_for_no_client(broker):
    starts = [b"", b"GET /met", b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n"]
    held = [socket.create_connection((harness.LOOPBACK, broker.http_port)) for _ in starts]
    for one, start in zip(held, starts):
        one.sendall(start)
    assert admin.ready(broker)[0]
    before = time.monotonic()
    assert broker.stop() == 0
    assert time.monotonic() - before < 8
    for one in held:
        one.close()


def test_off_serves_nothing_and_starts_no_thread(make_broker):
    broker = make_broker()
    plain = broker.arguments
    broker.arguments = lambda: [word.replace(broker.http, "off") for word in plain()]
    broker.start()
    assert "HTTP" not in broker.output()
    with pytest.raises(ConnectionRefusedError):
        admin.request(broker, "/metrics")
    without = threads(broker)
    assert not [name for name in without if name.startswith("NIO")], without
    served = make_broker().start()
    for _ in range(20):
        admin.metrics_text(served)
    extra = sorted(set(threads(served)) - set(without))
    assert len(threads(served)) == len(without) + 1 and extra[0].startswith("NIO"), extra


def threads(broker):
    """The names of its threads."""
    names = []
    for task in os.listdir(f"/proc/{broker.pid}/task"):
        names.append(harness.read_text(f"/proc/{broker.pid}/task/{task}/comm").strip())
    return names


def test_a_busy_port_leaves_no_trace(make_broker):
    with socket.socket() as taken:
        taken.bind((harness.LOOPBACK, 0))
        taken.listen()
        port = taken.getsockname()[1]
        broker = make_broker(http_port=port)
        test_operator.refusal(broker, harness.EXIT_PORT_BUSY, str(port), "--http")
        assert not os.path.exists(broker.data)


def test_off_loopback_needs_insecure(make_broker):
    port = harness.free_port()
    test_operator.refusal(make_broker(options=["--http", f"0.0.0.0:{port}"]),
                          harness.EXIT_UNSAFE, "--insecure", "http.listener")


def test_the_listener_of_another_face_is_refused(make_broker):
    port = harness.free_port()
    test_operator.refusal(make_broker(kafka_port=port, http_port=port),
                          harness.EXIT_CONFIGURATION, "http.listener", "kafka.listener")


def test_a_flood_of_mistakes_is_counted_to_the_last(broker):
    for _ in range(40):
        with raw_mqtt.RawMQTT(broker.mqtt_port) as raw:
            raw.send(b"\xf0\x00" * 4)
            raw.receive_until_closed()
    refused = [value for name, value in admin.metrics(broker).items()
               if name.startswith("headwater_mqtt_refused_clients_total")]
    assert sum(refused) == 40
    assert broker.stop() == 0
    lines = broker.log_lines("client refused")
    counts = [int(line.partition(" count=")[2].split(" ")[0] or 1) for line in lines]
    assert sum(counts) == 40 and len(lines) <= 4, lines


def test_the_log_can_be_json_and_quieter(make_broker):
    broker = make_broker("logging.format=json").start()
    assert broker.stop() == 0
    events = [json.loads(line) for line in broker.log().splitlines()]
    assert [event["event"] for event in events][-1] == "stopped"
    assert all(event["time"].endswith("Z") and event["level"] == "info" for event in events)
    broker.settings = ["logging.level=warning"]
    broker.start()
    assert broker.stop() == 0 and broker.log() == ""
    test_operator.refusal(make_broker("logging.level=loud"), harness.EXIT_CONFIGURATION,
                          "logging.level", "warning")
