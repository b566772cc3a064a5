"""All threads of an office take their memory from one heap."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
import os, threading
from tests.harness.heaps import thread_heaps
from b2bua.heap import share_one_heap
if {is_shared}:
    assert share_one_heap()
kept, ready = [], threading.Barrier(5)
def work():
    kept.append([bytes(2000) for _ in range(500)])
    ready.wait(10)
threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads:
    thread.start()
ready.wait(10)
print(thread_heaps(os.getpid()))
for thread in threads:
    thread.join()
"""


@pytest.mark.parametrize("is_shared", [False, True])
def test_threads_have_heaps_of_their_own_unless_they_share_one(is_shared: bool) -> None:
    script = SCRIPT.format(is_shared=is_shared)
    heaps = int(subprocess.run([sys.executable, "-c", script], capture_output=True, check=True).stdout)
    assert heaps == 0 if is_shared else heaps > 0
