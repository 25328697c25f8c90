"""Memory of a process in which one thread after another loads a large block."""

import platform
import subprocess
import sys

import pytest

# Each of eight threads, all alive, takes 12 MB in the others' place; then how many of them are still resident.
_EIGHT_THREADS = """
import sys, threading
from rag.serving.listening import return_large_blocks

if sys.argv[1] == "returned":
    assert return_large_blocks()
held, kept, turn = [None], [], threading.Barrier(8)
resident = lambda: int(open("/proc/self/statm").read().split()[1]) * 4096

def load(number):
    for now in range(8):
        if now == number:
            held[0] = b"x" * 12_000_000
            kept.append(b"y" * 50_000)
        turn.wait()

def all_load():
    threads = [threading.Thread(target=load, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

before = resident()
all_load()
all_load()
print((resident() - before) // 12_000_000)
"""


def _blocks(how: str) -> int:
    line = [sys.executable, "-c", _EIGHT_THREADS, how]
    return int(subprocess.run(line, capture_output=True, text=True, check=True, timeout=60).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc keeps such blocks")
def test_large_blocks_of_many_threads_go_back_to_the_system() -> None:
    assert _blocks("returned") <= 2
    assert _blocks("kept") >= 4
