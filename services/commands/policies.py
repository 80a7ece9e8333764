"""Policies: the rules of a workspace, read, checked and published."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

import msgspec

from schemas import PolicyPublished
from schemas.explain import near
from schemas.problems import Problem
from schemas.rules import alerts, lifecycle, loyalty
from services.clock import Clock
from services.commands.awaiting import PATIENCE_S, Decisions, applied, token
from services.commands.control import checked
from services.commands.naming import unknown_names
from services.commands.once import Asked, Outcome, Request, once
from services.errors import Refused
from services.fold.decisions import decision
from services.fold.rules import AHEAD, BEGINNING, LIFECYCLE, whole_days
from services.log.port import Log
from services.log.position import encode
from services.store.balance import Balances, Deciding, Decision
from services.store.policies import Policy

_PARSERS: Final[Mapping[str, Any]] = {
    "lifecycle": lifecycle.parse,
    "loyalty": loyalty.parse,
    "alert": alerts.parse,
}
KINDS: Final = tuple(_PARSERS)
"""What policies may rule."""
ALERT: Final = "alert"
MINUTE: Final = timedelta(minutes=1)


Tested = Callable[[str, str, str], object | None]
"""What a backtest found: of a workspace, a rule's name, and the digest of its words."""


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
    is_forced: bool = False
    """Publish an alert rule that was never tried out."""


@dataclass(frozen=True, slots=True)
class Published:
    """What came of it."""

    kind: str
    name: str
    version: int
    effective_at: datetime | None
    position: str
    """A token to wait for; of the outbox while ``is_applied`` is false."""
    is_applied: bool


def check(kind: str, rules: Mapping[str, object]) -> Sequence[Problem]:
    """All that is wrong with the rules whatever the workspace, each with its place and remedy."""
    if kind not in _PARSERS:
        meant = near(kind, KINDS, most=1)
        remedy = f"choose one of {', '.join(KINDS)}" + (f"; {meant[0]}?" if meant else "")
        return [Problem("kind", kind, "is no kind of policy", remedy)]
    found = _PARSERS[kind](rules)
    return found if isinstance(found, list) else ()


def in_force(policies: Sequence[Policy], at: datetime) -> list[Policy]:
    """Of each kind and name the version that rules at ``at``, if one does.

    Of two that apply from the same instant on the higher version rules.
    """
    begun = [one for one in policies if one.effective_at is None or one.effective_at <= at]
    begun.sort(key=lambda one: (one.effective_at or BEGINNING, one.version))
    return list({(one.kind, one.name): one for one in begun}.values())


def to_come(policies: Sequence[Policy], at: datetime) -> list[Policy]:
    """Those that rule at ``at``, and those that will."""
    later = [one for one in policies if one.effective_at is not None and one.effective_at > at]
    return [*in_force(policies, at), *later]


def defaults(workspace: str, by: str, at: datetime) -> list[bytes]:
    """The events that publish what every workspace begins with."""
    return [
        decision(
            PolicyPublished(kind=kind, name=name, policy_version=1, rules=plain(rules), by=by),  # type: ignore[arg-type]
            id_=f"policy.published/{workspace}/{kind}/{name}/1",
            occurred_at=at,
        )
        for (kind, name), rules in _shipped().items()
    ]


def _shipped() -> dict[tuple[str, str], Mapping[str, Any]]:
    machines = lifecycle.default_rules().items()
    return (
        {("loyalty", "default"): loyalty.default_rules()}
        | {(LIFECYCLE, name): rules for name, rules in machines}
        | {(ALERT, name): rules for name, rules in alerts.default_rules().items()}
    )


