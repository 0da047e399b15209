"""What a burst took goes back to the system."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from shared.system import memory

HELD_BACK = """
import ctypes, os
from shared.system.memory import trim

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_size_t], [ctypes.c_void_p]
libc.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
blocks = [libc.malloc(100_000) for _ in range(1000)]
for block in blocks:
    libc.memset(block, 1, 100_000)
top = libc.malloc(100_000)
for block in blocks:
    libc.free(block)
held = resident()
assert trim()
print(held - resident())
"""


LARGE_AND_ALIVE = """
import os
from shared.system.memory import keep_no_large_blocks

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

assert keep_no_large_blocks()
for _ in range(3):
    bytearray(30_000_000)  # glibc learns to keep blocks of this size
before = resident()
blocks, between = [], []
for _ in range(100):
    blocks.append(bytearray(1_000_000))
    between.append(bytearray(2000))
held = resident() - before
blocks.clear()
print(held, held - (resident() - before))
"""


POOLS = """
import ctypes, os, sys, tempfile, threading
from shared.system.memory import keep_one_pool

assert sys.argv[1] == "as it is" or keep_one_pool()
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
libc.fopen.restype, libc.malloc_info.argtypes = ctypes.c_void_p, [ctypes.c_int, ctypes.c_void_p]
libc.fclose.argtypes = [ctypes.c_void_p]
met = threading.Barrier(4)

def work():
    assert libc.malloc(2000)
    met.wait()

threads = [threading.Thread(target=work) for _ in range(4)]
for each in threads:
    each.start()
for each in threads:
    each.join()
with tempfile.NamedTemporaryFile() as told:
    file = libc.fopen(told.name.encode(), b"w")
    assert libc.malloc_info(0, file) == 0
    libc.fclose(file)
    print(told.read().count(b"<heap nr="))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc alone keeps what is freed")
@pytest.mark.parametrize(("kept", "expected"), [("as it is", False), ("one", True)])
def test_all_threads_share_one_pool(kept: str, expected: bool) -> None:
    done = subprocess.run([sys.executable, "-c", POOLS, kept], capture_output=True, text=True, check=True)
    assert (int(done.stdout) == 1) == expected


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc alone keeps what is freed")
def test_large_blocks_go_back_by_themselves() -> None:
    done = subprocess.run([sys.executable, "-c", LARGE_AND_ALIVE], capture_output=True, text=True, check=True)
    held, given_back = map(int, done.stdout.split())
    assert held > 90_000_000
    assert given_back > 90_000_000


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc alone keeps what is freed")
def test_what_is_freed_goes_back() -> None:
    done = subprocess.run([sys.executable, "-c", HELD_BACK], capture_output=True, text=True, check=True)
    assert int(done.stdout) > 80_000_000


def test_where_there_is_no_such_call_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_malloc_trim", None)
    assert memory.trim() is False


def test_a_second_caller_does_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    within: list[bool] = []

    def trimming(_: int) -> int:
        within.append(memory.trim())
        return 1

    monkeypatch.setattr(memory, "_malloc_trim", trimming)
    assert memory.trim() is True
    assert within == [False]
    assert memory.trim() is True, "the lock is free again"
