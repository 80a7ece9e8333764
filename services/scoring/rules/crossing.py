"""Conditions on scores: beyond a threshold, with hysteresis."""

from schemas.rules.alerts_tree import Crossed
from services.scoring.rules.life import Life
from services.scoring.rules.looks import Condition, Evidence, Fact, Look


def score(rule: Crossed) -> Condition:
    """A score beyond where it enters, and until it is back where it leaves."""
    enters, leaves, name = rule.enters_at, rule.leaves_at, rule.name
    is_rising = enters > leaves

    def is_beyond(value: float | None, threshold: float) -> bool:
        return value is not None and (value > threshold if is_rising else value < threshold)

    def begins(life: Life, at_s: int) -> Look:
        standing = life.standing(at_s)
        value = standing.scores.get(name)
        return Look(value == enters or is_beyond(value, enters), standing.due_s)

    def stays(life: Life, at_s: int) -> Look:
        standing = life.standing(at_s)
        return Look(is_beyond(standing.scores.get(name), leaves), standing.due_s)

    def tell(life: Life, at_s: int) -> Evidence:
        value = life.standing(at_s).scores[name]
        facts: dict[str, Fact] = {
            name: round(value, 6), "enters_at": enters, "leaves_at": leaves
        }  # fmt: skip
        return Evidence(facts)

    return Condition("score", None, begins, stays, tell)
