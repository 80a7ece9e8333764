"""The law of spending: under 64 writers at once, nothing is spent twice."""

from collections.abc import Iterator
from typing import Final

import pytest

from services.store.urls import Urls
from tests import profiles
from tests.integration.crowds import spree
from tests.integration.spending import Till, a_till

OPERATIONS: Final = 40
"""For each example that the profile wants of a property: 1,000, or the 100,000 of ``make fuzz``."""
MOST: Final = 100_000


@pytest.fixture
def till(urls: Urls) -> Iterator[Till]:
    with a_till(urls) as till:
        yield till


@pytest.mark.hypothesis  # Not drawn by it, and asked for with all that is.
def test_a_balance_is_never_spent_twice_under_64_writers(till: Till) -> None:
    done = spree(till, min(MOST, OPERATIONS * profiles.examples()))

    left = {member: till.balance(member) for member in done.given}
    assert left == {member: done.given[member] - done.spent[member] for member in done.given}
    assert min(left.values()) >= 0
    assert done.refused, "there was less than was asked for"
    found = till.rows("SELECT id FROM live.ledger WHERE type = 'points.redeemed' AND NOT is_void")
    assert sorted(id_ for (id_,) in found) == sorted(done.ids)
    assert till.waiting() == 0
