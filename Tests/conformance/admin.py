"""Asks a broker's admin HTTP, with Python's own HTTP client."""

import http.client
import json

import harness


def request(broker, path, method="GET", body=None, headers=None):
    """The answer's status, headers (lower case) and body."""
    connection = http.client.HTTPConnection(harness.LOOPBACK, broker.http_port, timeout=10)
    try:
        connection.request(method, path, body=body, headers=headers or {})
        answer = connection.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, found, answer.read().decode()
    finally:
        connection.close()


def metrics_text(broker):
    status, _, body = request(broker, "/metrics")
    assert status == 200
    return body


def metrics(broker):
    """Every sample's value by its name and labels, as they stand on the page."""
    samples = {}
    for line in metrics_text(broker).splitlines():
        if not line.startswith("#"):
            name, _, value = line.rpartition(" ")
            assert name not in samples, f"{name} stands there twice"
            samples[name] = float(value)
    return samples


def ready(broker):
    """Whether it is ready, and the kinds of reasons why not."""
    status, _, body = request(broker, "/health/ready")
    answer = json.loads(body)
    assert status == (503 if answer["reasons"] else 200), body
    return status == 200, [reason["kind"] for reason in answer["reasons"]]


def status_of(broker):
    status, headers, body = request(broker, "/api/v1/status")
    assert status == 200 and headers["content-type"] == "application/json"
    return json.loads(body)
