"""Figures of a whole workspace, counted anew as often as that is cheap."""

import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Final, TypeVar

REST: Final = 20
"""What took a second to count is told again for so many: so nobody who asks often can make the
database do nothing else."""
LONGEST_S: Final = 60.0
COUNTING_S: Final = 30
"""For one query: who asked may have gone, and the next one is told."""
MOST: Final = 1_000
"""Answers kept; the one counted longest ago is forgotten first."""

Answer = TypeVar("Answer")


@dataclass(slots=True)
class _Kept:
    """An answer, and until when it is told again."""

    counting: threading.Lock = field(default_factory=threading.Lock)
    answered: Any = None
    until_s: float = 0.0


class Figures:
    """Answers that took long, each with the position that it includes."""

    def __init__(self, now_s: Callable[[], float] = monotonic) -> None:
        self._now_s = now_s
        self._kept: dict[Hashable, _Kept] = {}
        self._lock = threading.Lock()

    def answered(
        self, question: Hashable, count: Callable[[], Answer], *, is_fresh: bool
    ) -> Answer:
        """What ``count`` gives, or gave lately unless the answer has to be ``is_fresh``.

        Of several who ask the same at once one counts, and the others are told.
        """
        with self._lock:
            kept = self._kept.setdefault(question, _Kept())
            if len(self._kept) > MOST:
                del self._kept[next(iter(self._kept))]
        with kept.counting:
            began_s = self._now_s()
            if not is_fresh and began_s < kept.until_s:
                told: Answer = kept.answered
                return told
            kept.answered = answered = count()
            ended_s = self._now_s()
            kept.until_s = ended_s + min(LONGEST_S, REST * (ended_s - began_s))
            return answered
