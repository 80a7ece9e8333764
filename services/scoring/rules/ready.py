"""A rule made ready: its conditions, whom it is about, and what it says of an instant."""

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from schemas.rules import alerts_tree as tree
from schemas.rules.alerts_checks import kind_of
from services.scoring.model.history import DAY_S
from services.scoring.rules import crossing, happening, lasting, stages
from services.scoring.rules.falling import falling
from services.scoring.rules.life import BOUGHT, CANCELLED, REFUNDED, Life
from services.scoring.rules.looks import (
    Condition,
    Evidence,
    Look,
    all_types,
    never,
    some_of,
    told_of,
)
from services.scoring.rules.stages import Newcomers
from services.scoring.rules.standing import FOREVER

_LASTING: Final[dict[str, Any]] = {
    "silent": lasting.silent,
    "falling": falling,
    "unanswered": lasting.unanswered,
    "score": crossing.score,
}
_HAPPENING: Final[dict[str, Any]] = {
    "feedback": happening.feedback,
    "payments_failed": happening.payments_failed,
    "happened": happening.happened,
    "said": happening.said,
    "points_expiring": happening.points_expiring,
}


class Ready:
    """One version of a rule. It was checked: ``schemas.rules.alerts.parse`` gave it."""

    def __init__(
        self,
        rule: tree.Alert,
        version: int,
        newcomers: Newcomers = Newcomers(),  # noqa: B008 - frozen
    ) -> None:
        self.rule, self.version, self._newcomers = rule, version, newcomers
        self._conditions = [_condition(one) for one in rule.when]
        self._enters = [one.enters for one in self._conditions]
        self._stays = [one.stays for one in self._conditions]
        at_least = rule.at_least or len(rule.when)
        self._may_enter = some_of(at_least, self._enters)
        self.stays = some_of(at_least, self._stays)
        """Whether an episode that began goes on."""
        is_plain = len(rule.when) == 1 and rule.who == tree.Who()
        self.postpones = self._conditions[0].postpones if is_plain else never
        """As the condition says, where that is all that the rule asks."""
        fewest = [one.least for one in self._conditions]
        self.least = max(fewest) if at_least == len(rule.when) else 1
        """With fewer entries that it looks at it can't hold."""
        self.snooze_s = rule.snooze_days * DAY_S
        self.cool_down_s = rule.cool_down_days * DAY_S
        self.types = _types(rule.who, self._conditions, newcomers)
        """The types of entries that may change what it says; None for any."""

    def enters(self, life: Life, at_s: int) -> Look:
        """Whether an episode begins: the conditions hold, of somebody whom the rule is about."""
        look = self._may_enter(life, at_s)
        if not look.holds:
            return look
        is_meant = _is_meant(self.rule.who, self._newcomers, life, at_s)
        return Look(is_meant.holds, min(look.due_s, is_meant.due_s))

    def why(self, life: Life, at_s: int, *, has_just_begun: bool) -> Evidence:
        """What holds at ``at_s``, values beside thresholds."""
        looks = self._enters if has_just_begun else self._stays
        return told_of(self._conditions, looks, life, at_s)


def _condition(condition: tree.Condition) -> Condition:
    return _combined(condition.combined) if condition.combined else _signal(condition, None)


def _signal(signal: tree.Signal, within_days: int | None) -> Condition:
    kind = kind_of(signal)
    rule = getattr(signal, kind)
    made: Condition = (
        _LASTING[kind](rule)
        if kind in _LASTING
        else _HAPPENING[kind](rule, rule.within_days or within_days)
    )
    return made


def _combined(rule: tree.Combined) -> Condition:
    conditions = [_signal(one, rule.within_days) for one in rule.of]
    stays = [one.stays for one in conditions]
    return Condition(
        "combined",
        all_types(conditions),
        some_of(rule.at_least, [one.enters for one in conditions]),
        some_of(rule.at_least, stays),
        partial(_told_of_combined, rule, conditions),
    )


def _told_of_combined(
    rule: tree.Combined, conditions: Sequence[Condition], life: Life, at_s: int
) -> Evidence:
    told = told_of(conditions, [one.stays for one in conditions], life, at_s)
    return Evidence({"at_least": rule.at_least} | dict(told.facts), told.events)


def _types(
    who: tree.Who, conditions: Sequence[Condition], newcomers: Newcomers
) -> frozenset[str] | None:
    types = all_types(conditions)
    if types is None or who.values:
        return None
    types |= stages.types_of(who, newcomers)
    return types | {BOUGHT, CANCELLED, REFUNDED} if who.least_spend_minor else types


def _is_meant(who: tree.Who, newcomers: Newcomers, life: Life, at_s: int) -> Look:
    if who.least_spend_minor and _spent(life, at_s, who.currency) < who.least_spend_minor:
        return Look(holds=False)
    if not stages.is_there(who, newcomers, life, at_s):
        return Look(holds=False)
    if not who.values:
        return Look(holds=True)
    standing = life.standing(at_s)
    return Look(standing.value in who.values, standing.due_s)


def _spent(life: Life, at_s: int, currency: str | None) -> int:
    paid = sum(one.value for one in life.orders(-FOREVER, at_s) if one.unit == currency)
    back = (one for one in life.within((REFUNDED,), -FOREVER, at_s) if one.unit == currency)
    return paid - sum(int(one.value) for one in back)
