"""What may happen to customers, drawn by hypothesis: all that the catalogue has, early and late."""

import json
from functools import cache
from typing import Any

from hypothesis import strategies as st

from schemas import TYPES
from schemas.catalogue import examples_of
from schemas.envelope import Posted
from schemas.validate import validate
from tests.histories import Step

LOGINS = [f"user:{number}" for number in range(1, 6)]
"""More than may name one device before it is common."""
OTHERS = [
    *("email:a@x.org", "email:b@x.org", "email:c@x.org", "phone:+442079460018"),
    *("loyalty_card:77", "anonymous:tablet", "anonymous:laptop"),
]
NAMES = [*LOGINS, *OTHERS]
ORDERS = ["o1", "o2", "o3", "o4"]

NAMED = st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True)
AT = st.integers(0, 40)
MINOR = st.integers(0, 50).map(lambda tens: 100 * tens)
CURRENCIES = st.sampled_from(["EUR", "EUR", "USD"])
KEYS = st.sampled_from(["write", "write", "secret", "browser"])
TRAITS = st.dictionaries(
    st.sampled_from(["name", "first_name", "city"]),
    st.sampled_from(["Ada", "Bo\t\\N", "", None, None, 1, 1.0, True, -(2**63)]),
    min_size=1,
)


@cache
def examples() -> tuple[Posted[Any], ...]:
    """Every example of every type."""
    found = [validate(json.dumps(one).encode()) for key in TYPES for one in examples_of(key)]
    return tuple(one for one in found if isinstance(one, Posted))


def told(verb: str, *arguments: st.SearchStrategy[Any]) -> st.SearchStrategy[Step]:
    """A touch with these arguments, of anybody, at any time."""
    drawn = st.tuples(st.tuples(*arguments), NAMED, AT, KEYS)
    return drawn.map(
        lambda one: Step(verb, one[0], tuple(one[1]), {"at": one[2], "key_kind": one[3]})
    )


def priced(verb: str) -> st.SearchStrategy[Step]:
    """The same about money."""
    drawn = st.tuples(told(verb, st.sampled_from(ORDERS), MINOR), CURRENCIES)
    return drawn.map(lambda one: one[0]._replace(more={**one[0].more, "currency": one[1]}))


def by_hand(verb: str, fewest: int, most: int) -> st.SearchStrategy[Step]:
    """Customers joined or parted, at any time."""
    names = st.lists(st.sampled_from(NAMES), min_size=fewest, max_size=most, unique=True)
    return st.tuples(names, AT).map(lambda one: regrouped(verb, *one))


def regrouped(verb: str, names: list[str], at: int) -> Step:
    """The first of ``names`` merged with the second, or split from the rest."""
    first, *rest = names
    return Step(verb, (first, rest[0]) if verb == "merged" else ([first], rest), more={"at": at})


TRADE = st.one_of(priced("bought"), priced("refunded"), told("cancelled", st.sampled_from(ORDERS)))
TOUCHES = st.one_of(
    told("called"),
    told("described", TRAITS),
    told("classified", TRAITS),
    told("exampled", st.deferred(lambda: st.sampled_from(examples()))),
)
MERGES = by_hand("merged", 2, 2)
SPLITS = by_hand("split", 2, 4)
SHUFFLES = st.randoms(use_true_random=False)
BATCHES = st.lists(st.integers(1, 7), min_size=1, max_size=3)


def many(step: st.SearchStrategy[Step]) -> st.SearchStrategy[list[Step]]:
    """Histories short and long: lists alone would have five steps on average."""
    return st.lists(step, max_size=6) | st.lists(step, min_size=10, max_size=25)


TRADES = many(TRADE)
APART = many(st.one_of(TRADE, TOUCHES))
"""Histories in which nobody joins or parts customers by hand."""
STEPS = many(st.one_of(TRADE, TRADE, TRADE, TOUCHES, TOUCHES, TOUCHES, MERGES, SPLITS))
