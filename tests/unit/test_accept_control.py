"""Control events: what our own commands and folds decided, on its way to the log."""

import json
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import TYPES, appendable_by
from schemas.catalogue import examples_of
from schemas.codec import decode
from services.errors import BadRecord
from services.ingest.accept import Accepted, accept_control
from services.ingest.receive import receive_control
from services.log.memory import MemoryLog
from services.log.port import CONTROL, partition_of
from services.vault.memory import MemoryVault

NOW: Final = datetime(2026, 11, 22, 12, tzinfo=UTC)
LEAF: Final = "0" + "a" * 31


def test_a_control_event_of_our_own_rests_in_the_control_partition() -> None:
    log = MemoryLog()
    ticked = json.dumps(examples_of("clock.ticked")[0]).encode()

    position = receive_control([("shop", ticked)], NOW, vault=MemoryVault(), log=log)

    assert position == {CONTROL: 1}
    event = decode(log.read(CONTROL, 0, 1)[0].payload)
    assert (event.workspace, event.key_kind, event.sealed) == ("shop", "platform", None)


def test_a_decision_about_a_leaf_rests_in_the_leafs_partition() -> None:
    log = MemoryLog()
    example = examples_of("points.redeemed")[0] | {"identifiers": [LEAF]}

    position = receive_control(
        [("shop", json.dumps(example).encode())], NOW, vault=MemoryVault(), log=log
    )

    assert position == {partition_of(LEAF, log.partitions): 1}


def test_a_reward_that_points_bought_is_ours_to_tell_and_no_other_business_event_is() -> None:
    verdicts = {
        type_: accept_control([("shop", business(type_))], NOW, MemoryVault())[0]
        for type_ in TYPES
        if type_ != "custom" and appendable_by(type_) == "business"
    }

    accepted = {type_ for type_, one in verdicts.items() if isinstance(one, Accepted)}
    assert accepted == {"reward.granted"}


def test_the_same_decision_told_again_has_the_same_digest() -> None:
    raw, vault = json.dumps(examples_of("clock.ticked")[0]).encode(), MemoryVault()

    first, again = (
        accept_control([("shop", raw)], NOW + timedelta(hours=hours), vault)[0] for hours in (0, 1)
    )

    assert isinstance(first, Accepted)
    assert isinstance(again, Accepted)
    assert decode(first.payload).digest == decode(again.payload).digest


@pytest.mark.parametrize(
    "raw",
    [
        json.dumps(examples_of("custom")[0]).encode(),
        b"nonsense",
        json.dumps(examples_of("points.redeemed")[0] | {"identifiers": ["user:42"]}).encode(),
    ],
)
def test_what_is_no_decision_stops_the_relay(raw: bytes) -> None:
    log = MemoryLog()

    with pytest.raises(BadRecord, match="the outbox holds event"):
        receive_control([("shop", raw)], NOW, vault=MemoryVault(), log=log)

    assert set(log.ends().values()) == {0}


def business(type_: str) -> bytes:
    """The type's first example, as a decision of ours would be."""
    return json.dumps(examples_of(type_)[0] | {"identifiers": [LEAF]}).encode()


@given(st.binary())
def test_no_bytes_make_accept_control_fail(raw: bytes) -> None:
    assert len(accept_control([("shop", raw)], NOW, MemoryVault())) == 1
