"""Rulebook: the versions of one alert rule, and the instants from which they apply."""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from schemas.rules.alerts_tree import Alert
from services.scoring.model.history import Entry
from services.scoring.rules.ready import Ready
from services.scoring.rules.stages import NOWHERE, Eras, asks_decisions
from services.scoring.rules.standing import FOREVER

ACKNOWLEDGED: Final = "alert.acknowledged"
CLOSED: Final = "alert.closed"
ACTS: Final = frozenset({ACKNOWLEDGED, CLOSED})
"""What people do about alerts."""


class Rulebook:
    """A rule by its name. Of two versions that apply from one instant, the later published does."""

    def __init__(
        self,
        name: str,
        versions: Sequence[tuple[datetime | None, int, Alert]],
        eras: Eras = NOWHERE,
    ) -> None:
        """``eras`` say where newcomers are, to rules that ask for stages or tiers."""
        self.name = name
        from_s = {
            -FOREVER if at is None else int(at.timestamp()): (rule, version)
            for at, version, rule in sorted(versions, key=_version)
        }
        if any(asks_decisions(rule) for rule, _ in from_s.values()):
            # Who is untold where they are may be elsewhere from such an instant on.
            starts = sorted(from_s)
            from_s |= {
                start: from_s[starts[place - 1]]
                for start in eras.starts
                if start not in from_s and (place := bisect_right(starts, start))
            }
        self._starts = sorted(from_s)
        self._ready = [Ready(*from_s[start], eras.at(start)) for start in self._starts]
        self._types = _all_types(self._ready)
        self.least = min((one.least for one in self._ready), default=1)
        """With fewer entries that it looks at no version of it can hold."""

    def at(self, at_s: int) -> Ready | None:
        """The version that rules at ``at_s``; None before the first, and where switched off."""
        place = bisect_right(self._starts, at_s) - 1
        ready = self._ready[place] if place >= 0 else None
        return ready if ready and ready.rule.is_enabled else None

    def next_change(self, at_s: int) -> int:
        """The first instant after ``at_s`` from which another version rules."""
        place = bisect_right(self._starts, at_s)
        return self._starts[place] if place < len(self._starts) else FOREVER

    @property
    def types(self) -> frozenset[str] | None:
        """The types of entries that may change an episode of this rule; None for any."""
        return self._types

    def looks_at(self, entry: Entry) -> bool:
        """Whether it may change an episode of this rule."""
        if entry[1] in ACTS:
            # Its id begins with the name of the rule whose alert it is.
            return entry.about.rpartition(".")[0] == self.name
        return self._types is None or entry[1] in self._types


def _all_types(versions: Sequence[Ready]) -> frozenset[str] | None:
    found: frozenset[str] = frozenset()
    for ready in versions:
        if ready.types is None:
            return None
        found |= ready.types
    return found


def _version(version: tuple[datetime | None, int, Alert]) -> int:
    return version[1]
