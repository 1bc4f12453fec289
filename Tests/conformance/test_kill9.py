"""The kill -9 ledger loop, and a proof that each of its checks can fail."""

import os
import random

import harness
import kill9_ledger
from kill9_ledger import Seen


def test_nothing_acknowledged_is_lost_at_kill_9(tmp_path, request):
    rounds = int(os.environ.get("HEADWATER_KILL_ROUNDS", "15"))
    seed = int(os.environ.get("HEADWATER_SEED", random.SystemRandom().randrange(1 << 32)))
    run = kill9_ledger.Run(tmp_path, rounds, seed, connections=4)
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


LEDGER = [b"p0-1", b"p0-2"]
PAYLOADS = [(0, b"p0-1 x"), (1, b"p0-2 x"), (2, b"p0-3 x")]
FINAL = [Seen(0, 1, 0, "a"), Seen(2, 2, 1, "b")]


def test_the_judge_accepts_a_whole_log():
    assert not kill9_ledger.judge(LEDGER, PAYLOADS, FINAL[:1], FINAL)


def test_the_judge_finds_a_lost_record():
    assert kill9_ledger.judge(LEDGER + [b"p0-9"], PAYLOADS, [], FINAL)


def test_the_judge_finds_a_hole():
    assert kill9_ledger.judge(LEDGER, [PAYLOADS[0], (5, b"p0-2 x")], [], FINAL)


def test_the_judge_finds_a_changed_batch():
    assert kill9_ledger.judge(LEDGER, PAYLOADS, [Seen(0, 1, 0, "other")], FINAL)


def test_the_judge_finds_a_batch_that_is_gone():
    assert kill9_ledger.judge(LEDGER, PAYLOADS, [Seen(3, 4, 1, "c")], FINAL)


def test_the_judge_finds_a_falling_epoch():
    assert kill9_ledger.judge(LEDGER, PAYLOADS, [], [Seen(0, 1, 2, "a"), Seen(2, 2, 1, "b")])


def test_the_reader_finds_a_log_that_went_backwards():
    reader = kill9_ledger.LiveReader(port=0)
    reader.offset = 10
    reader.note(0, 9, b"")
    assert reader.faults
