"""A client of the stream of decisions: what it hears, and where it would go on."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic
from typing import Any

import httpx

Json = dict[str, Any]
PATH = "/v1/decisions/stream"
PATIENCE_S = 40
"""For decisions; in quiet times ids come alone."""


@dataclass
class Hearing:
    """One open stream."""

    lines: Iterator[str]
    last: str = ""
    """The id last received: where to resume."""

    def decisions(self, count: int) -> list[Json]:
        """The next so many; raises ``EOFError`` where the stream ends before."""
        found: list[Json] = []
        deadline_s = monotonic() + PATIENCE_S
        while len(found) < count:
            told = self._block()
            if "data" in told:
                assert json.loads(told["data"])["type"] == told["event"]
                found.append(json.loads(told["data"]))
            else:
                assert monotonic() < deadline_s, f"nothing more came after {found}"
        return found

    def begun(self) -> None:
        """Return once the stream says where it begins."""
        while not self.last:
            self._block()

    def end(self) -> None:
        """Return once the stream ends."""
        for _ in self.lines:
            pass

    def _block(self) -> dict[str, str]:
        told: dict[str, str] = {}
        for line in self.lines:
            if not line:
                self.last = told.get("id", self.last)
                return told
            name, _, value = line.partition(": ")
            told[name] = value
        raise EOFError


@contextmanager
def hearing(
    client: httpx.Client, key: str, *, last: str = "", query: str = "", path: str = PATH
) -> Iterator[Hearing]:
    """The stream, begun now or after ``last``."""
    headers = {"Authorization": f"Bearer {key}"} | ({"Last-Event-ID": last} if last else {})
    with client.stream("GET", path + query, headers=headers, timeout=20) as response:
        assert response.status_code == httpx.codes.OK, response.read()
        assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert response.headers["cache-control"] == "no-store"
        heard = Hearing(response.iter_lines())
        if not last:
            heard.begun()
        yield heard
