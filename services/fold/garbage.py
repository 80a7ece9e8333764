"""Garbage: what Python keeps of batches that are gone."""

import ctypes
import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

LARGE: Final = 1_000
"""Records of a batch after which there is something to give back."""


class Heap:
    """What large batches took of memory: given back once there is nothing to do.

    ``forget`` lets go of what was remembered meanwhile: a few thousand small things, made among
    millions that are gone, hold on to most of the pages that all of these were in.
    """

    def __init__(self, forget: Callable[[], None] = lambda: None) -> None:
        self._forget, self._is_swollen = forget, False

    def took(self, records: int) -> None:
        """A batch of so many was at hand."""
        self._is_swollen |= records >= LARGE

    def rest(self) -> None:
        """There is nothing to do: takes some ten milliseconds after a large batch, else none."""
        if self._is_swollen:
            self._is_swollen = False
            self._forget()
            gc.collect()
            # The C library keeps what was freed, a third of a gigabyte after a large load.
            if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):
                trim(0)


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
