"""Rulebooks: each workspace's alert rules, made ready once and kept until there are others."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

import msgspec

from schemas.rules.alerts import Alert, parse
from services.scoring.decided import eras_of
from services.scoring.model.history import Entry
from services.scoring.rules import Rulebook
from services.scoring.rules.book import ACTS
from services.scoring.rules.ready import Ready
from services.scoring.rules.stages import NOWHERE, Eras, asks_decisions
from services.scoring.rules.standing import FOREVER
from services.store.course import RuleRow
from services.store.scores import PromotionRow, ScoreChanges, ScoringTransaction

if TYPE_CHECKING:
    from services.scoring.trained import Trained

ALWAYS_KNOWN: Final = frozenset({"engagement", "temperature", "health", "satisfaction"})
"""Scores that take no model."""
BY_MODEL: Final[Mapping[str, frozenset[str]]] = {
    "rfm": frozenset({"value"}),
    "buying": frozenset({"p_alive", "expected_purchases", "lifetime_value"}),
    "churn": frozenset({"churn_risk"}),
}
"""What rules may ask once a model of this name was promoted."""
DIGEST: Final = 8


class Books:
    """The rules of one workspace that can hold at all, by the models that were promoted there."""

    def __init__(
        self,
        rules: Mapping[str, Sequence[RuleRow]],
        promoted: Collection[PromotionRow] = (),
        trained: "Trained | None" = None,
        eras: Eras = NOWHERE,
    ) -> None:
        """``eras`` say where newcomers are, if any rule asks."""
        self.promoted, self.trained = promoted, trained
        self.promoted_s = min(
            (int(one.occurred_at.timestamp()) for one in promoted), default=-FOREVER
        )
        """From when on anybody knew of a model."""
        known = ALWAYS_KNOWN.union(*(BY_MODEL.get(one.model, ()) for one in promoted))
        self.books: dict[str, Rulebook] = {}
        for name in sorted(rules):
            versions = [
                (row.effective_at, row.version, rule)
                for row in rules[name]
                if isinstance(rule := parse(msgspec.json.decode(row.body)), Alert)
            ]
            if any(_may_hold(rule, known) for *_, rule in versions):
                self.books[name] = Rulebook(name, versions, eras)
        self.asks_standing = [
            name for name, book in self.books.items() if book.types is None
        ]  # fmt: skip
        """Rules that any entry may change."""
        self._by_type: dict[str, list[str]] = defaultdict(list)
        for name, book in self.books.items():
            for type_ in book.types or ():
                self._by_type[type_].append(name)
        # Of models only rules that ask for scores know.
        seen = sorted(map(repr, promoted)) if self.asks_standing else []
        self.digest = blake2b(
            "\0".join([digest(rules, eras), *seen]).encode(), digest_size=DIGEST
        ).digest()
        """Of all that the tracks of a customer depend on, the customer aside."""

    def touched(self, entries: Sequence[Entry]) -> set[str]:
        """The rules that these may change."""
        if not entries:
            return set()
        types = {entry[1] for entry in entries}
        found: set[str] = set()
        for type_ in types:
            found.update(self._by_type.get(type_, ()))
        acts = types & ACTS
        if types != acts:
            found.update(self.asks_standing)
        if acts:
            named = {entry.about.rpartition(".")[0] for entry in entries if entry[1] in ACTS}
            found |= named & self.books.keys()
        return found


def asks_standing(rule: Alert) -> bool:
    """Whether it looks at scores, or at what is made of them."""
    return Ready(rule, 0).types is None


def asked_of(rule: Alert) -> set[str]:
    """The scores that it looks at, and ``value`` where it asks for that."""
    signals = [
        signal for one in rule.when for signal in (one, *(one.combined.of if one.combined else ()))
    ]
    found: set[str] = {signal.score.name for signal in signals if signal.score}
    return found | {"value"} if rule.who.values else found


def digest(rules: Mapping[str, Sequence[RuleRow]], eras: Eras = NOWHERE) -> str:
    """Of every version of every rule, and of where newcomers are by them."""
    every = [
        (name, row.version, row.effective_at, row.body) for name in sorted(rules)
        for row in sorted(rules[name], key=_order)
    ]  # fmt: skip
    known: list[Any] = [*every, *((at_s, eras.at(at_s)) for at_s in eras.starts)]
    return blake2b(msgspec.json.encode(known), digest_size=16).hexdigest()


class RuleShelf:
    """The rules of all workspaces of one store."""

    def __init__(self) -> None:
        self._revision = -1
        self._rules: dict[str, dict[str, list[RuleRow]]] = {}
        self._eras: dict[str, Eras] = {}
        """Of the workspaces that have rules on stages or tiers."""
        self._made: dict[str, Books] = {}
        self._unsaved: dict[str, str] = {}

    def look(self, tx: ScoringTransaction, changes: ScoreChanges) -> None:
        """See whether there are other rules: by these all rows of their workspaces are due."""
        revision = tx.revision()
        if revision != self._revision:
            self._read(tx.rules())
            known = tx.books()
            found = {
                workspace: digest(rules, self._eras.get(workspace, NOWHERE))
                for workspace, rules in self._rules.items()
            }
            self._unsaved = {
                workspace: made for workspace, made in found.items() if known.get(workspace) != made
            }
            self._revision = revision
        changes.books |= self._unsaved

    def saved(self) -> None:
        """What ``look`` found is committed."""
        self._unsaved = {}

    def of(
        self, workspace: str, promoted: frozenset[PromotionRow], trained: "Trained | None"
    ) -> Books | None:
        """The rules of ``workspace``, where ``trained`` scores; None where it has none."""
        rules = self._rules.get(workspace)
        if not rules:
            return None
        known = self._made.get(workspace)
        if known is None or known.promoted != promoted:
            eras = self._eras.get(workspace, NOWHERE)
            known = self._made[workspace] = Books(rules, promoted, trained, eras)
        return known

    def asks_decisions(self, workspace: str) -> bool:
        """Whether any rule of ``workspace`` looks at stages or tiers."""
        return workspace in self._eras

    def _read(self, rows: Sequence[RuleRow]) -> None:
        self._rules, self._made = {}, {}
        policies: dict[str, list[RuleRow]] = {}
        asking: set[str] = set()
        for row in rows:
            if row.kind != "alert":
                policies.setdefault(row.workspace, []).append(row)
                continue
            self._rules.setdefault(row.workspace, {}).setdefault(row.name, []).append(row)
            if row.workspace not in asking and _asks_decisions(row):
                asking.add(row.workspace)
        self._eras = {workspace: eras_of(policies.get(workspace, ())) for workspace in asking}


def _may_hold(rule: Alert, known: Collection[str]) -> bool:
    """Whether all that the rule can't do without is known of anybody."""
    if rule.who.values and "value" not in known:
        return False
    needed = [one.score.name for one in rule.when if one.score]
    takes_all = rule.at_least in {None, len(rule.when)}
    return not takes_all or all(name in known for name in needed)


def _asks_decisions(row: RuleRow) -> bool:
    # Most rules don't, and need not be made for it.
    if b"stages" not in row.body and b"tiers" not in row.body:
        return False
    rule = parse(msgspec.json.decode(row.body))
    return isinstance(rule, Alert) and asks_decisions(rule)


def _order(row: RuleRow) -> Any:
    return row.version, row.source, row.id
