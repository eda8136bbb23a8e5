"""Work in the background steps back, and only that work."""

from __future__ import annotations

import os
import sys
import threading

import pytest

from tekil.kit.priority import BACKGROUND_NICENESS, started_in_background

linux = pytest.mark.skipif(sys.platform != "linux", reason="niceness per thread is Linux's")


def niceness() -> int:
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


@linux
def test_only_the_starting_thread_steps_back() -> None:
    before = niceness()
    assert started_in_background(niceness) == max(before, BACKGROUND_NICENESS)
    assert niceness() == before


def test_what_fails_to_start_says_so() -> None:
    def fail() -> None:
        raise ValueError("no engine")

    with pytest.raises(ValueError, match="no engine"):
        started_in_background(fail)
