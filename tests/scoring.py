"""Scoring for tests: a history folded and scored in memory, batch by batch, as the engine does."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from schemas.envelope import Recorded
from services.fold.apply import Folds
from services.fold.loop import Loop
from services.log.memory import MemoryLog
from services.projector.projections import READ_MODELS
from services.scoring.listening import Listener
from services.scoring.loop import ScoringLoop
from services.store.memory import MemoryStore
from services.store.memory_scores import MemoryScores
from services.store.scores import ModelRow
from services.vault.port import Vault
from tests.histories import entry


class Followed:
    """Folds and scores over a log in memory."""

    def __init__(
        self, vault: Vault, *, partitions: int = 4, models: Sequence[ModelRow] = ()
    ) -> None:
        self.log, self.store = MemoryLog(partitions), MemoryStore()
        self.scores = MemoryScores(self.store)
        for model in models:
            self.scores.tables.models[model.workspace, model.model, model.version] = model
        self.loop = Loop(Folds(READ_MODELS, vault), self.log, self.store)
        self.scoring = ScoringLoop(self.log, self.scores, Listener(vault))

    def append(self, events: Iterable[Recorded[Any]]) -> None:
        """To the log."""
        self.log.append([entry(event, self.log.partitions) for event in events])

    def fold(self) -> None:
        """Fold everything."""
        self.loop.drain()

    def score(self) -> None:
        """Score everything."""
        while self.scoring.once():
            pass

    def rows(self) -> Mapping[str, Any]:
        """Every score row, by customer."""
        return dict(sorted(self.scores.tables.scores.items()))


def followed(
    events: Iterable[Recorded[Any]],
    vault: Vault,
    *,
    batches: Sequence[int] = (10_000,),
    lag: Sequence[bool] = (True,),
    **more: Any,
) -> Followed:
    """All folded and scored: so many events at a time, scored after each where ``lag`` says so."""
    done = Followed(vault, **more)
    waiting = list(events)
    for size, scores in zip(itertools.cycle(batches), itertools.cycle(lag), strict=False):
        if not waiting:
            break
        head, waiting = waiting[:size], waiting[size:]
        done.append(head)
        done.fold()
        if scores:
            done.score()
    done.score()
    return done
