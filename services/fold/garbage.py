"""Garbage: how often Python looks for cycles while batches are folded."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

THRESHOLD: Final = 50_000
"""A batch makes some hundred thousand objects that all live until its end. With Python's own 700
the collector looks at them again and again: a third of the time (``bench/fold.py``)."""


@contextmanager
def collecting_rarely() -> Iterator[None]:
    """Have this process look for cycles seldom, for as long as the block lasts."""
    young, *older = gc.get_threshold()
    gc.set_threshold(THRESHOLD, *older)
    try:
        yield
    finally:
        gc.set_threshold(young, *older)


@contextmanager
def not_collecting() -> Iterator[None]:
    """Have it not look at all, for a block of a second at most that makes no cycles."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
