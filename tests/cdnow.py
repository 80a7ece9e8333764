"""CDNOW's sample as the models take it, from the file beside the project."""

from datetime import date
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from services.scoring.model.purchases import Observed, observe

FILE: Final = Path(__file__).parents[2] / "shared" / "data" / "CDNOW_sample.txt"
needs_cdnow = pytest.mark.skipif(not FILE.is_file(), reason=f"{FILE} is not there")


@cache
def observed() -> Observed:
    """The 39 weeks that the papers fitted their models to."""
    rows = [line.split() for line in FILE.read_text("ascii").splitlines()]
    days = [date(int(day[:4]), int(day[4:6]), int(day[6:])).toordinal() for _, _, day, *_ in rows]
    return observe(
        [int(row[1]) for row in rows],
        days,
        [float(row[-1]) for row in rows],
        until=date(1997, 9, 30).toordinal(),
    )
