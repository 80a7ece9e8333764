"""Backtests: what an alert rule would have found, tried out and kept before it is switched on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from schemas.rules.alerts import Alert, digest, parse
from services.clock import Clock
from services.commands.naming import unknown_names
from services.commands.policies import ALERT, in_force, to_come
from services.errors import NotFound, Refused
from services.store.alerts import Alerts, TestedRow
from services.store.policies import Policy

YEAR: Final = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Trial:
    """A rule to be tried out, and on which time."""

    name: str
    rule: Alert
    ruling: Alert | None
    """The one of this name in force, to be compared with; None where that is the very rule."""
    from_at: datetime
    to_at: datetime


Told = Callable[[int, int], None]
"""How many customers of how many were looked at."""
Run = Callable[[str, Trial, Told], Mapping[str, Any]]
"""Lives a trial through all histories of a workspace."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for; the rule in force by default, and the year that ends now."""

    name: str
    rules: Mapping[str, object] | None = None
    from_at: datetime | None = None
    to_at: datetime | None = None


class Ruling(Protocol):
    """What is asked of policies; raises ``Unavailable``."""

    def policies(self, workspace: str) -> Sequence[Policy]:
        """Every version of every policy."""


class Backtests:
    """Tries rules out and keeps what was found."""

    def __init__(self, run: Run, known: Alerts, rules: Ruling, clock: Clock) -> None:
        self._run, self._known, self._rules, self._clock = run, known, rules, clock

    def test(self, workspace: str, wanted: Wanted, by: str, told: Told) -> TestedRow:
        """What ``wanted`` would have found; kept, so that it may be switched on.

        Raises ``NotFound`` where no rule of that name is in force and none is given, and
        ``Refused`` for a rule or a time that can't be tried.
        """
        trial = self._trial(workspace, wanted)
        body = self._run(workspace, trial, told)
        row = TestedRow(trial.name, digest(trial.rule), self._clock.now(), by, body)
        self._known.keep(workspace, row)
        return row

    def tested(self, workspace: str, rule: str, words: str) -> TestedRow | None:
        """What was found of the rule whose digest is ``words``."""
        return self._known.tested(workspace, rule, words)

    def _trial(self, workspace: str, wanted: Wanted) -> Trial:
        now = self._clock.now()
        to_at = wanted.to_at or now
        from_at = wanted.from_at or to_at - YEAR
        ruling = self._ruling(workspace, wanted.name)
        rule = ruling if wanted.rules is None else self._checked(workspace, wanted.rules)
        if rule is None:
            raise NotFound(
                "is no alert rule in force",
                "choose one of GET /v1/alerts/rules, or send rules of your own",
                field="rule",
                value=wanted.name[:80],
            )
        is_other = ruling is not None and digest(ruling) != digest(rule)
        return Trial(wanted.name, rule, ruling if is_other else None, from_at, to_at)

    def _checked(self, workspace: str, rules: Mapping[str, object]) -> Alert:
        rule = parse(rules)
        if isinstance(rule, Alert):
            known = to_come(self._rules.policies(workspace), self._clock.now())
            found = unknown_names(rule, known)
            if not found:
                return rule
        else:
            found = rule
        first = found[0]
        raise Refused(
            first.problem, first.remedy, field=f"rules.{first.field}".rstrip("."), value=first.value
        )

    def _ruling(self, workspace: str, name: str) -> Alert | None:
        for one in in_force(self._rules.policies(workspace), self._clock.now()):
            if (one.kind, one.name) == (ALERT, name):
                rule = parse(one.rules)
                return rule if isinstance(rule, Alert) else None
        return None
