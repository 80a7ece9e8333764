"""Who is whom: the groups equal the oracle's, in whatever order and batches the events come."""

import importlib.util
import sys
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.envelope import Recorded
from services.fold import regroup
from services.store.memory import MemoryStore
from tests.happenings import BATCHES, SHUFFLES, regrouped
from tests.histories import History, Step, fold, rows

ORACLE = Path(__file__).parents[3] / "shared/models/identity.py"
CAP = 4
USERS = [f"user:{number}" for number in range(6)]
OTHERS = ["email:a@x.org", "email:b@x.org", "phone:1", "phone:2", "anonymous:x", "anonymous:y"]
NAMES = [*USERS, *OTHERS]


def told(verbs: Sequence[str], names: Sequence[str]) -> st.SearchStrategy[list[Step]]:
    """Histories of ``verbs``, each as often as it is listed, about some of ``names``."""
    drawn = st.tuples(
        st.sampled_from(verbs),
        st.lists(st.sampled_from(names), min_size=2, max_size=3, unique=True),
        st.integers(0, 30),
    )
    step = drawn.map(lambda one: _step(*one))
    return st.lists(step, max_size=6) | st.lists(step, min_size=8, max_size=25)


def _step(verb: str, names: list[str], at: int) -> Step:
    if verb == "called":
        return Step("called", named=tuple(names), more={"at": at})
    return regrouped(verb, names, at)


ANY = told(["called"] * 8 + ["merged", "split"], NAMES)
CHAINS = told(["called", "merged", "merged", "split"], [*USERS[:3], *OTHERS[:2]])
"""Merges and splits of the same few, over and over."""
SHARED = told(
    ["called"] * 9 + ["merged", "merged", "split"], [*USERS, "anonymous:x", "email:a@x.org"]
)
"""Many people on one device."""
CROWDED = told(["called"] * 9 + ["merged"], [*USERS[:2], *OTHERS])
"""Few people of many identifiers."""


@cache
def oracle() -> ModuleType:
    """The meaning of identity, slow and plain."""
    if not ORACLE.exists():
        pytest.skip(f"{ORACLE} is not here: check out the shared folder beside this one")
    spec = importlib.util.spec_from_file_location("identity_oracle", ORACLE)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["identity_oracle"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True)
def _small_cap(monkeypatch: pytest.MonkeyPatch) -> None:
    cap_at_few(monkeypatch)


def cap_at_few(patch: pytest.MonkeyPatch) -> None:
    """Let few identifiers reach the cap, ours and the oracle's."""
    patch.setattr(regroup, "CAP", CAP)
    patch.setattr(oracle(), "CAP", CAP)


def groups(store: MemoryStore) -> dict[str, frozenset[str]]:
    """Each identifier's group, from the stored rows."""
    found = store.tables.identifiers.values()
    return {
        row.identifier: frozenset(
            one.identifier for one in found if one.customer_id == row.customer_id
        )
        for row in found
    }


def expected(history: History) -> dict[str, frozenset[str]]:
    """What the oracle makes of the same."""
    edges, splits = [], []
    for event in map(_untyped, history.events):
        if event.type == "customer.split":
            one, other = map(frozenset, (_plain(event.data.one), _plain(event.data.other)))
            splits.append(oracle().Split(event.rank, one, other))
        elif event.type == "customer.merged":
            a, b = _plain(sorted((event.data.into, event.data.merged)))
            edges.append(oracle().Edge(event.rank, a, b, True))
        else:
            leaf, *others = _plain(event.identifiers)
            edges += [oracle().Edge(event.rank, leaf, other) for other in others]
    found = oracle().groups(edges, splits)
    return {one[-32:]: frozenset(end[-32:] for end in group) for one, group in found.items()}


def _plain(hashes: Iterable[str]) -> list[str]:
    """Names that tell a login, and sort as hashes do: an event's edges share their rank."""
    return [f"{'user' if one[0] == '0' else 'with'}:{one}" for one in hashes]


def _untyped(event: Recorded[Any]) -> Recorded[Any]:
    return event


@given(ANY | CHAINS | SHARED | CROWDED, SHUFFLES, BATCHES)
def test_groups_equal_the_oracles_in_any_order_and_batches(
    steps: list[Step], random: Random, batches: list[int]
) -> None:
    history = History(steps=steps)

    told = random.sample(history.events, len(history.events))
    found = groups(fold(told, history.vault, batches=batches))

    assert found == expected(history)


@given(CHAINS | SHARED | CROWDED, SHUFFLES, BATCHES)
def test_what_is_kept_of_namings_is_the_same_bytes_in_any_order_and_batches(
    steps: list[Step], random: Random, batches: list[int]
) -> None:
    history = History(steps=steps)

    told = random.sample(history.events, len(history.events))

    assert rows(fold(told, history.vault, batches=batches)) == rows(
        fold(history.events, history.vault)
    )


def test_a_common_identifier_that_a_person_joined_by_hand_still_joins_nothing_else() -> None:
    history = History()
    history.merged("email:a@x.org", "anonymous:x", at=1)
    for number in range(4):
        history.called(f"user:{number}", "email:a@x.org", at=2)
    history.called("email:a@x.org", "anonymous:x", at=3)

    early = fold(history.events[::-1], history.vault, batches=[1])
    late = fold(history.events, history.vault, batches=[1])

    assert groups(early) == groups(late)
    assert rows(early)["edge"] == rows(late)["edge"]


def test_who_was_named_beside_a_common_identifier_stays_who_it_is_after_a_merge_there() -> None:
    history = History()
    for number in range(4):
        history.called(f"user:{number}", "email:a@x.org")
    history.called("user:1", "anonymous:x")
    history.split(["phone:1"], ["user:0"])
    history.called("email:a@x.org", "anonymous:x", at=1)
    history.called("email:a@x.org", "anonymous:x", at=2)
    before = fold(history.events, history.vault).tables.identifiers
    history.merged("user:0", "email:a@x.org", at=3)

    after = fold(history.events, history.vault, batches=[1]).tables.identifiers

    device = history.hash("anonymous:x")
    assert after[device] == before[device]
    assert after[device].customer_id == history.hash("user:1")
