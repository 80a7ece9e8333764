"""Awaiting: from a row of the outbox to the log, and through the folds."""

import re
from threading import Event
from time import monotonic
from typing import Final, NamedTuple, Protocol

from services.errors import Refused
from services.log import position
from services.log.port import CONTROL, Log, Position

PATIENCE_S: Final = 10.0
LOOK_AGAIN_S: Final = 0.005
_NEVER: Final = Event()
"""Nobody sets it: waiting for it is a pause."""
_OUTBOX: Final = re.compile(r"outbox-(\d{1,18})(?:-(\d{1,9}))?")


class Awaited(NamedTuple):
    """What a token stands for: a position of the log, or that of a row still in the outbox."""

    position: Position
    outbox_id: int | None = None
    partition: int = CONTROL
    """Where that row's event will rest."""


class Decisions(Protocol):
    """What commands ask of the store; every call raises ``Unavailable`` where it is away."""

    def customers(self, workspace: str, identifiers: list[str]) -> dict[str, str]:
        """The customer of each of these identifiers (hashes) that is known."""

    def members(self, workspace: str, customer_id: str) -> list[str]:
        """The identifiers of a customer, strongest first."""

    def namings(self, workspace: str, customer_id: str) -> list[tuple[str, str]]:
        """The pairs of a customer's identifiers that events joined; merges aside."""

    def decide(self, workspace: str, event: bytes) -> int:
        """Put an event of ours into the outbox; the number of its row."""

    def is_waiting(self, workspace: str, outbox_id: int) -> bool:
        """Whether the row is still in the outbox; once it isn't, its event is in the log."""

    def applied(self) -> Position:
        """How far the folds have come."""


def token(outbox_id: int, partition: int = CONTROL) -> str:
    """A position for callers, of what is not in the log yet."""
    return f"outbox-{outbox_id}-{partition}" if partition else f"outbox-{outbox_id}"


def decode(text: str) -> Awaited:
    """What ``text``, a ``Touchline-Position``, stands for; raises ``Refused`` for anything else."""
    if named := _OUTBOX.fullmatch(text):
        return Awaited({}, int(named[1]), int(named[2] or CONTROL))
    return Awaited(position.decode(text))


def appended(
    decisions: Decisions,
    log: Log,
    workspace: str,
    outbox_id: int,
    *,
    partition: int = CONTROL,
    patience_s: float = PATIENCE_S,
) -> Position | None:
    """Wait until the row's event is in the log; a position that covers it, None if too slow.

    Raises ``Refused`` for a ``partition`` that there is none of.
    """
    deadline = monotonic() + patience_s
    while decisions.is_waiting(workspace, outbox_id):
        if monotonic() > deadline:
            return None
        _NEVER.wait(LOOK_AGAIN_S)
    # Asked after the row was gone: whatever came between only makes us wait for more.
    ends = log.ends()
    if partition not in ends:
        raise Refused(
            f"names partition {partition}, and there are {len(ends)}",
            "send a Touchline-Position just as an answer gave it",
            field="Touchline-Wait-For",
        )
    return {partition: ends[partition]}


def applied(
    decisions: Decisions,
    log: Log,
    workspace: str,
    outbox_id: int,
    *,
    patience_s: float = PATIENCE_S,
) -> Position | None:
    """Wait until the row's event is folded; a position that covers it, None if too slow."""
    deadline = monotonic() + patience_s
    wanted = appended(decisions, log, workspace, outbox_id, patience_s=patience_s)
    while wanted is not None and not position.covers(decisions.applied(), wanted):
        if monotonic() > deadline:
            return None
        _NEVER.wait(LOOK_AGAIN_S)
    return wanted
