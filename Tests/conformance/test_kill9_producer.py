"""The producers' kill -9 ledger, and a proof that each of its checks can fail."""

import os
import random

import harness
import kill9_producer


def test_nothing_acknowledged_to_a_producer_is_lost_doubled_or_moved(tmp_path, request):
    rounds = int(os.environ.get("HEADWATER_KILL_ROUNDS", "15"))
    seed = int(os.environ.get("HEADWATER_SEED", random.SystemRandom().randrange(1 << 32)))
    run = kill9_producer.Run(tmp_path, rounds, seed)
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


LEDGER = [(0, 0, b"1 3"), (1, 1, b"-1 4")]
LOGS = {0: [(0, b"1 3"), (1, b"1 6")], 1: [(0, b"1 1"), (1, b"-1 4")]}


def test_the_judge_accepts_a_whole_log():
    assert not kill9_producer.judge(LEDGER, LOGS)


def test_the_judge_finds_a_lost_record():
    assert kill9_producer.judge(LEDGER + [(1, 2, b"1 7")], LOGS)


def test_the_judge_finds_a_record_that_moved():
    assert kill9_producer.judge([(0, 1, b"1 3")], LOGS)


def test_the_judge_finds_a_hole():
    assert kill9_producer.judge([], {0: [(0, b"1 3"), (2, b"1 6")]})


def test_the_judge_finds_a_doubled_record():
    assert kill9_producer.judge([], {0: [(0, b"1 3"), (1, b"1 3")]})


def test_the_judge_finds_records_out_of_order():
    assert kill9_producer.judge([], {0: [(0, b"1 6"), (1, b"1 3")]})
