"""What is not taken in leaves a letter and no other trace, in whatever batches it comes."""

from random import Random

import msgspec
import pytest
from hypothesis import given

from schemas import Custom, Data
from schemas.envelope import Recorded
from tests.happenings import APART, SHUFFLES
from tests.histories import History, Step, fold, rows
from tests.unit.test_laws import customers


def flipped(event: Recorded[Data]) -> Recorded[Data]:
    """The event with one bit of its sealed part turned over."""
    assert event.sealed
    ciphertext = bytearray(event.sealed.ciphertext)
    ciphertext[-1] ^= 1
    sealed = msgspec.structs.replace(event.sealed, ciphertext=bytes(ciphertext))
    return msgspec.structs.replace(event, sealed=sealed)


def told_by_servers(steps: list[Step]) -> list[Step]:
    return [step._replace(more={**step.more, "key_kind": "write"}) for step in steps]


@given(APART, APART, SHUFFLES)
def test_whoever_loses_an_id_leaves_no_row(
    steps: list[Step], others: list[Step], random: Random
) -> None:
    history = History(steps=told_by_servers(steps))
    alone = rows(fold(history.events, history.vault))
    taken = [event.id for event in history.events if event.source == "test"]
    losers = History(history.vault)
    for step in told_by_servers(others if taken else []):
        more = {**step.more, "id_": random.choice(taken), "body": "lost"}
        getattr(losers, step.verb)(*step.arguments, *step.named, **more)
    lost = [event for event in losers.events if event.source == "test"]

    store = fold([*history.events, *lost], history.vault, batches=[1])

    assert rows(store) == alone
    assert len(store.tables.letters) == len(lost)


@pytest.mark.parametrize("batch", [1, 9])
def test_a_loser_names_nobody_who_is_known_by_a_decision_alone(batch: int) -> None:
    history = History()
    history.called("user:1", id_="c-1")
    history.tell(Custom(name="seen"), "user:2", source="touchline", key_kind="platform")
    history.called("user:2", id_="c-1", body="lost")

    store = fold(history.events, history.vault, batches=[batch], partitions=2)

    known = store.tables.identifiers
    assert [known[history.hash(who)].value for who in ("user:1", "user:2")] == ["1", None]


def test_an_identifier_first_named_by_a_loser_is_its_next_event_s_own() -> None:
    history = History()
    history.called("user:1", id_="c-1")
    history.called("user:2", "email:a@x.org", id_="c-1", body="lost")
    history.called("user:2")

    store = fold(history.events, history.vault, batches=[1])

    assert {row.workspace for row in store.tables.identifiers.values()} == {"shop"}
    assert history.hash("email:a@x.org") not in store.tables.identifiers
    assert customers(history, store)["user:2"]["workspace"] == "shop"


@pytest.mark.parametrize("batches", [[1], [2], [9]])
def test_an_identifier_first_named_where_it_can_t_be_read_is_read_where_it_can(
    batches: list[int],
) -> None:
    history = History()
    history.called("user:1", "email:a@x.org")
    history.called("email:a@x.org")
    bad, good = history.events

    store = fold([flipped(bad), good], history.vault, batches=batches, partitions=2)

    values = {row.identifier: row.value for row in store.tables.identifiers.values()}
    assert values == {history.hash("user:1"): None, history.hash("email:a@x.org"): "a@x.org"}


@pytest.mark.parametrize("batches", [[1], [2], [9]])
def test_a_loser_told_again_and_again_is_told_of_once(batches: list[int]) -> None:
    history = History()
    history.called("user:1", id_="c-1")
    for at in range(1, 4):
        history.called("user:1", id_="c-1", body="lost", at=at)

    store = fold(history.events, history.vault, batches=batches)

    assert len(store.tables.letters) == 3
    assert len(store.tables.outbox) == 1


def test_whether_what_can_t_be_opened_counts_depends_on_nothing_before_it() -> None:
    history = History()
    history.called("user:1")
    history.called("email:a@x.org")
    history.called("user:1", "email:a@x.org")
    one, other, bad = history.events

    late = fold([one, other, flipped(bad)], history.vault, batches=[1])
    early = fold([flipped(bad), one, other], history.vault, batches=[1])

    assert rows(late) == rows(early)
