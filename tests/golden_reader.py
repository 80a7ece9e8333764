"""Reads golden cases: stories of one member, a line a happening, as a loyalty manager writes them.

A line is a wall time in the case's zone (or UTC with a Z), what happens, and what the member has
after all lines up to there:

    2026-01-10 10:00  buys A 100.00           = 100, available 0
    2026-01-10 10:00  buys B 9.99 USD store   (currency EUR, channel none by default)
    2026-01-10 10:00  buys C 9.00 tea:4.00    (what its lines of a category cost)
    2026-01-12 09:00  refunds A 30.00         cancels A
    2026-02-01 12:00  redeems 50              adjusts -20
    2026-02-01 12:00  gets 100                gets 0 for 500     (a reward)
    2026-02-01 12:00  answers csat            answers csat browser
    2026-02-01 12:00  #r1 redeems 50          (named, to be taken back)
    2026-02-02 12:00  voids r1
    2027-01-10 10:00                          = 0, debt 0, tier none

``=`` gives the balance, then others by name. A line that is told late stands where it is told; what
it comes to is asked for at the latest time so far.
"""

import re
import tomllib
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from schemas.rules.loyalty import Loyalty
from services.projector.projections.loyalty import Book
from tests import ledgers
from tests.ledgers import Told

EURO: Final = 'earn = [{ name = "euro", currency = "EUR", per_minor = 100 }]\n'
_LINE: Final = re.compile(
    r"(?P<at>\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d(\.\d+)?)?Z?)"
    r"(\s+#(?P<name>\w+))?(\s+(?P<what>[^=]*?))?\s*(=\s*(?P<has>.*))?"
)
_COLUMNS: Final = {"tier until": "tier_until_at", "expiring": "expiring_points"}


class Golden(NamedTuple):
    """A case: rules as TOML beside a point for each euro, and a story."""

    name: str
    rules: str
    story: str
    zone: str = "UTC"
    later: tuple[tuple[str, str], ...] = ()
    """Policies from a wall time on."""


class Asked(NamedTuple):
    """What the member has, after so many of the story's events."""

    line: str
    events: int
    at: datetime
    has: dict[str, Any]


def book(case: Golden) -> Book:
    """The case's rules."""
    later = [(_time(at, case.zone), n, _policy(rules)) for n, (at, rules) in enumerate(case.later)]
    ruled = [(None, 1, _policy(case.rules)), *((at, n + 2, one) for at, n, one in later)]
    return Book(ruled, [(None, case.zone)])


def read(case: Golden) -> tuple[list[Told], list[Asked]]:
    """The story's events as they are told, and what is asked in between."""
    lines = [line.strip() for line in case.story.strip().splitlines()]
    found = [match for line in lines if (match := _LINE.fullmatch(line))]
    assert len(found) == len(lines), [line for line in lines if not _LINE.fullmatch(line)]
    made: dict[str, Told] = {}
    for number, one in enumerate(found):
        if one["what"] and not one["what"].startswith("voids"):
            id_ = one["name"] or f"e{number:02}"
            made[id_] = _event(one["what"].split(), _time(one["at"], case.zone), id_)
    events, asked, latest = [], list[Asked](), datetime.min.replace(tzinfo=UTC)
    for number, one in enumerate(found):
        at = _time(one["at"], case.zone)
        latest, id_ = max(at, latest), one["name"] or f"e{number:02}"
        if (what := one["what"] or "").startswith("voids"):
            events.append(ledgers.voided(made[what.split()[1]], at, id_))
        elif what:
            events.append(made[id_])
        if one["has"]:
            asked.append(Asked(lines[number], len(events), latest, _has(one["has"], case.zone)))
    return events, asked


def _event(what: list[str], at: datetime, id_: str) -> Told:
    verb, first, *rest = what
    match verb:
        case "buys":
            return ledgers.bought(first, _minor(rest[0]), at, id_, **_bought(rest[1:]))
        case "refunds":
            more = {"currency": rest[1]} if rest[1:] else {}
            return ledgers.refunded(first, _minor(rest[0]), at, id_, **more)
        case "cancels":
            return ledgers.cancelled(first, at, id_)
        case "redeems":
            return ledgers.redeemed(int(first), at, id_)
        case "adjusts":
            return ledgers.adjusted(int(first), at, id_)
        case "gets":
            return ledgers.granted(int(first), at, id_, cost=int(rest[1]) if rest else 0)
        case "answers":
            return ledgers.answered(first, at, id_, key_kind=rest[0] if rest else "write")
        case _:
            raise ValueError(verb)


def _bought(words: list[str]) -> dict[str, Any]:
    more: dict[str, Any] = {}
    for word in words:
        category, _, minor = word.partition(":")
        if minor:
            more.setdefault("categories", {})[category] = _minor(minor)
        elif word in ("shop", "till"):
            more["source"] = word
        else:
            more["currency" if word.isupper() else "channel"] = word
    return more


def _has(text: str, zone: str) -> dict[str, Any]:
    balance, *others = [part.strip() for part in text.split(",")]
    has: dict[str, Any] = {"balance": int(balance)}
    for other in others:
        name, value = re.fullmatch(r"(\D*?) (\S+|\d{4}-.*)", other).groups()  # type: ignore[union-attr]
        if name == "tier until":
            has["tier_until_at"] = _time(value, zone)
        else:
            is_number = value.lstrip("-").isdigit()
            has[_COLUMNS.get(name, name)] = (
                int(value) if is_number else None if value == "none" else value
            )
    return has


def _policy(rules: str) -> Loyalty:
    earns = "per_minor" in rules or "earn = []" in rules
    return ledgers.policy(tomllib.loads(rules if earns else EURO + rules))


def _time(text: str, zone: str) -> datetime:
    if text.endswith("Z"):
        return datetime.fromisoformat(text[:-1]).replace(tzinfo=UTC)
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def _minor(text: str) -> int:
    whole, _, cents = text.partition(".")
    return int(whole) * 100 + int(cents or 0)
