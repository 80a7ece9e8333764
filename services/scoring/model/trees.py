"""Trees: a boosted model as plain arrays, that say why."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from services.errors import Misconfigured
from services.scoring.model.purchases import Floats, Integers

ROWS = 8_192
"""Customers at once: their nodes fit a processor's cache."""


@dataclass(frozen=True, slots=True)
class Trees:
    """All nodes of all trees in one row; a leaf is its own child.

    A row goes left where its feature is at most the threshold. ``value`` of an inner node is the
    mean over the training rows that passed it, so that each step of a path has its worth.
    """

    base: float
    roots: Integers
    feature: Integers
    threshold: Floats
    left: Integers
    right: Integers
    value: Floats
    depth: int

    def __post_init__(self) -> None:
        """Refuse arrays that no walk could end in."""
        nodes = len(self.feature)
        sizes = {len(self.threshold), len(self.left), len(self.right), len(self.value)}
        places = np.concatenate([self.roots, self.left, self.right])
        is_ours = ((places >= 0) & (places < nodes)).all() and (self.feature >= 0).all()
        if sizes != {nodes} or not is_ours or not np.isfinite(self.value).all():
            raise Misconfigured("the stored trees are damaged: train the model again")

    def log_odds(self, rows: Floats) -> Floats:
        """What all trees say together of each of ``rows``."""
        parts = [
            self.base + self.value[self._leaves(rows[at : at + ROWS])].sum(axis=1)
            for at in range(0, len(rows), ROWS)
        ]
        return np.concatenate(parts) if parts else np.zeros(0)

    def contributions(self, row: Floats) -> tuple[float, Floats]:
        """A base, and what each feature adds to it: together the log odds of ``row``.

        Each step down a tree is laid to the feature it asks for (Saabas 2014, Interpreting Random
        Forests): exact sums at the cost of one walk, where Shapley values would weigh all orders.
        """
        node, parts = self.roots.copy(), np.zeros(len(row))
        base = self.base + float(self.value[node].sum())
        for _ in range(self.depth):
            asked = self.feature[node]
            below = np.where(row[asked] <= self.threshold[node], self.left[node], self.right[node])
            np.add.at(parts, asked, self.value[below] - self.value[node])
            node = below
        return base, parts

    def _leaves(self, rows: Floats) -> Integers:
        node = np.broadcast_to(self.roots, (len(rows), len(self.roots)))
        each = np.arange(len(rows))[:, None]
        for _ in range(self.depth):
            goes_left = rows[each, self.feature[node]] <= self.threshold[node]
            node = np.where(goes_left, self.left[node], self.right[node])
        return np.asarray(node)

    def stored(self) -> dict[str, Any]:
        """As JSON can hold it, to the last digit."""
        names = ("roots", "feature", "threshold", "left", "right", "value")
        arrays = {name: getattr(self, name).tolist() for name in names}
        return {"base": self.base, "depth": self.depth, **arrays}

    @classmethod
    def restored(cls, stored: Mapping[str, Any]) -> Self:
        """The trees that ``stored`` was made of; raises ``Misconfigured`` where it is damaged."""
        return cls(
            base=float(stored["base"]),
            roots=np.asarray(stored["roots"], dtype=np.int64),
            feature=np.asarray(stored["feature"], dtype=np.int64),
            threshold=np.asarray(stored["threshold"], dtype=np.float64),
            left=np.asarray(stored["left"], dtype=np.int64),
            right=np.asarray(stored["right"], dtype=np.int64),
            value=np.asarray(stored["value"], dtype=np.float64),
            depth=int(stored["depth"]),
        )
