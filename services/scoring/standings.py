"""Standings: where a customer stands with the alert rules, and with the scores that they ask for.

The one is kept beside the scores, the other is worked out for whatever instant a rule looks at.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from struct import Struct
from typing import TYPE_CHECKING, Final, NamedTuple
from zlib import crc32

import msgspec

from services.scoring.model.history import DAY_S, Entry
from services.scoring.rules import Standing, Track
from services.scoring.rules.standing import FOREVER
from services.scoring.scored import Lived, Scored, score

if TYPE_CHECKING:
    from services.scoring.trained import Trained

_HEAD: Final = Struct("<qI8s")
_AT: Final = itemgetter(0)


class Stood(NamedTuple):
    """Where a customer stands: what living on takes."""

    due_s: int
    """The first instant at which time alone may open or close an episode."""
    mark: int
    """Of the leaves whose entries were looked at."""
    digest: bytes
    """Of the rules."""
    body: bytes
    """Tracks, undecoded: most often nothing changed."""

    @property
    def tracks(self) -> dict[str, Track]:
        """By rule; none of a rule that nothing was ever said of."""
        return _TRACKS.decode(self.body)


def read(kept: bytes) -> Stood | None:
    """What ``write`` wrote; None of nothing."""
    if not kept:
        return None
    due_s, mark, digest = _HEAD.unpack_from(kept)
    return Stood(due_s, mark, digest, kept[_HEAD.size :])


def due_of(kept: bytes, mark: int, digest: bytes) -> int:
    """When time alone may change it; at once, where it is of other leaves or rules."""
    if len(kept) < _HEAD.size:
        return -FOREVER
    due_s, *of = _HEAD.unpack_from(kept)
    return int(due_s) if of == [mark, digest] else -FOREVER


def write(tracks: Mapping[str, Track], mark: int, digest: bytes) -> bytes:
    """As it is kept."""
    due_s = min((track.due_s for track in tracks.values()), default=FOREVER)
    return _HEAD.pack(due_s, mark, digest) + _ENCODER.encode(tracks)


def mark_of(leaves: Sequence[str]) -> int:
    """Of a customer's leaves: others have another history."""
    return crc32("".join(sorted(leaves) if len(leaves) > 1 else leaves).encode())


@dataclass(frozen=True, slots=True)
class Scores:
    """What rules ask of one customer's scores, at any instant.

    Models count from when the first of them was promoted on: before, nobody knew of them.
    """

    now: Lived
    scored: Scored
    """As of ``now``: asked most, and computed already."""
    trained: "Trained | None"
    promoted_s: int

    def __call__(self, at_s: int) -> Standing:
        """A function of the entries until ``at_s``, and of the models."""
        has_models = self.trained is not None and at_s >= self.promoted_s
        lived, is_now = self._lived(at_s)
        if is_now and (has_models or self.trained is None):
            done = self.scored
        else:
            [done] = score([lived], self.trained if has_models else None)
        due_s = int(done.due_at.timestamp()) if done.due_at else FOREVER
        if self.trained is not None and not has_models:
            due_s = min(due_s, self.promoted_s)
        scores: dict[str, float] = {name: value for name, (value, _) in done.scores.items()}
        return Standing(value=done.tier, scores=scores, due_s=due_s)

    def _lived(self, at_s: int) -> tuple[Lived, bool]:
        history = self.now.history
        known: Sequence[Entry] = history[: bisect_right(history, at_s, key=_AT)]
        lived = Lived(known, at_s // DAY_S * DAY_S + DAY_S - 1)
        return lived, len(known) == len(history) and lived.at_s == self.now.at_s


_ENCODER: Final = msgspec.msgpack.Encoder(order="sorted")
_TRACKS: Final = msgspec.msgpack.Decoder(dict[str, Track])
