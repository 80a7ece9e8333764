"""Rate: one token bucket a key and process; several processes allow that many times as much."""

import math
from collections.abc import Callable
from time import monotonic
from typing import Final

from services.edge.limits import Limits
from services.errors import Limited

MAX_BUCKETS: Final = 10_000
"""Keys remembered; the one quiet for longest is forgotten first, and has a full bucket again."""


class Rates:
    """Admits ``requests_per_s`` of each key, and ``requests_burst`` at once."""

    def __init__(self, limits: Limits, now_s: Callable[[], float] = monotonic) -> None:
        self._per_s = limits.requests_per_s
        self._burst = limits.requests_burst
        self._now_s = now_s
        self._buckets: dict[str, tuple[float, float]] = {}

    def admit(self, key_id: str) -> None:
        """Take a token of ``key_id``; where there is none, ``Limited`` says when there will be."""
        now = self._now_s()
        tokens, filled_at = self._buckets.pop(key_id, (self._burst, now))
        tokens = min(self._burst, tokens + (now - filled_at) * self._per_s)
        is_admitted = tokens >= 1
        # Written at the end of the dict: its first entry is the key that was quiet for longest.
        self._buckets[key_id] = (tokens - 1 if is_admitted else tokens, now)
        if len(self._buckets) > MAX_BUCKETS:
            del self._buckets[next(iter(self._buckets))]
        if not is_admitted:
            raise Limited(
                f"more than {self._per_s:g} requests a second with this key",
                "send several events in one request, and wait as Retry-After says",
                retry_after_s=max(1, math.ceil((1 - tokens) / self._per_s)),
            )
