"""Stories of customers for alert rules: a line an event, as a person would note them."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

from schemas.rules.alerts import Alert, default_alerts, parse
from services.scoring.model.history import DAY_S, Entry
from services.scoring.rules import (
    Episode,
    Keywords,
    Life,
    Rulebook,
    Standing,
    episodes,
    said,
)
from services.scoring.rules.stages import NOWHERE, Eras, placed
from services.scoring.rules.standing import FOREVER

HOUR_S: Final = 3600
NOON_S: Final = 12 * HOUR_S


def at_s(text: str) -> int:
    """``2026-01-05`` or ``2026-01-05T10:00`` in UTC; a day is its midnight."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def shown(at: int | None) -> str:
    """The same the other way; midnight as the day alone."""
    if at is None:
        return "open"
    found = datetime.fromtimestamp(at, UTC)
    return found.strftime("%Y-%m-%d" if at % DAY_S == 0 else "%Y-%m-%dT%H:%M")


def rule(**tree: object) -> Alert:
    """A rule of these values; one that is refused fails the test."""
    found = parse(tree)
    assert isinstance(found, Alert), found
    return found


def book(alert: Alert | str, name: str = "rule", eras: Eras = NOWHERE) -> Rulebook:
    """One version, or one of the rules that ship by its name."""
    if isinstance(alert, str):
        return Rulebook(alert, [(None, 1, default_alerts()[alert])])
    return Rulebook(name, [(None, 1, alert)], eras)


class Story:
    """A customer's life, told in lines like ``2026-01-05T10:00 bought 40 as o-1``.

    What has no hour happened at noon. Lines about stage, tier, value and scores say how these stand
    from then on; a stage or tier may have been ``taken`` at another time.
    """

    def __init__(self, text: str) -> None:
        self.entries: list[Entry] = []
        self._steps: list[tuple[int, str, str]] = []
        for line in filter(None, map(str.strip, text.splitlines())):
            when, verb, *words = line.split(maxsplit=2)
            at = at_s(when) + (0 if "T" in when else NOON_S)
            rest = words[0] if words else ""
            if verb in ("stage", "tier"):
                self.entries.append(_put(at, verb, rest))
            elif verb in ("value", "score"):
                self._steps.append((at, verb, rest))
            else:
                self.entries += self._told(at, verb, rest)
        self._steps.sort()

    def standing(self, at: int) -> Standing:
        """How it stands at an instant, by the lines until then."""
        known: dict[str, str] = {}
        scores: dict[str, float] = {}
        for step_s, verb, rest in self._steps:
            if step_s > at:
                break
            if verb == "score":
                name, value = rest.split()
                scores[name] = float(value)
            else:
                known[verb] = rest
        place = bisect_right(self._steps, at, key=lambda step: step[0])
        due_s = self._steps[place][0] if place < len(self._steps) else FOREVER
        return Standing(scores=scores, due_s=due_s, **known)

    @property
    def life(self) -> Life:
        """All of it."""
        return Life.of(self.entries, self.standing)

    def _told(self, at: int, verb: str, rest: str) -> Iterable[Entry]:
        id_ = f"e{len(self.entries) + 1}"

        def entry(type_: str, about: str = "", value: float = 0.0, unit: str = "") -> Entry:
            return Entry(at, type_, "shop", id_, about, value, unit)

        words = rest.split() or [""]
        if verb == "chatted":
            chat = entry("chat.ended", "chat")
            return [chat, *said(chat, rest, Keywords())]
        return [_VERBS[verb](entry, words)]


def _put(at: int, verb: str, rest: str) -> Entry:
    """``stage loyal [taken 2026-01-09]``; ``-`` is none."""
    name, *taken = rest.split()
    taken_s = at_s(taken[1]) if taken else at
    return placed(verb, at - 1, taken_s * 1_000_000, "" if name == "-" else name)


Make = Callable[..., Entry]


def _bought(make: Make, words: Sequence[str]) -> Entry:
    """``bought 40 [EUR] [as o-1]``."""
    order = words[words.index("as") + 1] if "as" in words else ""
    unit = next((one for one in words[1:] if one.isupper()), "EUR")
    made = make("purchase.completed", order, float(words[0]) * 100, unit)
    return made if order else made._replace(about=made.id)


def _answered(survey: str, low: float, high: float) -> Callable[[Make, Sequence[str]], Entry]:
    return lambda make, words: make(
        "feedback.given", "", (float(words[0]) - low) / (high - low), survey
    )


def _plain(type_: str, unit: str = "") -> Callable[[Make, Sequence[str]], Entry]:
    return lambda make, words: make(type_, words[0], 0.0, unit)


_VERBS: Final[dict[str, Callable[[Make, Sequence[str]], Entry]]] = {
    "bought": _bought,
    "cancelled": _plain("purchase.cancelled"),
    "refunded": lambda make, words: make(
        "purchase.refunded", words[1] if len(words) > 1 else "", float(words[0]) * 100, "EUR"
    ),
    "visited": _plain("web.visited"),
    "nps": _answered("nps", 0, 10),
    "csat": _answered("csat", 1, 5),
    "ces": _answered("ces", 1, 7),
    "complained": _plain("case.opened", "complaint"),
    "asked": _plain("case.opened", "question"),
    "answered": _plain("case.replied", "agent"),
    "bot": _plain("case.replied", "bot"),
    "wrote": _plain("case.replied", "customer"),
    "resolved": _plain("case.resolved"),
    "reopened": _plain("case.reopened"),
    "failed": _plain("subscription.payment_failed"),
    "paid": _plain("subscription.renewed"),
    "did": lambda make, words: make(words[0]),
    "called": _plain("call.ended", "outbound answered"),
    "expiring": lambda make, words: make("points.expiring", str(at_s(words[1])), float(words[0])),
    "redeemed": lambda make, words: make("points.redeemed", "r", float(words[0])),
    "acknowledged": lambda make, words: make("alert.acknowledged", f"{words[0]}.x", 0.0, "key:k"),
    "settled": lambda make, words: make("alert.closed", f"{words[0]}.x", 0.0, "key:k"),
    "withdrawn": lambda make, words: make("alert.closed", f"{words[0]}.x", 0.0, "scoring"),
}


def alerted(found: Iterable[Episode]) -> list[str]:
    """From when until when each alert was there; ``open`` while it is."""
    return [
        f"{shown(one.raised_s)} to {shown(one.closed_s)}"
        for one in found
        if one.raised_s is not None
    ]


def alerts(ruled: Rulebook, story: str, until: str = "2027-01-01") -> list[str]:
    """The alerts of a rule in a story, known until a day."""
    return alerted(episodes(ruled, Story(story).life, at_s(until)))
