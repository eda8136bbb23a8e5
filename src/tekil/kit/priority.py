"""Letting others go first: what answers a person comes before what works in the background."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

BACKGROUND_NICENESS = 10


def work_in_background() -> None:
    """Have the kernel prefer other threads to this one, and to those that it starts.

    Linux keeps niceness per thread; elsewhere this does nothing.
    """
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), BACKGROUND_NICENESS)


def started_in_background(make: Callable[[], T]) -> T:
    """Make something whose own threads should work in the background, and hand it over."""
    made: list[T] = []
    failed: list[BaseException] = []

    def run() -> None:
        work_in_background()
        try:
            made.append(make())
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run, name="background-start")
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return made[0]
