"""Events as producers post them, good and bad, and what the edge of the language says to them."""

import json
from collections.abc import Sequence
from typing import Any

import msgspec
from hypothesis import strategies as st

from schemas.envelope import Posted
from schemas.problems import Problem
from schemas.validate import validate

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
"""Any JSON, and what JSON can't say: integers without bounds, infinities, NaN."""


def posted(type_: str = "email.opened", **changes: Any) -> bytes:
    """A good event of ``type_`` with fields replaced, or left out where ``...`` stands."""
    good = {"id": "e-1", "type": type_, "identifiers": ["user:42"], "data": {}} | changes
    return json.dumps({name: value for name, value in good.items() if value is not ...}).encode()


def bought(**changes: Any) -> bytes:
    """A good purchase with fields of its data replaced, or left out where ``...`` stands."""
    data = {"order_id": "1", "amount_minor": 1250, "currency": "EUR"} | changes
    data = {name: value for name, value in data.items() if value is not ...}
    return posted("purchase.completed", data=data)


def accepted(raw: bytes) -> Posted[Any]:
    found = validate(raw)
    assert isinstance(found, Posted), found
    return found


def refused(raw: bytes) -> Sequence[Problem]:
    found = validate(raw)
    assert isinstance(found, list), found
    assert found
    assert all(problem.problem and problem.remedy for problem in found)
    msgspec.json.encode(found)
    return found


def fields(raw: bytes) -> list[str]:
    return [problem.field for problem in refused(raw)]
