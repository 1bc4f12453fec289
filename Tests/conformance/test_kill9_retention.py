"""The kill -9 ledger of a topic that retention keeps short, and a proof that its checks can fail."""

import os
import random

import pytest

import harness
import kill9_retention
from kill9_ledger import Seen
from kill9_retention import judge, judge_views
from shifting_topic import ShiftingTopic


def test_what_was_acknowledged_and_has_not_expired_is_there(tmp_path, request):
    rounds = int(os.environ.get("HEADWATER_KILL_ROUNDS", "6"))
    seed = int(os.environ.get("HEADWATER_SEED", random.SystemRandom().randrange(1 << 32)))
    run = kill9_retention.Run(tmp_path, rounds, seed)
    request.node.brokers = [run.broker]
    try:
        faults, summary = run.execute()
        print(summary)
        assert not faults, f"seed {seed}: " + "; ".join(faults)
        assert run.broker.stop() == 0
        harness.check_log_files(run.broker.data)
    finally:
        if run.broker.runs:
            run.broker.kill()


PLACES = [(0, 3, b"k1-1"), (0, 11, b"k1-4"), (1, 0, b"k-1-2")]
ACKNOWLEDGED = [b"p0-1", b"p0-7", b"p0-8"]
SENT = {"x0": 6}
LOGS = {0: [(10, b"p0-7 x"), (11, b"k1-4 x"), (12, b"p0-8 x"), (13, b"p0-9 x"), (14, b"p0-8 x")],
        1: [(0, b"k-1-2 x"), (1, b"x0-5 x"), (2, b"x0-6 x")]}


def changed(partition, *records):
    return {**LOGS, partition: list(records)}


def test_the_judge_accepts_what_is_whole_from_the_log_start_on():
    assert not judge(PLACES, ACKNOWLEDGED, SENT, LOGS)


@pytest.mark.parametrize("logs", [
    changed(0, *LOGS[0][:2], (13, b"p0-8 x")),  # a hole
    changed(0, LOGS[0][0], (11, b"k1-5 x"), *LOGS[0][2:]),  # another record in an acknowledged place
    changed(0, LOGS[0][0], (11, b"k1-4 x"), (12, b"p0-9 x")),  # one lost at QoS 1, and overtaken
    changed(1, *LOGS[1][:2]),  # the last one at QoS 2 lost
    changed(1, *LOGS[1], (3, b"x0-6 x")),  # one at QoS 2 twice
    changed(1, LOGS[1][0], (1, b"x0-4 x"), (2, b"x0-6 x")),  # one at QoS 2 lost
    changed(1, LOGS[1][0]),  # all at QoS 2 lost
    changed(1, *LOGS[1], (3, b"k-1-2 x")),  # a producer's record twice
    changed(1, *LOGS[1], (3, b"k-1-1 x")),  # or out of order
])
def test_the_judge_finds_what_is_lost_doubled_moved_or_swapped(logs):
    assert judge(PLACES, ACKNOWLEDGED, SENT, logs)


def test_the_judge_finds_what_a_kafka_producer_was_told_and_is_not_there():
    assert judge(PLACES + [(0, 15, b"k1-9")], ACKNOWLEDGED, SENT, LOGS)


FINAL = [Seen(10, 11, 1, "a"), Seen(12, 14, 2, "b")]


def test_the_judge_of_views_accepts_what_expired():
    assert not judge_views([0, 10], [Seen(0, 9, 0, "gone"), *FINAL], FINAL)


@pytest.mark.parametrize("starts, seen, final", [
    ([0, 10, 5], [], FINAL),
    ([0, 10], [Seen(10, 11, 1, "other")], FINAL),
    ([0, 10], [Seen(15, 16, 2, "c")], FINAL),
    ([0, 10], [], [Seen(10, 11, 3, "a"), FINAL[1]]),
])
def test_the_judge_of_views_finds_a_change(starts, seen, final):
    assert judge_views(starts, seen, final)


class Broken(ShiftingTopic):
    """Finds this list of records in its topic, or no topic."""

    def __init__(self, found):
        super().__init__(None, None)
        self.found = found

    def stored_now(self):
        return self.found


@pytest.mark.parametrize("found, may, must, is_right", [
    ([b"2 0", b"2 1"], True, True, True), ([b"2 0"], True, True, False),
    ([b"2 0", b"2 1", b"2 1"], True, True, False), ([b"2 0", b"2 1", b"1 0"], True, True, False),
    (None, True, True, False), (None, True, False, True), (None, False, False, True),
    ([b"2 0", b"2 1"], False, False, False),
])
def test_the_judge_of_topics_finds_what_is_gone_or_back(found, may, must, is_right):
    topic = Broken(found)
    topic.life, topic.stored = 2, {b"2 0", b"2 1"}
    topic.may_exist, topic.must_exist = may, must
    topic.check()
    assert (not topic.faults) == is_right
