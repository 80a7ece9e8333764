"""Telco: customers of a telephone company with and without a label of having left.

It is a snapshot without times, so that its split is by chance (with a fixed seed), not by time.
"""

import csv
import gzip
from pathlib import Path
from typing import Final

import numpy as np

from services.scoring.model.churn import Sample

FILE: Final = Path(__file__).parents[2].parent / "shared" / "data" / "Telco-Customer-Churn.csv.gz"
NUMBERS: Final = ("SeniorCitizen", "tenure", "MonthlyCharges", "TotalCharges")
NO_FEATURES: Final = ("customerID", "Churn")
SEED: Final = 11


def split() -> tuple[Sample, Sample, Sample]:
    """Six tenths to learn from, two to put chances right on, two to test."""
    with gzip.open(FILE, "rt", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    kinds = [
        (column, value)
        for column in rows[0]
        if column not in (*NUMBERS, *NO_FEATURES)
        for value in sorted({row[column] for row in rows})
    ]
    names = (*NUMBERS, *(f"{column} {value}" for column, value in kinds))
    table = np.array([
        [float(row[name].strip() or 0) for name in NUMBERS]
        + [float(row[column] == value) for column, value in kinds]
        for row in rows
    ])  # fmt: skip
    left = np.array([row["Churn"] == "Yes" for row in rows], dtype=np.int64)
    order = np.random.default_rng(SEED).permutation(len(rows))
    learn, put_right, test = np.split(order, [len(rows) * 6 // 10, len(rows) * 8 // 10])
    return (
        Sample(names, table[learn], left[learn]),
        Sample(names, table[put_right], left[put_right]),
        Sample(names, table[test], left[test]),
    )