class Policies:
    """Publishes; returns once the folds know of it, or after ten seconds."""

    def __init__(
        self, rules: Rules, decisions: Decisions, log: Log, clock: Clock,
        *, balances: Balances, tested: Tested, patience_s: float = PATIENCE_S,
    ) -> None:  # fmt: skip
        """``tested`` finds the backtest of an alert rule."""
        self._rules, self._decisions, self._log, self._clock = rules, decisions, log, clock
        self._balances, self._tested, self._patience_s = balances, tested, patience_s

    def policies(self, workspace: str) -> Sequence[Policy]:
        """Every version of every policy, in the order in which they apply."""
        return self._rules.policies(workspace)

    def in_force(self, workspace: str) -> Sequence[Policy]:
        """Those that rule now."""
        return in_force(self.policies(workspace), self._clock.now())

    def problems(self, workspace: str, kind: str, rules: Mapping[str, object]) -> Sequence[Problem]:
        """All that is wrong with the rules, beside the other policies of the workspace."""
        if found := check(kind, rules):
            return found
        rule = alerts.parse(rules) if kind == ALERT else None
        if not isinstance(rule, alerts.Alert) or not (rule.who.stages or rule.who.tiers):
            return ()
        return unknown_names(rule, to_come(self.policies(workspace), self._clock.now()))

    def publish(self, asked: Asked, draft: Draft) -> Published:
        """Let a new version apply from ``effective_at`` on.

        Raises ``Refused`` for rules that contradict themselves, for an alert rule that nobody tried
        out, and for a time that is too near: what happens now may be recorded in ten minutes, and
        has to find the rules of its day.
        """
        if problems := self.problems(asked.workspace, draft.kind, draft.rules):
            first = problems[0]
            raise Refused(first.problem, first.remedy, field=first.field, value=first.value)
        rules = plain(draft.rules)
        self._demand_backtest(asked.workspace, draft)

        def decide(deciding: Deciding, id_: str) -> Outcome:
            effective_at = self._effective_at(asked.workspace, draft)
            data = PolicyPublished(
                kind=draft.kind,  # type: ignore[arg-type] # check() knows no other
                name=draft.name,
                policy_version=self._next_version(deciding, asked.workspace, draft),
                effective_at=effective_at,
                rules=rules,
                by=asked.by,
            )
            event = decision(data, id_=id_, occurred_at=self._clock.now())
            told = None if effective_at is None else effective_at.isoformat()
            answer = {"version": data.policy_version, "effective_at": told}
            return Outcome(Decision(checked(event)), answer)

        words = ["publish", draft.kind, draft.name, draft.effective_at, rules]
        answer = once(self._balances, asked, Request(words), decide)
        position = applied(
            self._decisions, self._log, asked.workspace, answer["outbox_id"],
            patience_s=self._patience_s,
        )  # fmt: skip
        return Published(
            draft.kind,
            draft.name,
            answer["version"],
            datetime.fromisoformat(answer["effective_at"]) if answer["effective_at"] else None,
            token(answer["outbox_id"]) if position is None else encode(position),
            position is not None,
        )

    def _demand_backtest(self, workspace: str, draft: Draft) -> None:
        """Whoever is alerted wants to know how often: only what was tried out is switched on."""
        rule = alerts.parse(draft.rules) if draft.kind == ALERT and not draft.is_forced else None
        if not isinstance(rule, alerts.Alert) or not rule.is_enabled:
            return
        words = alerts.digest(rule)
        for ruling in self.in_force(workspace):
            if (ruling.kind, ruling.name) == (ALERT, draft.name):
                known = alerts.parse(ruling.rules)
                if isinstance(known, alerts.Alert) and alerts.digest(known) == words:
                    return
        if self._tested(workspace, draft.name, words) is None:
            raise Refused(
                "was never backtested as it is",
                "try it out first (touchline alerts backtest, or POST /v1/alerts/backtest), publish"
                " it with is_enabled = false, or force it",
                field="rules",
                value=draft.name,
            )

    def _next_version(self, deciding: Deciding, workspace: str, draft: Draft) -> int:
        """One more than the last, and than those that are published and not folded yet."""
        named = draft.kind, draft.name
        folded = [
            one.version for one in self._rules.policies(workspace) if (one.kind, one.name) == named
        ]
        last = max(folded, default=1 if named in _shipped() else 0)
        return deciding.number(f"policy {draft.kind}/{draft.name}", after=last)

    def _effective_at(self, workspace: str, draft: Draft) -> datetime | None:
        wanted = draft.effective_at
        if self._rules.has_events(workspace):
            earliest = (self._clock.now() + AHEAD + MINUTE).replace(second=0, microsecond=0)
            if wanted is not None and wanted < earliest - MINUTE:
                raise Refused(
                    "is too soon: rules of the past can't be changed, and events of now may still"
                    " come",
                    f"choose {earliest:%Y-%m-%dT%H:%MZ} or later, or leave it out",
                    field="effective_at",
                    value=wanted.isoformat(),
                )
            wanted = wanted or earliest
        return whole_days(wanted) if wanted and draft.kind == LIFECYCLE else wanted


def plain(rules: Mapping[str, object]) -> dict[str, Any]:
    """As JSON has it: times as text."""
    encoded: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(rules))
    return encoded
