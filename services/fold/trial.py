"""A trial: who would be elsewhere under other rules, without anything being changed."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice, zip_longest
from typing import Any, Final, NamedTuple

from services.fold.course import AnyCourse, Run, Said, Supply, Touched
from services.fold.due import StoredFacts
from services.fold.read_models import ReadModels
from services.fold.rules import LIFECYCLE, Books, Time
from services.fold.settlements import Settlements
from services.fold.source import FactsSource, Source
from services.fold.supply import LedgerSupply
from services.store.course import RuleRow
from services.store.port import Identifier, Store, Transaction

CHUNK: Final = 100
"""Customers of one transaction: the clock waits no longer for it than for a batch."""
EXAMPLES: Final = 20
_BEGINNING: Final = datetime.min.replace(tzinfo=UTC)
_SHOWN: Final = ("tier", f"{LIFECYCLE}:")


class Move(NamedTuple):
    """From one tier, or one stage of a machine, to another."""

    kind: str
    """``tier``, or ``lifecycle:`` and the machine."""
    before: str | None
    after: str | None


@dataclass(slots=True)
class Shift:
    """How many customers move, and some of each kind."""

    moves: Counter[Move] = field(default_factory=Counter)
    _some: dict[Move, list[str]] = field(default_factory=lambda: defaultdict(list))

    def add(self, customer: str, move: Move) -> None:
        """One more."""
        self.moves[move] += 1
        if len(self._some[move]) < EXAMPLES:
            self._some[move].append(customer)

    @property
    def examples(self) -> list[tuple[str, Move]]:
        """Twenty at most: the first of each kind of move, then the second of each."""
        told = [[(one, move) for one in self._some[move]] for move, _ in self.moves.most_common()]
        in_turn = (one for turn in zip_longest(*told) for one in turn if one is not None)
        return list(islice(in_turn, EXAMPLES))


@dataclass(slots=True)
class Trial:
    """What rules would change."""

    at: datetime | None = None
    """The last tick, as of which everybody was settled."""
    customers: int = 0
    at_once: Shift = field(default_factory=Shift)
    """Where the rules apply from now on: points stay as earned, tiers are kept for the grace."""
    in_the_end: Shift = field(default_factory=Shift)
    """As if they had always applied."""


def try_out(
    models: ReadModels, store: Store, drafts: Sequence[RuleRow], chunks: Iterable[Sequence[str]]
) -> Trial:
    """Settle the customers of ``chunks`` again, from their first entries, under ``drafts``.

    ``drafts`` are of one workspace and kind, and the customers have rows of that course. Raises
    ``Unavailable``. Writes nothing.
    """
    [(course, source)] = [pair for pair in models.courses if pair[0].name == drafts[0].kind]
    trial = Trial()
    for chunk in chunks:
        with store.transaction() as tx:
            _try_chunk((course, source), drafts, chunk, (tx, trial))
    return trial


def _try_chunk(
    pair: tuple[AnyCourse, Source],
    drafts: Sequence[RuleRow],
    chunk: Sequence[str],
    into: tuple[Transaction, Trial],
) -> None:
    course, source = pair
    tx, trial = into
    tick = tx.courses.control().tick
    members: dict[str, list[Identifier]] = defaultdict(list)
    for one in tx.courses.members(chunk):
        members[one.customer_id].append(one)
    members_in_order = {customer: sorted(found) for customer, found in members.items()}
    rules = [rule for rule in tx.courses.rules() if rule.workspace == drafts[0].workspace]
    trial.at = tick
    trial.customers += len(members)
    touched = Touched(members_in_order, regrouped=frozenset(members))
    run = _Runs(course, _Read(_supply(source, tx), touched), touched, tick, tx)
    before = run.under(rules)
    for shift, tried in (
        (trial.at_once, [*rules, *(_from(rule, tick) for rule in drafts)]),
        (trial.in_the_end, always(rules, drafts)),
    ):
        for customer, values in run.under(tried).items():
            for move in _moves(before.get(customer, {}), values):
                shift.add(customer, move)


@dataclass(frozen=True, slots=True)
class _Runs:
    """The same customers settled as of one tick, under whatever rules."""

    course: AnyCourse
    supply: Supply
    touched: Touched
    tick: datetime | None
    tx: Transaction

    def under(self, rules: Sequence[RuleRow]) -> dict[str, Said]:
        """Where everybody is, by kind."""
        time = Time(self.tick or _BEGINNING, Books(rules))
        settled, _ = Run(self.course, self.supply, time, self.tx).settle(self.touched)
        return {customer: row.said for customer, row in settled.items()}


class _Read:
    """All entries of the same customers, read once."""

    def __init__(self, supply: Supply, touched: Touched) -> None:
        leaves = {
            customer: [one.identifier for one in found]
            for customer, found in touched.members.items()
        }
        self._entries = {
            customer: list(entries) for customer, entries in supply.all(leaves).items()
        }

    def fresh(self, _leaves: Sequence[str]) -> Sequence[Any]:
        """As ``Supply`` says."""
        return ()

    def all(self, customers: Mapping[str, Sequence[str]]) -> Mapping[str, Iterable[Any]]:
        """As ``Supply`` says."""
        return {customer: self._entries[customer] for customer in customers}


def always(rules: Sequence[RuleRow], drafts: Sequence[RuleRow]) -> list[RuleRow]:
    """The rules with ``drafts`` in place of all versions of the same policies."""
    drafted = {(draft.kind, draft.name) for draft in drafts}
    others = [rule for rule in rules if (rule.kind, rule.name) not in drafted]
    return [*others, *(draft._replace(effective_at=None) for draft in drafts)]


def _from(draft: RuleRow, tick: datetime | None) -> RuleRow:
    if tick is not None and draft.kind == LIFECYCLE:
        # A lifecycle's days are lived whole.
        tick = tick.replace(hour=0, minute=0, second=0, microsecond=0)
    return draft._replace(effective_at=tick)


def _moves(before: Mapping[str, str | None], after: Mapping[str, str | None]) -> Iterable[Move]:
    for kind in sorted(before.keys() | after.keys()):
        if kind.startswith(_SHOWN) and before.get(kind) != after.get(kind):
            yield Move(kind, before.get(kind), after.get(kind))


def _supply(source: Source, tx: Transaction) -> Supply:
    if isinstance(source, FactsSource):
        return StoredFacts(source, tx)
    return LedgerSupply(source, Settlements(), {}, tx)
