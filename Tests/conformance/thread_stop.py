"""Stops one thread of a child process, as a fault in its code would, and lets it go on.

SIGSTOP stops every thread at once; ptrace(2) can hold a single one.
"""

import contextlib
import ctypes
import os

import pytest

import harness

PTRACE_CONT, PTRACE_DETACH, PTRACE_SEIZE, PTRACE_INTERRUPT = 7, 17, 0x4206, 0x4207
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
    """While this lasts, the thread runs no instruction. It is caught inside of a system call: there
    it holds no lock that the others would need."""
    thread = thread_named(pid, name)
    if LIBC.ptrace(PTRACE_SEIZE, thread, None, None) < 0:
        pytest.skip(f"this user can't hold a thread: {os.strerror(ctypes.get_errno())}")
    try:
        harness.eventually(lambda: caught_in_a_call(pid, thread), what="the thread's waiting")
        yield
    finally:
        LIBC.ptrace(PTRACE_DETACH, thread, None, None)


def caught_in_a_call(pid, thread):
    """Stops the thread, and lets it go on where that was between two system calls."""
    assert LIBC.ptrace(PTRACE_INTERRUPT, thread, None, None) == 0
    os.waitpid(thread, WALL)
    if not harness.read_text(f"/proc/{pid}/task/{thread}/syscall").startswith("-1"):
        return True
    LIBC.ptrace(PTRACE_CONT, thread, None, None)
    return False
