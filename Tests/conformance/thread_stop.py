"""Stops one thread of a child process, as a fault in its code would, and lets it go on.

SIGSTOP stops every thread at once; ptrace(2) can hold a single one.
"""

import contextlib
import ctypes
import os

import pytest

import harness

PTRACE_DETACH, PTRACE_SEIZE, PTRACE_INTERRUPT = 17, 0x4206, 0x4207
WALL = 0x40000000  # waitpid(2): threads, too.

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
LIBC.ptrace.restype = ctypes.c_long


def thread_named(pid, name):
    kept = name[:15]  # As the kernel does.
    for task in os.listdir(f"/proc/{pid}/task"):
        if harness.read_text(f"/proc/{pid}/task/{task}/comm").strip() == kept:
            return int(task)
    raise AssertionError(f"process {pid} has no thread {name}")


@contextlib.contextmanager
def stopped(pid, name):
    """While this lasts, the thread runs no instruction."""
    thread = thread_named(pid, name)
    if LIBC.ptrace(PTRACE_SEIZE, thread, None, None) < 0:
        pytest.skip(f"this user can't hold a thread: {os.strerror(ctypes.get_errno())}")
    try:
        assert LIBC.ptrace(PTRACE_INTERRUPT, thread, None, None) == 0
        os.waitpid(thread, WALL)
        yield
    finally:
        LIBC.ptrace(PTRACE_DETACH, thread, None, None)
