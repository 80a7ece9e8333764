"""The deadline of an attempt: of the whole of it, however slowly the other side goes on."""

import io
import socket
import time
from collections.abc import Callable
from typing import Any, Final

MOST_BYTES: Final = 64 * 1024
"""Of an answer, headers included; nobody has to say that much to say yes."""


class Deadline:
    """Runs out ``within_s`` from when it was made."""

    def __init__(self, within_s: float, now_s: Callable[[], float] = time.monotonic) -> None:
        self.within_s = within_s
        self._now_s, self._end_s = now_s, now_s() + within_s

    def left_s(self) -> float:
        """Seconds, more than none; raises ``TimeoutError`` once there are none."""
        left_s = self._end_s - self._now_s()
        if left_s <= 0:
            raise TimeoutError
        return left_s


class BoundedSocket:
    """A connected socket as HTTPResponse reads from one: up to the deadline, and so many bytes.

    A timeout of a socket is of each single read: by a byte every few seconds an answer could last
    for days.
    """

    def __init__(self, connected: socket.socket, deadline: Deadline) -> None:
        self._connected, self._deadline = connected, deadline

    def makefile(self, _mode: str) -> io.BufferedReader:
        """What is read from."""
        return io.BufferedReader(_Reading(self._connected, self._deadline))


class _Reading(io.RawIOBase):
    def __init__(self, connected: socket.socket, deadline: Deadline) -> None:
        self._connected, self._deadline = connected, deadline
        self._left = MOST_BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._left <= 0:
            raise OSError(f"its answer is larger than {MOST_BYTES} bytes")
        self._connected.settimeout(self._deadline.left_s())
        count = self._connected.recv_into(buffer, min(len(buffer), self._left))
        self._left -= count
        return count
