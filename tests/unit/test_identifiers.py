"""Identifiers: one spelling of each, since a hash of another spelling is another customer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.identifiers import BLOCKED, is_blocked, normalise, strength
from schemas.problems import Problem


@pytest.mark.parametrize(
    ("identifier", "normalised"),
    [
        ("user:42", ("user", "42")),
        (" User : 42 ", ("user", "42")),
        ("user:Ada", ("user", "Ada")),
        ("email:Ada@Example.ORG", ("email", "ada@example.org")),
        ("email: ada+shop@example.org ", ("email", "ada+shop@example.org")),
        ("email:JOSE\u0301@example.org", ("email", "jos\u00e9@example.org")),
        ("phone:020 7946 0018", ("phone", "+442079460018")),
        ("phone:+44 (0)20 7946-0018", ("phone", "+442079460018")),
        ("phone:+49 30 901820", ("phone", "+4930901820")),
        ("phone:020 7946 0018 ext. 12", ("phone", "+442079460018;ext=12")),
        ("loyalty_card:3300:88 12", ("loyalty_card", "3300:88 12")),
        ("anonymous:7F9C", ("anonymous", "7F9C")),
    ],
)
def test_an_identifier_has_one_spelling(identifier: str, normalised: tuple[str, str]) -> None:
    assert normalise(identifier, region="GB") == normalised


@pytest.mark.parametrize(
    "identifier",
    [
        "42",
        ":42",
        "us er:42",
        "kind/of:42",
        "ключ:42",
        "k" * 41 + ":42",
        "user:" + "x" * 513,
        "email:ada",
        "email:@example.org",
        "email:ada@",
        "email:ada lovelace@example.org",
        "phone:abc",
        "phone:12",
        "phone:+4420794600180000000",
    ],
)
def test_what_can_not_be_an_identifier_is_refused_with_a_remedy(identifier: str) -> None:
    problem = normalise(identifier, region="GB")

    assert isinstance(problem, Problem)
    assert problem.field == "identifiers"
    assert problem.problem.startswith("is ")
    assert problem.remedy
    assert len(str(problem.value)) < 600


@pytest.mark.parametrize("value", ["null", "NULL", "0", "undefined", "Anonymous", "", "  ", "N/A"])
@pytest.mark.parametrize("kind", ["user", "email", "phone", "anonymous"])
def test_a_placeholder_is_no_error_but_blocked(kind: str, value: str) -> None:
    normalised = normalise(f"{kind}:{value}", region="GB")

    assert isinstance(normalised, tuple)
    assert is_blocked(normalised[1])


@pytest.mark.parametrize("value", ["42", "00", "object", "ada@example.org", "nullable"])
def test_real_values_are_not_blocked(value: str) -> None:
    assert not is_blocked(value)


def test_blocked_values_are_compared_whatever_their_case() -> None:
    assert {value.casefold() for value in BLOCKED} == BLOCKED


def test_a_login_is_stronger_than_an_address_and_a_device_weakest() -> None:
    kinds = ["anonymous", "loyalty_card", "phone", "email", "user"]

    assert sorted(kinds, key=strength) == ["user", "email", "phone", "loyalty_card", "anonymous"]


@given(st.sampled_from(["user", "email", "phone", "card"]), st.text(), st.text())
def test_normalising_twice_changes_nothing(kind: str, one: str, other: str) -> None:
    value = f"{one}@{other}" if kind == "email" else one
    first = normalise(f"{kind}:{value}", region="GB")

    if isinstance(first, tuple):
        assert normalise(":".join(first), region="GB") == first


@given(st.text(), st.sampled_from(["GB", "US", "CN", "XX", ""]))
def test_no_text_makes_it_fail(identifier: str, region: str) -> None:
    assert isinstance(normalise(identifier, region=region), tuple | Problem)
    assert isinstance(normalise(f"phone:{identifier}", region=region), tuple | Problem)
