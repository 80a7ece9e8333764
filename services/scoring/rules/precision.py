"""Precision: what became of the alerts that a rule raised, known later.

Somebody who was called and stayed may have stayed because of the call: a rule that works spoils
its own precision. So alerts that nobody acted upon are counted apart as well.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from services.scoring.model.history import Entry
from services.scoring.rules.episodes import Episode
from services.scoring.rules.leaving import Leaving, Outcome, purchased
from services.scoring.rules.life import Life

_DONE: Final = ("appointment.booked", "appointment.held", "call.ended", "case.replied",
                "reward.granted")  # fmt: skip


class Judged(NamedTuple):
    """An alert with what was done about it, and what became of the customer."""

    rule: str
    began_s: int
    raised_s: int
    outcome: Outcome
    is_acknowledged: bool
    acted_s: int | None
    """When somebody first did something for the customer within the horizon; None: never yet."""


@dataclass(frozen=True, slots=True)
class Precision:
    """One rule's alerts, added up."""

    alerts: int = 0
    acknowledged: int = 0
    acted: int = 0
    left: int = 0
    stayed: int = 0
    gone: int = 0
    unknown: int = 0
    left_unattended: int = 0
    """Of those upon which nobody acted."""
    stayed_unattended: int = 0

    @property
    def precision(self) -> float | None:
        """Of those whose outcome is known, the share of those who left."""
        known = self.left + self.stayed + self.gone
        return self.left / known if known else None

    @property
    def precision_unattended(self) -> float | None:
        """The same of those upon which nobody acted, and who had not left before."""
        known = self.left_unattended + self.stayed_unattended
        return self.left_unattended / known if known else None


def judged(
    found: Sequence[Episode], life: Life, left: Leaving, known_until_s: int
) -> list[Judged]:  # fmt: skip
    """Each alert of a customer with its outcome, as far as it is known."""
    known = purchased(life, left, known_until_s)
    return [
        Judged(
            one.rule,
            one.began_s,
            one.raised_s,
            known.outcome(one.raised_s),
            one.acknowledged_s is not None,
            _acted_s(life, one.raised_s, min(known_until_s, one.raised_s + left.horizon_s)),
        )
        for one in found
        if one.raised_s is not None
    ]


def precision(alerts: Iterable[Judged]) -> dict[str, Precision]:
    """By rule."""
    by_rule: dict[str, list[Judged]] = {}
    for one in alerts:
        by_rule.setdefault(one.rule, []).append(one)
    return {rule: _added_up(by_rule[rule]) for rule in sorted(by_rule)}


def _added_up(alerts: Sequence[Judged]) -> Precision:
    outcomes = [one.outcome for one in alerts]
    unattended = [one.outcome for one in alerts if one.acted_s is None]
    return Precision(
        alerts=len(alerts),
        acknowledged=sum(one.is_acknowledged for one in alerts),
        acted=len(alerts) - len(unattended),
        left=outcomes.count("left"),
        stayed=outcomes.count("stayed"),
        gone=outcomes.count("gone"),
        unknown=outcomes.count("unknown"),
        left_unattended=unattended.count("left"),
        stayed_unattended=unattended.count("stayed"),
    )


def _acted_s(life: Life, raised_s: int, until_s: int) -> int | None:
    done = (one.at_s for one in life.within(_DONE, raised_s, until_s) if _is_ours(one))
    return next(done, None)


def _is_ours(entry: Entry) -> bool:
    """A person of ours called, answered, met them or gave them something."""
    match entry.type:
        case "call.ended":
            return entry.unit.startswith("outbound")
        case "case.replied":
            return entry.unit == "agent"
        case _:
            return True
