"""Conditions about what happened lately: events, answers, failed payments, intents, points."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from schemas.feedback import SCALES
from schemas.rules.alerts_tree import Feedback, Happened, PaymentsFailed, PointsExpiring, Said
from services.scoring.model.history import DAY_S, Entry
from services.scoring.rules.intent import SAID
from services.scoring.rules.lasting import on
from services.scoring.rules.life import Life
from services.scoring.rules.looks import Condition, Evidence, Fact, Look

_FAILED: Final = "subscription.payment_failed"
_PAID: Final = frozenset({"subscription.renewed", "subscription.started"})
_EXPIRING: Final = "points.expiring"
_REDEEMED: Final = "points.redeemed"


def feedback(rule: Feedback, within_days: int) -> Condition:
    """The latest answer to a survey is a bad one; a better one later ends it."""
    low, high = SCALES[rule.survey]
    window_s, types = within_days * DAY_S, frozenset({"feedback.given"})

    def latest(life: Life, at_s: int) -> tuple[Entry | None, float]:
        given = [
            one for one in life.within(types, at_s - window_s, at_s) if one.unit == rule.survey
        ]
        if not given:
            return None, high
        # From a share of its own scale back to the survey's, without the dust of fractions.
        return given[-1], round(low + given[-1].value * (high - low), 6)

    def look(life: Life, at_s: int) -> Look:
        given, answer = latest(life, at_s)
        if given is None or answer > rule.at_most:
            return Look(holds=False)
        return Look(holds=True, due_s=given.at_s + window_s)

    def tell(life: Life, at_s: int) -> Evidence:
        given, answer = latest(life, at_s)
        facts: dict[str, Fact] = {
            "survey": rule.survey, "answer": answer, "at_most": rule.at_most
        }  # fmt: skip
        return Evidence(facts, (given.id,) if given else ())

    return Condition("feedback", types, look, look, tell)


def payments_failed(rule: PaymentsFailed, within_days: int) -> Condition:
    """Payments of one subscription failed, and none went through since."""
    window_s, types = within_days * DAY_S, frozenset({_FAILED}) | _PAID

    def failed(life: Life, at_s: int) -> list[list[Entry]]:
        """By subscription that has enough of them."""
        found: dict[str, list[Entry]] = {}
        for entry in life.within(types, at_s - window_s, at_s):
            if entry.type == _FAILED:
                found.setdefault(entry.about, []).append(entry)
            else:
                found.pop(entry.about, None)
        return [one for one in found.values() if len(one) >= rule.at_least]

    def look(life: Life, at_s: int) -> Look:
        ends = [one[-rule.at_least].at_s + window_s for one in failed(life, at_s)]
        return Look(holds=True, due_s=max(ends)) if ends else Look(holds=False)

    def tell(life: Life, at_s: int) -> Evidence:
        worst = max(failed(life, at_s), key=len)
        facts: dict[str, Fact] = {
            "payments": len(worst), "at_least": rule.at_least, "subscription": worst[0].about
        }  # fmt: skip
        return Evidence(facts, tuple(entry.id for entry in worst))

    return Condition("payments_failed", types, look, look, tell)


def happened(rule: Happened, within_days: int) -> Condition:
    """So many events of some types."""
    types, undone_by = frozenset(rule.types), frozenset(rule.undone_by)
    return _counted("happened", _Counted(types, undone_by, rule.at_least, within_days * DAY_S))


def said(rule: Said, within_days: int) -> Condition:
    """An intent was found in what they wrote or said."""
    types = frozenset(SAID + intent for intent in rule.intents)
    counted = _Counted(
        types, frozenset(rule.undone_by), 1, within_days * DAY_S, rule.least_confidence
    )
    return _counted("said", counted)


class _Counted(NamedTuple):
    """Events of some types that nothing undid, within a window."""

    types: frozenset[str]
    undone_by: frozenset[str]
    at_least: int
    window_s: int
    least_value: float | None = None

    def found(self, life: Life, at_s: int) -> Sequence[Entry]:
        since_s = at_s - self.window_s
        undone = life.last(self.undone_by, at_s) if self.undone_by else None
        if undone:
            since_s = max(since_s, undone.at_s)
        found = life.within(self.types, since_s, at_s)
        least = self.least_value
        return found if least is None else [one for one in found if one.value >= least]


def _counted(name: str, counted: _Counted) -> Condition:
    def look(life: Life, at_s: int) -> Look:
        found = counted.found(life, at_s)
        if len(found) < counted.at_least:
            return Look(holds=False)
        return Look(holds=True, due_s=found[-counted.at_least].at_s + counted.window_s)

    def tell(life: Life, at_s: int) -> Evidence:
        found = counted.found(life, at_s)
        facts: dict[str, Fact] = {
            "what": found[-1].type,
            "times": len(found),
            "at_least": counted.at_least,
            "last": on(found[-1].at_s),
        }
        if found[-1].type.startswith(SAID):
            facts["sign"] = found[-1].unit
        return Evidence(facts, tuple(one.id for one in found))

    return Condition(name, counted.types | counted.undone_by, look, look, tell)


def points_expiring(rule: PointsExpiring, within_days: int) -> Condition:
    """Announced points are still there shortly before they expire, and until they do."""
    window_s, types = within_days * DAY_S, frozenset({_EXPIRING, _REDEEMED})

    def left(life: Life, at_s: int) -> tuple[Entry | None, int]:
        told = life.last((_EXPIRING,), at_s)
        if told is None:
            return None, 0
        spent = life.within((_REDEEMED,), told.at_s - 1, at_s)
        return told, int(told.value) - sum(int(one.value) for one in spent)

    def look(life: Life, at_s: int) -> Look:
        told, points = left(life, at_s)
        if told is None or points < rule.at_least:
            return Look(holds=False)
        expires_s = int(told.about)
        if at_s < expires_s - window_s:
            return Look(holds=False, due_s=expires_s - window_s)
        return Look(holds=True, due_s=expires_s) if at_s < expires_s else Look(holds=False)

    def tell(life: Life, at_s: int) -> Evidence:
        told, points = left(life, at_s)
        facts: dict[str, Fact] = {"points": points, "at_least": rule.at_least}
        if told is None:
            return Evidence(facts)
        return Evidence(facts | {"expires": on(int(told.about))}, (told.id,))

    return Condition("points_expiring", types, look, look, tell)
