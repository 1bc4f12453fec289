"""The kill -9 ledger of committed offsets, and a proof that each of its checks can fail."""

import os
import random

import harness
import kill9_offsets


def test_no_acknowledged_commit_is_lost_and_no_generation_goes_back(tmp_path, request):
    rounds = int(os.environ.get("HEADWATER_KILL_ROUNDS", "8"))
    seed = int(os.environ.get("HEADWATER_SEED", random.SystemRandom().randrange(1 << 32)))
    run = kill9_offsets.Run(tmp_path, rounds, seed)
    request.node.brokers = [run.broker]
    try:
        faults, summary = run.execute()
        print(summary)
        assert not faults, f"seed {seed}: " + "; ".join(faults)
        assert run.generations[-1] > 0, "the members formed their group"
        assert run.broker.stop() == 0
    finally:
        if run.broker.runs:
            run.broker.kill()


LEDGER = """sent a 0 5
kept a 0 5
sent a 0 6
sent a 1 9
sent a 1 1"""


def judge(found):
    return kill9_offsets.judge(*kill9_offsets.read_ledger(LEDGER), found)


def test_the_judge_accepts_what_was_acknowledged_and_what_was_sent_later():
    assert not judge({("a", 0): 5})
    assert not judge({("a", 0): 6, ("a", 1): 9})


def test_the_judge_finds_a_lost_commit():
    assert judge({("a", 1): 9}) and judge({("a", 0): 4})


def test_the_judge_finds_what_was_never_sent():
    assert judge({("a", 0): 7})
    assert judge({("a", 0): 5, ("b", 0): 1})


def test_a_line_that_was_cut_short_says_nothing():
    assert judge({("a", 0): 5, ("a", 1): 1})
