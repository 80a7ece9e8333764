"""The report's text: tables of what was measured, and what it means."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bench.scores import cdnow
from bench.scores.choosing import UNTIL, Tried
from bench.scores.holdout import OURS, Difference, Line
from bench.scores.leaving import Tested
from services.scoring.model.fitting import Fitted
from services.scoring.model.metrics import Quality


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Numbers to the right, the first column to the left."""
    rule = "|".join(["---", *["---:"] * (len(heads) - 1)])
    lines = [f"| {' | '.join(heads)} |", f"|{rule}|"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def parameters(
    found: Mapping[str, Fitted[Any]], printed: Mapping[str, tuple[Mapping[str, str], str]]
) -> str:
    """Ours with standard errors, beside what the papers print."""
    rows = []
    for name, fit in found.items():
        values, likelihood = printed[name]
        rows += [
            (
                f"{name} {parameter}",
                f"{getattr(fit.parameters, parameter):.3f}",
                f"{getattr(fit.errors, parameter):.3f}",
                text,
            )
            for parameter, text in values.items()
        ]
        rows.append((f"{name} log-likelihood", f"{fit.log_likelihood:.2f}", "", likelihood))
    return table(["model and parameter", "ours", "standard error", "printed"], rows)


def held_out(lines: Iterable[Line]) -> str:
    return table(
        ["model", "MAE", "RMSE", "total foretold", "happened", "off"],
        (
            (
                one.model,
                f"{one.mae:.4f}",
                f"{one.rmse:.4f}",
                f"{one.foretold:,.0f}",
                f"{one.happened:,.0f}",
                f"{one.off:+.1%}",
            )
            for one in lines
        ),
    )


def beaten(lines: Sequence[Line]) -> str:
    """By how much ours is better or worse than the two that it should beat, in words."""
    ours = next(one for one in lines if one.model == OURS)
    said = []
    for other in lines:
        if other.model in ("BG/NBD", "Pareto/NBD"):
            parts = [
                f"{what} {_against(mine, theirs)}"
                for what, mine, theirs in (
                    ("MAE", ours.mae, other.mae),
                    ("RMSE", ours.rmse, other.rmse),
                    ("total", abs(ours.off), abs(other.off)),
                )
            ]
            said.append(f"against {other.model}: {', '.join(parts)}")
    return f"{OURS}, {'; '.join(said)}."


def _against(mine: float, theirs: float) -> str:
    change = mine / theirs - 1
    if abs(change) < 0.0005:
        return "the same"
    return f"{abs(change):.1%} {'better' if change < 0 else 'worse'}"


def surely(differences: Iterable[Difference]) -> str:
    """Ours against each of the others, with what chance could make of it."""
    return table(
        [f"{OURS}, against", "MAE", "95 %", "RMSE", "95 %"],
        (
            (
                one.other,
                f"{one.mae:+.2%}",
                f"{one.mae_between[0]:+.2%} to {one.mae_between[1]:+.2%}",
                f"{one.rmse:+.2%}",
                f"{one.rmse_between[0]:+.2%} to {one.rmse_between[1]:+.2%}",
            )
            for one in differences
        ),
    )


def chosen(found: Iterable[Tried]) -> str:
    """Candidates with what they changed against Pareto/NBD, MAE / RMSE."""
    weeks = [f"from {(until - cdnow.FROM + 1) / 7:.3g}" for until in UNTIL]
    return table(
        ["looks from", "knows", "absolute", *weeks, "both", "weeks 40 to 78, looked at afterwards"],
        (
            (
                ", ".join(f"1/{round(1 / part)}" for part in one.candidate.parts),
                one.candidate.facts,
                f"{one.candidate.absolute:g}",
                *(f"{mae:+.2%} / {rmse:+.2%}" for mae, rmse in one.changes),
                f"{one.both:+.2%}",
                "{:+.2%} / {:+.2%}".format(*one.held_out),
            )
            for one in found
        ),
    )


def churn(tested: Tested) -> str:
    return table(
        ["model", "AUC", "average precision", "Brier", "lift at 10 %"],
        ((name, *_metrics(one)) for name, one in tested.qualities.items()),
    )


def weights(tested: Tested) -> str:
    return ", ".join(f"`{name}` {weight:.2f}" for name, weight in tested.weightiest)


def model_card(tested: Tested) -> str:
    told = {
        name: value for name, value in tested.card.items() if name not in ("metrics", "features")
    }
    return f"```json\n{json.dumps(told, indent=1)}\n```"


def _metrics(one: Quality) -> tuple[str, str, str, str]:
    return (
        f"{one.auc:.4f}",
        f"{one.average_precision:.4f}",
        f"{one.brier:.4f}",
        f"{one.lift_10:.2f}",
    )
