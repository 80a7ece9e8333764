"""Curves of the report, as PNG."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from bench.scores.holdout import Foretold
from services.scoring.model.metrics import Bin

WIDE = 7
"""This many repeat purchases and more are shown together, as in the papers."""

mpl.rcParams["svg.hashsalt"] = "touchline"


def conditional(foretold: Foretold, path: Path) -> None:
    """Mean purchases in the weeks held out, by how many there were before (the papers' figure)."""
    group = np.minimum(foretold.seen, WIDE).astype(int)
    figure = Figure(figsize=(7, 4.2), dpi=110, layout="constrained")
    axes = figure.subplots()
    counts = np.bincount(group, minlength=WIDE + 1)
    shown = {"what happened": foretold.happened, **foretold.by_model}
    for name, values in shown.items():
        means = np.bincount(group, values, minlength=WIDE + 1) / np.maximum(counts, 1)
        is_true = name == "what happened"
        axes.plot(
            means,
            label=name,
            marker="o",
            linewidth=2.5 if is_true else 1.3,
            color="black" if is_true else None,
            linestyle="-" if is_true else "--",
        )
    axes.set_xticks(range(WIDE + 1), [*map(str, range(WIDE)), f"{WIDE}+"])
    axes.set_xlabel("repeat purchases in weeks 1 to 39")
    axes.set_ylabel("mean purchases in weeks 40 to 78")
    axes.legend(frameon=False)
    _save(figure, path)


def calibrated(curves: Mapping[str, Sequence[Bin]], path: Path) -> None:
    """What share left of those of whom so much was foretold; the diagonal is what should be."""
    figure = Figure(figsize=(5.2, 5), dpi=110, layout="constrained")
    axes = figure.subplots()
    top = max(max(one.foretold, one.happened) for bins in curves.values() for one in bins) * 1.08
    axes.plot([0, top], [0, top], color="grey", linewidth=1)
    for name, bins in curves.items():
        axes.plot(
            [one.foretold for one in bins],
            [one.happened for one in bins],
            marker="o",
            linewidth=1.3,
            label=name,
        )
    axes.set_xlabel("chance foretold (mean of a tenth of the customers)")
    axes.set_ylabel("share that left")
    axes.legend(frameon=False)
    _save(figure, path)


def _save(figure: Figure, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Without the version and time, so that the same figures give the same file.
    figure.savefig(path, metadata={"Software": None})
