"""Positions as tokens, and their arithmetic."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.errors import Refused
from services.log.position import covers, decode, encode, merge

POSITIONS = st.dictionaries(st.integers(0, 500), st.integers(0, 2**62), max_size=20)


@given(POSITIONS)
def test_a_token_gives_back_its_position(position: dict[int, int]) -> None:
    assert decode(encode(position)) == position


@given(POSITIONS)
def test_a_token_is_safe_in_urls_and_headers(position: dict[int, int]) -> None:
    assert encode(position).replace("-", "").replace("_", "").isalnum()


def test_equal_positions_have_equal_tokens() -> None:
    assert encode({1: 5, 0: 7}) == encode({0: 7, 1: 5})


@given(POSITIONS, st.data())
def test_a_token_cut_short_or_mistyped_is_refused(
    position: dict[int, int], data: st.DataObject
) -> None:
    token = encode(position)
    at = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.characters().filter(lambda character: character != token[at]))

    with pytest.raises(Refused):
        decode(token[:at])
    with pytest.raises(Refused):
        decode(token[:at] + other + token[at + 1 :])


@given(st.text() | st.text(alphabet="abcXYZ019-_=", max_size=40))
def test_anything_else_is_refused(token: str) -> None:
    with pytest.raises(Refused):
        decode(token)


def test_the_refusal_names_the_field_and_shortens_the_value() -> None:
    with pytest.raises(Refused) as refused:
        decode("x" * 10_000, field="position")

    assert refused.value.problem.field == "position"
    assert refused.value.problem.value == "x" * 80


def test_the_refusal_names_the_header_by_default() -> None:
    with pytest.raises(Refused) as refused:
        decode("nonsense")

    assert refused.value.problem.field == "Touchline-Wait-For"


@given(POSITIONS, POSITIONS)
def test_the_merged_position_covers_both(a: dict[int, int], b: dict[int, int]) -> None:
    merged = merge(a, b)

    assert covers(merged, a)
    assert covers(merged, b)
    assert merged == merge(b, a)


@given(POSITIONS, POSITIONS, POSITIONS)
def test_nothing_smaller_covers_both(
    a: dict[int, int], b: dict[int, int], c: dict[int, int]
) -> None:
    assert covers(c, merge(a, b)) == (covers(c, a) and covers(c, b))


def test_a_partition_not_reached_is_not_covered() -> None:
    assert not covers({1: 10}, {1: 10, 2: 1})
    assert not covers({1: 9}, {1: 10})
    assert covers({1: 10, 2: 5}, {1: 10})
    assert covers({}, {})
