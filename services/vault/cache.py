"""A bounded cache whose entries grow old: what was destroyed elsewhere is forgotten in time."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable, Mapping
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Cache(Generic[Key, Value]):
    """The ``size`` entries used last, none older than ``max_age_s``; safe in threads."""

    def __init__(
        self, size: int, max_age_s: float, now_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._size = size
        self._max_age_s = max_age_s
        self._now_s = now_s
        self._lock = threading.Lock()
        self._entries: OrderedDict[Key, tuple[float, Value]] = OrderedDict()
        self._removals = 0

    @property
    def removals(self) -> int:
        """How often something was removed; remember it before loading what ``put`` is to keep."""
        with self._lock:
            return self._removals

    def get(self, keys: Collection[Key]) -> dict[Key, Value]:
        """Those of ``keys`` that are here and young enough."""
        oldest = self._now_s() - self._max_age_s
        found = {}
        with self._lock:
            for key in keys:
                entry = self._entries.get(key)
                if entry is None:
                    continue
                if entry[0] < oldest:
                    del self._entries[key]
                    continue
                self._entries.move_to_end(key)
                found[key] = entry[1]
        return found

    def put(self, entries: Mapping[Key, Value], removals: int) -> None:
        """Keep ``entries``, unless something was removed while they were being loaded."""
        now_s = self._now_s()
        with self._lock:
            if removals != self._removals:
                return
            for key, value in entries.items():
                self._entries[key] = (now_s, value)
                self._entries.move_to_end(key)
            while len(self._entries) > self._size:
                self._entries.popitem(last=False)

    def clear(self) -> None:
        """Forget everything, for the memory that it takes; what is being loaded may stay."""
        with self._lock:
            self._entries.clear()

    def remove(self, keys: Collection[Key]) -> None:
        """Forget ``keys``, also where another thread is loading them just now."""
        with self._lock:
            self._removals += 1
            for key in keys:
                self._entries.pop(key, None)
