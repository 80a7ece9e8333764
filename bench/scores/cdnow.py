"""CDNOW: the music shop's customers, observed for 39 weeks and held out for 39 more."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from services.ingest.samples.package import data_file
from services.scoring.model.purchases import Floats, Integers, Observed, observe
from services.scoring.model.rolling import Sold, days_bought

FROM: Final = date(1997, 1, 1).toordinal()
OBSERVED_UNTIL: Final = date(1997, 9, 30).toordinal()
HELD_OUT_UNTIL: Final = date(1998, 6, 30).toordinal()
HELD_OUT_WEEKS: Final = 39


@dataclass(frozen=True, slots=True)
class Sales:
    """Rows of the file: who, on which day, how many discs, for how many dollars."""

    customers: Integers
    days: Integers
    discs: Integers
    dollars: Floats

    def of(self, customers: Integers) -> "Sales":
        """The rows of ``customers`` only."""
        return self._only(np.isin(self.customers, customers))

    def before(self, until: int) -> "Sales":
        """The rows until the end of a day only."""
        return self._only(self.days <= until)

    @property
    def sold(self) -> Sold:
        """The same as the models take it."""
        return Sold(self.customers, self.days, self.dollars, self.discs.astype(np.float64))

    def seen(self, until: int) -> Observed:
        return observe(self.customers, self.days, self.dollars, until=until)

    def days_bought(self, customers: Integers, *, after: int, until: int) -> Floats:
        """On how many days each of ``customers`` bought, after one day and until another."""
        return days_bought(self.sold, customers, after=after, until=until)

    def first_day(self, customers: Integers) -> Floats:
        """Of each: log dollars, log discs and week of the first day, known ever after."""
        order = np.lexsort((self.days, self.customers))
        who, day = self.customers[order], self.days[order]
        at = np.searchsorted(who, customers)
        first = day[at]
        where = np.searchsorted(customers, who).clip(max=len(customers) - 1)
        is_first = (customers[where] == who) & (day == first[where])
        dollars, discs = (
            np.bincount(where[is_first], column[order][is_first], minlength=len(customers))
            for column in (self.dollars, self.discs)
        )
        return np.column_stack([np.log1p(dollars), np.log1p(discs), (first - FROM) / 7])

    def _only(self, rows: npt.NDArray[np.bool_]) -> "Sales":
        return Sales(self.customers[rows], self.days[rows], self.discs[rows], self.dollars[rows])


@cache
def master() -> Sales:
    """All 23,570 customers of the cohort."""
    return _read(data_file("lifetimes", "datasets/CDNOW_master.txt", install="lifetimes"), 0)


@cache
def sampled() -> Integers:
    """The 2,357 customers of the papers' systematic sample, by their ids in the whole cohort."""
    path = data_file("lifetimes", "datasets/CDNOW_sample.txt", install="lifetimes")
    return np.unique(_column(_lines(path), 0))


def _read(path: Path, customer: int) -> Sales:
    lines = _lines(path)
    days = [
        date(int(line[-3][:4]), int(line[-3][4:6]), int(line[-3][6:])).toordinal() for line in lines
    ]
    dollars = np.array([float(line[-1]) for line in lines])
    return Sales(_column(lines, customer), np.array(days), _column(lines, -2), dollars)


def _lines(path: Path) -> list[list[str]]:
    rows = (line.split() for line in path.read_text("ascii").splitlines())
    return [row for row in rows if len(row) >= 4 and row[0].isdigit()]


def _column(lines: Iterable[list[str]], at: int) -> Integers:
    return np.array([int(line[at]) for line in lines], dtype=np.int64)
