"""What may happen to customers, drawn by hypothesis: everything the catalogue has, early, late and at odds."""

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
    st.sampled_from(["name", "first_name", "city", "plan", "birthday"]),
    st.sampled_from(["Ada", "Bo\t\\N", "", None, 1, 1.0, True, -(2**63)]),
    max_size=3,
)


@cache
def examples() -> tuple[Posted[Any], ...]:
    """Every example of every type."""
    found = [validate(json.dumps(one).encode()) for key in TYPES for one in examples_of(key)]
    return tuple(one for one in found if isinstance(one, Posted))


def told(verb: str, *arguments: st.SearchStrategy[Any]) -> st.SearchStrategy[Step]:
    """A touch with these arguments, of anybody, at any time."""
    return st.builds(
        lambda first, named, at, key: Step(verb, first, tuple(named), {"at": at, "key_kind": key}),
        st.tuples(*arguments),
        NAMED,
        AT,
        KEYS,
    )


def priced(verb: str) -> st.SearchStrategy[Step]:
    """The same about money."""
    return st.builds(
        lambda step, currency: step._replace(more={**step.more, "currency": currency}),
        told(verb, st.sampled_from(ORDERS), MINOR),
        CURRENCIES,
    )


TRADE = st.one_of(priced("bought"), priced("refunded"), told("cancelled", st.sampled_from(ORDERS)))
TOUCHES = st.one_of(
    told("called"),
    told("described", TRAITS),
    told("classified", TRAITS),
    told("exampled", st.deferred(lambda: st.sampled_from(examples()))),
)
MERGES = st.builds(
    lambda names, at: Step("merged", tuple(names), more={"at": at}),
    st.lists(st.sampled_from(NAMES), min_size=2, max_size=2, unique=True),
    AT,
)
SPLITS = st.builds(
    lambda names, at: Step("split", (names[: len(names) // 2], names[len(names) // 2 :]), more={"at": at}),
    st.lists(st.sampled_from(NAMES), min_size=2, max_size=4, unique=True),
    AT,
)

SHUFFLES = st.randoms(use_true_random=False)
BATCHES = st.lists(st.integers(1, 7), min_size=1, max_size=3)


def many(step: st.SearchStrategy[Step]) -> st.SearchStrategy[list[Step]]:
    """Histories short and long: lists alone would have five steps on average."""
    return st.lists(step, max_size=6) | st.lists(step, min_size=10, max_size=25)


TRADES = many(TRADE)
APART = many(st.one_of(TRADE, TOUCHES))
"""Histories in which nobody joins or parts customers by hand."""
STEPS = many(st.one_of(TRADE, TRADE, TRADE, TOUCHES, TOUCHES, TOUCHES, MERGES, SPLITS))
