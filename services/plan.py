"""The plan that a supervisor works by; standard library only, as the supervisor is."""

import json
from collections.abc import Sequence
from typing import NamedTuple


class Child(NamedTuple):
    """A process to keep running; ``ready`` is a URL that answers 200 once it can serve."""

    name: str
    argv: Sequence[str]
    ready: str = ""
    is_once: bool = False
    """May end, and is not started again."""
    is_late: bool = False
    """Starts when all others are ready for the first time, and nobody waits for it."""


class Server(NamedTuple):
    """The database server, no child of ours: it may be older than we are, and outlive us."""

    pid_file: str
    start: Sequence[str]
    stop: Sequence[str]


class Plan(NamedTuple):
    """All there is to do; children start in this order and end in the opposite one."""

    children: Sequence[Child]
    server: Server | None = None
    greeter: int = -1
    """A socket: written to once everything is ready, and closed by who greets then."""
    is_json: bool = True
    """How our log lines look."""

    def dump(self) -> bytes:
        """The plan as ``load`` reads it."""
        return json.dumps(self).encode()


def load(text: bytes) -> Plan:
    """The plan that ``dump`` wrote."""
    children, server, greeter, is_json = json.loads(text)
    return Plan([Child(*child) for child in children], server and Server(*server), greeter, is_json)
