"""Explained scores as queries see them: what scoring hands in, without being known itself."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Protocol

from services.store.scores import ModelRow, Page


class Part(Protocol):
    """A contribution."""

    @property
    def name(self) -> str: ...
    @property
    def value(self) -> float: ...
    @property
    def evidence(self) -> Mapping[str, float]: ...
    @property
    def events(self) -> Sequence[str]: ...


class Sum(Protocol):
    """A base, and what is added to it."""

    @property
    def base(self) -> float: ...
    @property
    def contributions(self) -> Sequence[Part]: ...


class Why(Protocol):
    """A score, and what it is the sum of."""

    @property
    def name(self) -> str: ...
    @property
    def value(self) -> float: ...
    @property
    def band(self) -> str: ...
    @property
    def unit(self) -> str: ...
    @property
    def currency(self) -> str | None: ...
    @property
    def model(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def explained(self) -> Sum: ...


class Whole(Protocol):
    """All of a customer's scores."""

    @property
    def day(self) -> date | None: ...
    @property
    def tier(self) -> str | None: ...
    @property
    def scores(self) -> Sequence[Why]: ...


class Explain(Protocol):
    """Works out a customer's scores from what is kept of them."""

    def __call__(
        self, pages: Iterable[Page], tick: datetime | None, models: Sequence[ModelRow] = ()
    ) -> Whole: ...
