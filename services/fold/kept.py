"""Kept: states as Python has them, so that who comes again need not be decoded again."""

from typing import Any, Final

MOST: Final = 8 << 20
"""Bytes of encoded states, which are six times as many in memory."""
EACH: Final = 4 << 10
"""What one counts as besides its own: so there are two thousand small ones at most."""


class Kept:
    """States that were put last; found only by the very bytes that the store has of them.

    So it never matters what another worker wrote meanwhile, or whether a transaction failed.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most, self._size = most, 0
        self._states: dict[tuple[str, str], tuple[bytes, Any]] = {}

    def take(self, course: str, customer: str, encoded: bytes) -> Any | None:
        """The state with these bytes, which is the caller's from now on; None where it is not here.

        What is here under other bytes is forgotten.
        """
        bytes_, state = self._states.pop((course, customer), (b"", None))
        if state is not None:
            self._size -= len(bytes_) + EACH
        return state if bytes_ == encoded else None

    def put(self, course: str, customer: str, encoded: bytes, state: Any) -> None:
        """Keep ``state``, which nobody changes from now on."""
        self.take(course, customer, b"")
        self._states[course, customer] = encoded, state
        self._size += len(encoded) + EACH
        while self._size > self._most:
            self.take(*next(iter(self._states)), b"")
