"""The shelf: the models that were promoted, restored once and kept for as long as they score."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from services.scoring.listening import Listener
from services.scoring.rulebooks import Books, RuleShelf
from services.store.scores import ModelRow, PromotionRow, ScoringTransaction

if TYPE_CHECKING:
    from services.scoring.trained import Trained


class Shelf:
    """Of one store; asks it what was promoted, in every transaction."""

    def __init__(self, listener: Listener | None = None) -> None:
        self.listener = listener
        """Who hears what customers say; without one nobody does."""
        self._kept: dict[str, tuple[frozenset[PromotionRow], Trained | None]] = {}
        self.rules = RuleShelf()
        """The alert rules."""

    def trained(
        self, workspace: str, tx: ScoringTransaction, new: Iterable[PromotionRow]
    ) -> "Trained | None":
        """The models that score in ``workspace`` once ``new`` promotions hold; None without any."""
        own = (one for one in new if one.workspace == workspace)
        promoted = frozenset([*tx.promotions([workspace]), *own])
        known, trained = self._kept.get(workspace, (frozenset(), None))
        if known != promoted:
            trained = restore(_chosen(promoted, tx))
            self._kept[workspace] = promoted, trained
        return trained

    def books(self, workspace: str) -> Books | None:
        """The alert rules of ``workspace``, by the models that ``trained`` found last."""
        promoted, trained = self._kept.get(workspace, (frozenset(), None))
        return self.rules.of(workspace, promoted, trained)

    def forget(self) -> None:
        """Let go of keys that texts were opened with; they are looked up again."""
        if self.listener:
            self.listener.forget()


def _chosen(promoted: Iterable[PromotionRow], tx: ScoringTransaction) -> Sequence[ModelRow]:
    """Of each model the last that was promoted, and that is there."""
    chosen: dict[str, ModelRow] = {}
    for one in sorted(promoted, key=lambda one: one.rank, reverse=True):
        if one.model not in chosen and (row := tx.model(one.workspace, one.model, one.version)):
            chosen[one.model] = row
    return [chosen[model] for model in sorted(chosen)]


def restore(models: Iterable[ModelRow]) -> "Trained | None":
    """The models as they score; raises ``Misconfigured`` for damaged ones."""
    rows = {row.model: (row.version, row.parameters) for row in models}
    if not rows:
        return None
    # numpy and scipy take a second and 60 MB: who has promoted no model does without them.
    from services.scoring.trained import restored  # noqa: PLC0415

    return restored(rows)
