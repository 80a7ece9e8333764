"""Rules broken one at a time: what guards each must notice."""

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import given as drawn

Break = Callable[[pytest.MonkeyPatch], None]
MOST: Final = 5_000
"""Examples, should nothing be noticed: whatever notices, does so long before."""
FEWEST: Final = settings(
    max_examples=MOST,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)


class Mutation(NamedTuple):
    """A rule, how to break it, and what must notice: a law, or a table of stories."""

    rule: str
    breaks: Break
    law: Any
    seed: int = 0
    """Of the examples: with some a rare one comes soon."""


def replaced(module: object, name: str, other: object) -> Break:
    """``module``'s ``name`` is another."""
    return lambda patch: patch.setattr(module, name, other)


def each_of(mutations: Sequence[Mutation]) -> pytest.MarkDecorator:
    """Runs a test once for each ``mutation``."""
    named = [pytest.param(one, id=f"{one.rule}-{one.law.__name__}") for one in mutations]
    return pytest.mark.parametrize("mutation", named)


def notices(
    mutation: Mutation,
    monkeypatch: pytest.MonkeyPatch,
    *,
    by: tuple[type[Exception], ...] = (AssertionError,),
) -> None:
    """Assert that its law fails: tried on the same examples in every run; a table as it is."""
    law = mutation.law
    mutation.breaks(monkeypatch)
    if hasattr(law, "hypothesis"):
        law = drawn(**law.hypothesis._given_kwargs)(law.hypothesis.inner_test)
        law = seed(mutation.seed)(FEWEST(law))
    with pytest.raises(by):
        law()
