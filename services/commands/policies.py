"""Policies: the rules of a workspace, read, checked and published."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

import msgspec

from schemas import PolicyPublished
from schemas.problems import Problem
from schemas.rules import lifecycle, loyalty
from services.clock import Clock
from services.commands.awaiting import PATIENCE_S, Decisions, applied, token
from services.commands.control import formed
from services.errors import Refused
from services.fold.decisions import decision
from services.fold.rules import AHEAD
from services.log.port import Log
from services.log.position import encode
from services.store.policies import Policy

_PARSERS: Final[Mapping[str, Any]] = {"lifecycle": lifecycle.parse, "loyalty": loyalty.parse}
KINDS: Final = tuple(_PARSERS)
"""What policies may rule."""
MINUTE: Final = timedelta(minutes=1)


class Rules(Protocol):
    """What is asked of the store; every call raises ``Unavailable`` where it is away."""

    def policies(self, workspace: str) -> Sequence[Policy]:
        """Every version of every policy."""

    def has_events(self, workspace: str) -> bool:
        """Whether anything was recorded of its customers."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A policy that somebody wants to publish."""

    kind: str
    name: str
    rules: Mapping[str, object]
    effective_at: datetime | None = None
    """By default the first minute from which it can apply."""


@dataclass(frozen=True, slots=True)
class Published:
    """What came of it."""

    version: int
    effective_at: datetime | None
    position: str
    """A token to wait for; of the outbox while ``is_applied`` is false."""
    is_applied: bool


def check(kind: str, rules: Mapping[str, object]) -> Sequence[Problem]:
    """All that is wrong with the rules, each with its place and remedy."""
    if kind not in _PARSERS:
        remedy = f"choose one of {', '.join(KINDS)}"
        return [Problem("kind", kind, "is no kind of policy", remedy)]
    found = _PARSERS[kind](rules)
    return found if isinstance(found, list) else ()


def defaults(workspace: str, by: str, at: datetime) -> list[bytes]:
    """The events that publish what every workspace begins with."""
    shipped = [("loyalty", "default", loyalty.default_rules())]
    shipped += [
        ("lifecycle", name, dict(rules)) for name, rules in lifecycle.default_rules().items()
    ]
    return [
        decision(
            PolicyPublished(kind=kind, name=name, policy_version=1, rules=_plain(rules), by=by),  # type: ignore[arg-type]
            id_=f"policy.published/{workspace}/{kind}/{name}/1",
            occurred_at=at,
        )
        for kind, name, rules in shipped
    ]


class Policies:
    """Publishes; returns once the folds know of it, or after ten seconds."""

    def __init__(
        self, rules: Rules, decisions: Decisions, log: Log, clock: Clock,
        *, patience_s: float = PATIENCE_S,
    ) -> None:  # fmt: skip
        self._rules, self._decisions, self._log, self._clock = rules, decisions, log, clock
        self._patience_s = patience_s

    def policies(self, workspace: str) -> Sequence[Policy]:
        """Every version of every policy, in the order in which they apply."""
        return self._rules.policies(workspace)

    def publish(self, workspace: str, draft: Draft, by: str) -> Published:
        """Let a new version apply from ``effective_at`` on.

        Raises ``Refused`` for rules that contradict themselves, and for a time that is too near:
        what happens now may be recorded in ten minutes, and has to find the rules of its day.
        """
        if problems := check(draft.kind, draft.rules):
            first = problems[0]
            raise Refused(first.problem, first.remedy, field=first.field, value=first.value)
        effective_at = self._effective_at(workspace, draft.effective_at)
        version = 1 + max(
            (
                one.version
                for one in self._rules.policies(workspace)
                if (one.kind, one.name) == (draft.kind, draft.name)
            ),
            default=0,
        )
        data = PolicyPublished(
            kind=draft.kind,  # type: ignore[arg-type]
            name=draft.name,
            policy_version=version,
            effective_at=effective_at,
            rules=_plain(draft.rules),
            by=by,
        )
        outbox_id = self._decisions.decide(workspace, formed(data, self._clock))
        position = applied(
            self._decisions, self._log, workspace, outbox_id, patience_s=self._patience_s
        )
        told = token(outbox_id) if position is None else encode(position)
        return Published(version, effective_at, told, position is not None)

    def _effective_at(self, workspace: str, wanted: datetime | None) -> datetime | None:
        if not self._rules.has_events(workspace):
            return wanted
        earliest = (self._clock.now() + AHEAD + MINUTE).replace(second=0, microsecond=0)
        if wanted is not None and wanted < earliest - MINUTE:
            raise Refused(
                "is too soon: rules of the past can't be changed, and events of now may still come",
                f"choose {earliest:%Y-%m-%dT%H:%MZ} or later, or leave it out",
                field="effective_at",
                value=wanted.isoformat(),
            )
        return wanted or earliest


def _plain(rules: Mapping[str, object]) -> dict[str, Any]:
    """As JSON has it: times as text."""
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(rules))
    return plain
