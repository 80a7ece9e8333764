"""Who is whom: the groups equal the oracle's, in whatever order and batches the events come."""

import importlib.util
import sys
from pathlib import Path
from random import Random
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.fold import regroup
from services.store.memory import MemoryStore
from tests.histories import History, fold

ORACLE = Path(__file__).parents[3] / "shared/models/identity.py"
CAP = 6

IDENTIFIERS = st.sampled_from(
    [
        f"{kind}:{kind[0]}{n}@x.org"
        for kind, many in (("user", 6), ("email", 5), ("phone", 5))
        for n in range(many)
    ]
)
TOLD = st.lists(
    st.tuples(
        st.sampled_from(["names"] * 8 + ["merge", "split"]),
        st.lists(IDENTIFIERS, min_size=2, max_size=3, unique=True),
        st.integers(0, 30),
    ),
    max_size=25,
)


@pytest.fixture(scope="module")
def oracle() -> ModuleType:
    """The meaning of identity, slow and plain."""
    if not ORACLE.exists():
        pytest.skip(
            "the oracle ../shared/models/identity.py is not here: check out the shared folder beside this one"
        )
    spec = importlib.util.spec_from_file_location("identity_oracle", ORACLE)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["identity_oracle"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True)
def _small_cap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(regroup, "CAP", CAP)


def groups(store: MemoryStore) -> dict[str, frozenset[str]]:
    """Each identifier's group, from the stored rows."""
    rows = store.tables.identifiers.values()
    return {
        row.identifier: frozenset(
            one.identifier for one in rows if one.customer_id == row.customer_id
        )
        for row in rows
    }


def told_history(told: list[tuple[str, list[str], int]]) -> History:
    """The history that the drawn tuples tell."""
    history = History()
    for kind, named, at in told:
        first, *others = sorted(named, key=history.hash)
        if kind == "split":
            history.split([first], others, at=at)
        elif kind == "merge":
            for other in others:
                history.merged(first, other, at=at)
        else:
            history.called(*named, at=at)
    return history


def expected(
    oracle: ModuleType, history: History, told: list[tuple[str, list[str], int]]
) -> dict[str, frozenset[str]]:
    """What the oracle makes of the same."""
    prefix = {history.hash(one): one.partition(":")[0] for _, named, _ in told for one in named}
    edges, splits = [], []
    for event in history.events:
        match event.type:
            case "customer.split":
                one, other = (
                    frozenset(f"{prefix[end]}:{end}" for end in side)
                    for side in (event.data.one, event.data.other)  # type: ignore[union-attr]
                )
                splits.append(oracle.Split(event.rank, one, other))
            case "customer.merged":
                a, b = sorted((event.data.into, event.data.merged))  # type: ignore[union-attr]
                edges.append(oracle.Edge(event.rank, f"{prefix[a]}:{a}", f"{prefix[b]}:{b}", True))
            case _:
                a, *rest = event.identifiers
                edges += [
                    oracle.Edge(event.rank, f"{prefix[a]}:{a}", f"{prefix[b]}:{b}") for b in rest
                ]
    found = oracle.groups(edges, splits)
    return {one[-32:]: frozenset(end[-32:] for end in group) for one, group in found.items()}


@given(TOLD, st.randoms(use_true_random=False), st.lists(st.integers(1, 6), min_size=1, max_size=4))
def test_groups_equal_the_oracles_in_any_order_and_batches(
    oracle: ModuleType, told: list[tuple[str, list[str], int]], random: Random, batches: list[int]
) -> None:
    history = told_history(told)

    shuffled = random.sample(history.events, len(history.events))
    found = groups(fold(shuffled, history.vault, batches=batches))

    assert {one: found[one] for one in expected(oracle, history, told)} == expected(
        oracle, history, told
    )
