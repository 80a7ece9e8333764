"""Drafts: policies read from files, and rules written as people write them."""

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.rules import lifecycle, loyalty
from services.commands.drafts import read
from services.commands.policies import check
from services.errors import Refused
from services.main.toml import dumps

LOYALTY = b'means = "one"\n[[earn]]\nname = "euro"\ncurrency = "EUR"\nper_minor = 100\n'
MACHINE = b'[[stages]]\nname = "all"\n'


@pytest.mark.parametrize(
    ("text", "named", "found"),
    [
        (LOYALTY, {}, [("loyalty", "default")]),
        (b'kind = "loyalty"\n' + LOYALTY, {}, [("loyalty", "default")]),
        (b'{"earn": []}', {}, [("loyalty", "default")]),
        (b'  {"kind": "loyalty", "name": "vip", "earn": []}', {}, [("loyalty", "vip")]),
        (LOYALTY, {"name": "vip"}, [("loyalty", "vip")]),
        (MACHINE, {}, [("lifecycle", "default")]),
        (b'name = "crm"\n' + MACHINE, {}, [("lifecycle", "crm")]),
        (b"[a]\nstages = []\n[b]\nstages = []\n", {}, [("lifecycle", "a"), ("lifecycle", "b")]),
        (b"[a]\nstages = []\n[b]\nstages = []\n", {"name": "b"}, [("lifecycle", "b")]),
        (b"", {"kind": "loyalty"}, [("loyalty", "default")]),
    ],
)
def test_a_file_tells_what_it_rules(
    text: bytes, named: dict[str, Any], found: list[tuple[str, str]]
) -> None:
    assert [(draft.kind, draft.name) for draft in read(text, **named)] == found


@pytest.mark.parametrize(
    ("text", "named", "field"),
    [
        (b"= 1", {}, "file"),
        (b"{", {}, "file"),
        (b'{"a": ' + b"[" * 100_000, {}, "file"),
        (b"\xff", {}, "file"),
        (b"", {}, "kind"),
        (b"a = 1", {}, "kind"),
        (b"[a]\nstages = []\n", {"name": "b"}, "name"),
    ],
)
def test_what_can_not_be_told_is_refused(text: bytes, named: dict[str, Any], field: str) -> None:
    with pytest.raises(Refused) as refused:
        read(text, **named)

    assert refused.value.problem.field == field
    assert refused.value.problem.remedy


def test_an_unknown_kind_is_refused_with_those_that_there_are() -> None:
    [problem] = check("loyality", {})

    assert problem.field == "kind"
    assert "loyalty" in problem.remedy


def test_rules_that_ship_are_the_same_once_they_were_shown_and_read() -> None:
    rules = loyalty.default_rules()

    [draft] = read(dumps({"kind": "loyalty", "name": "default", **rules}).encode())

    assert draft.rules == rules
    for name, machine in lifecycle.default_rules().items():
        [draft] = read(dumps({"kind": "lifecycle", "name": name, **machine}).encode())
        assert (draft.name, draft.rules) == (name, machine)


def test_rules_are_shown_as_people_write_them() -> None:
    tree = {"means": 'a "b"', "expiry": {"rule": "rolling", "after": {"months": 24}}}

    assert dumps({**tree, "earn": [{"name": "euro", "boosts": [{"percent": 200}]}]}) == (
        'means = "a \\"b\\""\n\n[expiry]\nrule = "rolling"\nafter = { months = 24 }\n\n'
        '[[earn]]\nname = "euro"\nboosts = [{ percent = 200 }]\n'
    )


TREES = st.recursive(
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=20,
)


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=5), TREES))
def test_every_tree_reads_as_it_was(tree: dict[str, Any]) -> None:
    assert tomllib.loads(dumps(tree)) == tree
