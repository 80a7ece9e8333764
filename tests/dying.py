"""Scoring that is killed between any two of its steps."""

from typing import Any

from services.errors import Unavailable
from services.scoring.loop import ScoringLoop
from services.store.memory import MemoryStore
from services.store.memory_scores import MemoryScores, MemoryScoring
from tests.scoring import Followed


def scored_dying(done: Followed, survived: int) -> None:
    """Score everything, killed three times after so many steps, and begun anew each time."""
    dying = Dying(done.store, done.scores, survived)
    while dying.deaths < 3:
        loop = ScoringLoop(done.log, dying)
        try:
            while loop.once():
                pass
            break
        except Unavailable:
            dying.deaths += 1
            dying.steps = survived
    done.score()


class Dying(MemoryScores):
    """Raises after so many questions and answers, before or after what it was asked for."""

    def __init__(self, store: MemoryStore, scores: MemoryScores, steps: int) -> None:
        super().__init__(store)
        self.tables, self.steps, self.deaths = scores.tables, steps, 0

    def transaction(self) -> Any:
        return _Mortal(self, super().transaction())


class _Mortal:
    def __init__(self, dying: Dying, inner: Any) -> None:
        self._dying, self._inner = dying, inner

    def __enter__(self) -> Any:
        return _Steps(self._dying, self._inner.__enter__())

    def __exit__(self, *raised: object) -> Any:
        if raised[0] is None and _counted(self._dying):
            error = Unavailable("killed before the commit")
            self._inner.__exit__(Unavailable, error, None)
        return self._inner.__exit__(*raised)


class _Steps:
    def __init__(self, dying: Dying, tx: MemoryScoring) -> None:
        self._dying, self._tx = dying, tx

    def __getattr__(self, name: str) -> Any:
        if _counted(self._dying):
            raise Unavailable("killed")
        return getattr(self._tx, name)


def _counted(dying: Dying) -> bool:
    dying.steps -= 1
    return dying.steps == 0 and dying.deaths < 3
