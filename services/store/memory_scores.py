"""Scores in memory, beside a store in memory; passes the same contract suite as PostgreSQL's."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from services.errors import NotOurs
from services.store.alerts import AlertRow
from services.store.course import RuleRow
from services.store.memory import MemoryStore
from services.store.scores import (
    ALWAYS_DUE,
    DECIDED,
    Member,
    ModelRow,
    Page,
    PromotionRow,
    ScoreChanges,
    ScoreRow,
    ToldRow,
)


@dataclass
class ScoreTables:
    """The rows, by what they are found by."""

    progress: dict[int, int] = field(default_factory=dict)
    tick: datetime | None = None
    pages: dict[tuple[str, int], Page] = field(default_factory=dict)
    scores: dict[str, ScoreRow] = field(default_factory=dict)
    told: dict[tuple[str, str], ToldRow] = field(default_factory=dict)
    models: dict[tuple[str, str, str], ModelRow] = field(default_factory=dict)
    promotions: dict[tuple[str, str, str], PromotionRow] = field(default_factory=dict)
    alerts: dict[tuple[str, str], AlertRow] = field(default_factory=dict)
    books: dict[str, str] = field(default_factory=dict)


class MemoryScores:
    """Behind the folds of ``store``."""

    def __init__(self, store: MemoryStore) -> None:
        self.tables, self._store = ScoreTables(), store

    def progress(self) -> Mapping[int, int]:
        """As the port says."""
        return dict(self.tables.progress)

    def checkpoints(self) -> Mapping[int, int]:
        """As the port says."""
        return self._store.checkpoints()

    def is_settled(self) -> bool:
        """As the port says."""
        return not self._store.tables.courses.unsettled

    def skipped(self, spans: Mapping[int, tuple[int, int]]) -> Collection[tuple[int, int]]:
        """As the port says."""
        return {
            (of, at)
            for of, at in self._store.tables.skipped
            if of in spans and spans[of][0] <= at <= spans[of][1]
        }

    @contextmanager
    def transaction(self) -> Iterator["MemoryScoring"]:
        """As the port says."""
        with self._store.transaction():
            scoring = MemoryScoring(self.tables, self._store)
            yield scoring
            for changes in scoring.saved:
                self._write(changes)

    def close(self) -> None:
        """Nothing to give back."""

    def _write(self, changes: ScoreChanges) -> None:
        tables, folded = self.tables, self._store.tables
        tables.pages |= {(page.leaf, page.page): page for page in changes.pages}
        tables.scores |= {row.customer_id: row for row in changes.rows}
        tables.told |= {(row.customer_id, row.score): row for row in changes.told}
        for promotion in changes.promotions:
            tables.promotions.setdefault(
                (promotion.workspace, promotion.source, promotion.id), promotion
            )
        for customer in changes.gone:
            tables.scores.pop(customer, None)
        for customer, row in tables.scores.items():
            if row.workspace in changes.overtaken or row.workspace in changes.books:
                tables.scores[customer] = row._replace(due_at=ALWAYS_DUE)
        tables.alerts |= {(row.workspace, row.alert_id): row for row in changes.alerts}
        tables.books |= changes.books
        looked_at = set(changes.looked_at)
        folded.regrouped = [
            one for number, one in enumerate(folded.regrouped) if number not in looked_at
        ]
        if changes.tick:
            tables.tick = max(tables.tick or changes.tick, changes.tick)
        tables.progress |= changes.advance
        folded.outbox += changes.outbox


class MemoryScoring:
    """Reads the tables, keeps what is to be written until the commit."""

    def __init__(self, tables: ScoreTables, store: MemoryStore) -> None:
        self._tables, self._folded = tables, store.tables
        self.saved: list[ScoreChanges] = []

    def claim(self, expected: Mapping[int, int]) -> None:
        """As the port says."""
        for partition, offset in expected.items():
            if (found := self._tables.progress.get(partition, 0)) != offset:
                raise NotOurs(f"partition {partition} is scored up to {found}, not {offset}")

    def tick(self) -> datetime | None:
        """As the port says."""
        return self._tables.tick

    def reached(self) -> datetime | None:
        """As the port says."""
        return self._folded.courses.control.tick

    def regrouped(self, limit: int) -> Mapping[int, str]:
        """As the port says."""
        return dict(enumerate(self._folded.regrouped[:limit]))

    def groups_of(self, identifiers: Collection[str]) -> Sequence[Member]:
        """As the port says."""
        known = self._folded.identifiers
        customers = {known[one].customer_id for one in identifiers if one in known}
        return [
            Member(one.identifier, one.customer_id, one.workspace)
            for one in known.values()
            if one.customer_id in customers
        ]

    def pages(self, leaves: Collection[str]) -> Sequence[Page]:
        """As the port says."""
        every = self._tables.pages.values()
        return [page for page in every if page.leaf in leaves and page.page != DECIDED]

    def decided(self, customers: Collection[str]) -> Sequence[Page]:
        """As the port says."""
        pages = self._tables.pages
        return [pages[one, DECIDED] for one in customers if (one, DECIDED) in pages]

    def due(self, tick: datetime, limit: int) -> Sequence[str]:
        """As the port says."""
        due = [
            (row.due_at, row.customer_id)
            for row in self._tables.scores.values()
            if row.due_at is not None and row.due_at <= tick
        ]
        return [customer for _, customer in sorted(due)[:limit]]

    def rows(self, customers: Collection[str]) -> Mapping[str, ScoreRow]:
        """As the port says."""
        stored = self._tables.scores
        return {customer: stored[customer] for customer in customers if customer in stored}

    def told(self, customers: Collection[str]) -> Mapping[tuple[str, str], ToldRow]:
        """As the port says."""
        return {key: row for key, row in self._tables.told.items() if key[0] in customers}

    def revision(self) -> int:
        """As the port says."""
        return self._folded.courses.control.revision

    def rules(self) -> Sequence[RuleRow]:
        """As the port says."""
        return [rule for rule in self._folded.courses.rules if _is_asked(rule)]

    def books(self) -> Mapping[str, str]:
        """As the port says."""
        return dict(self._tables.books)

    def alerts(self, customers: Collection[str]) -> Sequence[AlertRow]:
        """As the port says."""
        rows = (row for row in self._tables.alerts.values() if row.customer_id in customers)
        return sorted(rows, key=lambda row: (row.began_at, row.alert_id))

    def to_judge(self, tick: datetime, limit: int) -> Sequence[str]:
        """As the port says."""
        every = self._tables.alerts.values()
        due = (row for row in every if row.outcome_due_at and row.outcome_due_at <= tick)
        return [row.customer_id for row in due][:limit]

    def promotions(self, workspaces: Collection[str]) -> Sequence[PromotionRow]:
        """As the port says."""
        return [one for one in self._tables.promotions.values() if one.workspace in workspaces]

    def model(self, workspace: str, model: str, version: str) -> ModelRow | None:
        """As the port says."""
        return self._tables.models.get((workspace, model, version))

    def save(self, changes: ScoreChanges) -> None:
        """As the port says."""
        self.saved.append(changes)


def _is_asked(rule: RuleRow) -> bool:
    return rule.kind in ("alert", "loyalty") or (rule.kind, rule.name) == ("lifecycle", "default")
