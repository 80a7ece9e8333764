"""The Complete Journey as the platform has it: loaded, folded and scored, with simulated touches.

Customers, histories and what was heard in texts are those that a user has after
``touchline sample completejourney --keep-dates``: the same accept, folds and scoring.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from bench.fold import filling
from services.fold import loop
from services.ingest.samples.catalogue import find
from services.ingest.samples.event import encode
from services.ingest.samples.shift import Shift
from services.scoring.fold import score_batch
from services.scoring.kept import Leaf, history_of, leaves_of
from services.scoring.listening import Listener
from services.scoring.model.history import Entry
from services.scoring.shelf import Shelf
from services.store.course import RuleRow
from services.store.postgres import PostgresStore
from services.store.postgres_models import PostgresModels
from services.store.postgres_scores import PostgresScores
from services.store.scores import ModelRow, Page

WORKSPACE: Final = "bench"
"""As ``bench.fold`` fills it."""


@dataclass(frozen=True, slots=True)
class Sampled:
    """What backtests ask of: all that is kept of each customer, and models."""

    kept: Sequence[tuple[str, Sequence[Page]]]
    ends_at: datetime
    """Of the sample's last event: all that is known."""
    trained: Sequence[ModelRow] = ()

    def histories(self, _workspace: str) -> Iterator[tuple[str, Sequence[Page]]]:
        """Each customer, with all that is kept of them."""
        return iter(self.kept)

    def rules(self, _workspace: str) -> Sequence[RuleRow]:
        """None: nothing is folded, so nobody was put into a stage."""
        return ()

    def models(self, _workspace: str) -> Sequence[ModelRow]:
        """Those that score."""
        return self.trained

    def promoted(self, _workspace: str) -> Mapping[str, str]:
        """All of them."""
        return {one.model: one.version for one in self.trained}

    def reached(self, _workspace: str) -> tuple[datetime | None, int]:
        """The end of the sample, and how many customers it has."""
        return self.ends_at, len(self.kept)

    def until(self, at: datetime) -> list[list[Entry]]:
        """What was known of everybody before ``at``."""
        end_s = int(at.timestamp())
        lives = (history_of(leaves_of(pages).values()) for _, pages in self.kept)
        known = ([entry for entry in life if entry.at_s < end_s] for life in lives)
        return [life for life in known if life]


def complete_journey() -> Sampled:
    """The whole sample at its own dates; takes a minute, and a PostgreSQL of its own."""
    sample = find("completejourney")
    with (
        filling(encode(event, Shift()) for event in sample.events()) as filled,
        closing(PostgresStore(filled.urls.fold)) as store,
        closing(PostgresScores(filled.urls.fold)) as scores,
    ):
        filled.fold(store, batch=loop.BATCH)
        shelf = Shelf(Listener(filled.folds.vault))
        while batch := loop.read_batch(filled.log, scores.progress(), scores.checkpoints()):
            score_batch(batch, scores, shelf)
        kept = PostgresModels(filled.urls.fold).histories(WORKSPACE)
        return Sampled(_named([*kept]), sample.ends_at.astimezone(UTC))


def _named(kept: Sequence[tuple[str, Sequence[Page]]]) -> list[tuple[str, Sequence[Page]]]:
    """Customers by their first event: their ids are drawn anew with the hash key of each load."""
    named = [(history_of(leaves_of(pages).values()), pages) for _, pages in kept]
    return sorted((history[0].id, pages) for history, pages in named if history)


def cdnow() -> Sampled:
    """The music shop's purchases: one login each, so that nothing has to be folded."""
    sample = find("cdnow")
    bought: dict[str, list[Entry]] = {}
    for event in sample.events():
        entry = Entry(
            event.at, event.type, event.source, event.id,
            event.id, float(event.data["amount_minor"]), "USD",  # type: ignore[arg-type] # of money
        )  # fmt: skip
        bought.setdefault(event.identifiers[0], []).append(entry)
    kept = [
        (customer, Leaf(customer, WORKSPACE).take_in(entries))
        for customer, entries in sorted(bought.items())
    ]
    return Sampled(kept, sample.ends_at)
