"""Boosting: scikit-learn grows the trees, and leaves them to us as arrays."""

from typing import Any, Final

import numpy as np

from services.scoring.model.purchases import Floats, Integers
from services.scoring.model.trees import Trees

SEED: Final = 7
SETTINGS: Final = {
    "max_iter": 150,
    "learning_rate": 0.05,
    "max_leaf_nodes": 8,
    "min_samples_leaf": 40,
    "l2_regularization": 5.0,
}
"""Small trees and slow steps. Chosen beforehand and for all data alike: no set was searched with
them, so that no figure of a hold-out is flattered by them."""


def grow(rows: Floats, has_left: Integers) -> Trees:
    """Trees for the log odds of ``has_left`` (Friedman 2001, Greedy Function Approximation)."""
    return extracted(grown(rows, has_left))


def grown(rows: Floats, has_left: Integers) -> Any:  # sklearn ships no types
    """The same as scikit-learn holds it."""
    from sklearn.ensemble import HistGradientBoostingClassifier  # noqa: PLC0415 - as in churn.py

    boosted = HistGradientBoostingClassifier(early_stopping=False, random_state=SEED, **SETTINGS)
    return boosted.fit(rows, has_left)


def extracted(boosted: Any) -> Trees:
    """The arrays inside ``boosted``, a binary classifier on numbers without gaps."""
    roots, features, thresholds, lefts, rights, values = [], [], [], [], [], []
    deepest, start = 1, 0
    for (tree,) in boosted._predictors:  # noqa: SLF001 (there is no public way to the nodes)
        nodes = tree.nodes
        is_leaf = nodes["is_leaf"].astype(bool)
        places = np.arange(len(nodes))
        left, right = (
            np.where(is_leaf, places, nodes[side].astype(np.int64)) for side in ("left", "right")
        )
        roots.append(start)
        features.append(np.where(is_leaf, 0, nodes["feature_idx"].astype(np.int64)))
        thresholds.append(np.where(is_leaf, 0.0, nodes["num_threshold"]))
        lefts.append(left + start)
        rights.append(right + start)
        values.append(_means(nodes, left, right))
        deepest = max(deepest, int(nodes["depth"].max()))
        start += len(nodes)
    return Trees(
        base=float(np.ravel(boosted._baseline_prediction)[0]),  # noqa: SLF001 (as above)
        roots=np.asarray(roots, dtype=np.int64),
        feature=np.concatenate(features).astype(np.int64),
        threshold=np.concatenate(thresholds).astype(np.float64),
        left=np.concatenate(lefts).astype(np.int64),
        right=np.concatenate(rights).astype(np.int64),
        value=np.concatenate(values),
        depth=deepest,
    )


def _means(nodes: Any, left: Integers, right: Integers) -> Floats:
    """Leaves as they are, inner nodes as the mean of their training rows; children come later."""
    means = nodes["value"].astype(np.float64)
    counts = nodes["count"].astype(np.float64)
    for node in range(len(nodes) - 1, -1, -1):
        low, high = left[node], right[node]
        if low != node:
            both = counts[low] + counts[high]
            means[node] = (means[low] * counts[low] + means[high] * counts[high]) / both
    return np.asarray(means)
