"""What every store must do: inherited by each adapter's own test."""

from datetime import UTC, datetime
from random import Random

import pytest

from services.errors import NotOurs
from services.fold.apply import Applied, Folds, apply, rehearse
from services.fold.batch import Slice
from services.fold.loop import read_batch
from services.log.memory import MemoryLog
from services.log.port import Entry
from services.projector.projections import READ_MODELS
from services.store.port import (
    Changes,
    EdgeRow,
    Identifier,
    OrderRow,
    SplitRow,
    Store,
    Tally,
)
from services.store.seen import Seen
from tests.histories import History, entry
from tests.stories import a_story

EARLY = datetime(1, 1, 1, tzinfo=UTC)
LATE = datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)


class StoreContract:
    """The port's promises; ``store`` gives a fresh adapter."""

    @pytest.fixture
    def store(self) -> Store:
        """A store without rows."""
        raise NotImplementedError

    def folded(self, history: History, store: Store, *, step: int = 10_000) -> Tally:
        """Fold the history into ``store``, ``step`` events a batch."""
        log, folds, tally = MemoryLog(4), Folds(READ_MODELS, history.vault), Tally()
        for first in range(0, len(history.events), step):
            log.append([entry(event, 4) for event in history.events[first : first + step]])
            batch = read_batch(log, store.checkpoints(), log.ends())
            tally = Tally(*map(sum, zip(tally, apply(folds, batch, store).tally, strict=True)))
        return tally

    def test_a_new_store_is_at_the_beginning(self, store: Store) -> None:
        assert dict(store.checkpoints()) == {}

    def test_a_batch_given_again_is_not_ours_and_changes_nothing(self, store: Store) -> None:
        history = History()
        history.bought("o1", 100, "user:1")
        log = MemoryLog(4)
        log.append([entry(event, 4) for event in history.events])
        batch = read_batch(log, {}, log.ends())
        apply(Folds(READ_MODELS, history.vault), batch, store)

        with pytest.raises(NotOurs):
            apply(Folds(READ_MODELS, history.vault), batch, store)

        assert sum(store.checkpoints().values()) == 1

    def test_a_failed_batch_leaves_no_trace(self, store: Store) -> None:
        def fail() -> None:
            with store.transaction() as tx:
                tx.claim({1: 0})
                tx.seen.drop_known([Seen("0" * 32, "1" * 32, 1, 0)])
                tx.save(Changes(tallies={("w", 1): Tally(applied=1)}, advance={1: 1}))
                _ = 1 / 0

        with pytest.raises(ZeroDivisionError):
            fail()

        with store.transaction() as tx:
            assert tx.seen.drop_known([Seen("0" * 32, "1" * 32, 1, 0)]) == {}
        assert store.checkpoints().get(1, 0) == 0

    def test_a_rehearsed_batch_leaves_no_trace(self, store: Store) -> None:
        history = History()
        history.bought("o1", 100, "user:1")
        log = MemoryLog(4)
        log.append([entry(event, 4) for event in history.events])

        rehearse(Folds(READ_MODELS, history.vault), read_batch(log, {}, log.ends()), store)

        assert sum(store.checkpoints().values()) == 0

    def test_with_an_identifier_come_all_others_of_its_customer(self, store: Store) -> None:
        history = History()
        history.called("user:1", "email:ada@x.org")
        history.called("email:ada@x.org", "anonymous:a")
        history.called("user:2")
        self.folded(history, store)

        with store.transaction() as tx:
            found = tx.groups_of([history.hash("anonymous:a"), "f" * 32])

        ada = {history.hash(one) for one in ("user:1", "email:ada@x.org", "anonymous:a")}
        assert found.keys() == ada
        assert {row.customer_id for row in found.values()} == {history.hash("user:1")}
        assert found[history.hash("email:ada@x.org")].value == "ada@x.org"

    def test_a_naming_is_told_from_a_merge_of_the_same_two(self, store: Store) -> None:
        named = EdgeRow("a" * 32, "b" * 32, False, "w", (EARLY, "s", "1"), is_refused=True)
        merged = named._replace(is_merge=True, is_refused=False)
        with store.transaction() as tx:
            tx.save(Changes(edges={edge.pair: edge for edge in (named, merged)}))

        with store.transaction() as tx:
            between = tx.edges_between([named.pair, ("a" * 32, "c" * 32, False)])
            merges, joined = tx.merges_at(["b" * 32]), tx.joined_at(["a" * 32])

        assert between == [named]
        assert merges == [merged]
        assert joined == [merged]

    @pytest.mark.parametrize(
        "text", ["", "\\N", "\t\r\n\\", "null", "{}", "“Ada” ☎ 🛒", "x" * 9_000]
    )
    @pytest.mark.parametrize("at", [EARLY, LATE])
    def test_rows_come_back_as_they_were_written(
        self, store: Store, text: str, at: datetime
    ) -> None:
        one, other = "0" * 31 + "1", "4" + "f" * 31
        known = Identifier(one, "w", "user", text, one, is_common=False)
        erased = Identifier(other, "w", "anonymous", None, one, is_common=True)
        edge = EdgeRow(one, other, False, "w", (at, text, text), is_refused=False)
        split = SplitRow("w", (at, text, "1"), (one,), (other, "5" * 32))
        order = OrderRow("c" * 32, "w", text, bytes(range(256)))
        written = Changes(
            identifiers={one: known, other: erased},
            edges={edge.pair: edge},
            namings=[(one, other, True, (at, text, "2"))],
            splits=[split],
            orders={order.order_key: order},
            facts={"profile": {one: ("w", b""), other: ("w", bytes(range(256)))}},
        )
        with store.transaction() as tx:
            tx.save(written)

        with store.transaction() as tx:
            assert tx.groups_of([other]) == written.identifiers
            assert tx.edges_at([other]) == [edge]
            assert tx.namings_at([one]) == written.namings
            assert tx.splits_at([other]) == [split]
            assert tx.orders([order.order_key]) == written.orders
            assert tx.facts("profile", [one, other]) == {one: b"", other: bytes(range(256))}

    def test_a_row_is_replaced_whole(self, store: Store) -> None:
        first = OrderRow("c" * 32, "w", "o", b"first")
        with store.transaction() as tx:
            tx.save(Changes(orders={first.order_key: first}))

        with store.transaction() as tx:
            tx.orders([first.order_key])
            tx.save(Changes(orders={first.order_key: first._replace(facts=b"second")}))

        with store.transaction() as tx:
            assert tx.orders([first.order_key])[first.order_key].facts == b"second"

    def test_repetitions_and_conflicts_are_counted_apart(self, store: Store) -> None:
        history = History()
        history.called("user:1", id_="c-1")
        history.events.append(history.events[0])
        history.called("user:1", id_="c-1", body="another")

        tally = self.folded(history, store, step=1)

        assert tally == Tally(applied=1, duplicate=1, dead_lettered=1)

    def test_a_record_that_is_no_event_is_set_aside_and_nothing_waits_behind_it(
        self, store: Store
    ) -> None:
        history = History()
        history.called("user:1")
        good = entry(history.events[0], 2)
        log = MemoryLog(2)
        log.append([Entry(1, b"\xff no event"), Entry(1, b'{"type":"purchase.completed"}'), good])

        applied = apply(Folds(READ_MODELS, history.vault), read_batch(log, {}, log.ends()), store)

        assert applied == Applied(Tally(applied=1, dead_lettered=2), touches=1)
        assert store.checkpoints()[1] == 3

    def test_a_batch_takes_the_partitions_that_it_names_together(self, store: Store) -> None:
        history = History()
        for number in range(20):
            history.called(f"user:{number}")

        self.folded(history, store, step=10)

        assert sum(store.checkpoints().values()) == 20

    def test_another_position_than_the_batch_expects_is_not_ours(self, store: Store) -> None:
        history = History()
        history.called("user:1")
        log = MemoryLog(2)
        log.append([entry(event, 2) for event in history.events])
        batch = [Slice(1, 5, log.read(1, 0, 1))]

        with pytest.raises(NotOurs):
            apply(Folds(READ_MODELS, history.vault), batch, store)

    @pytest.mark.parametrize("seed", range(3))
    def test_a_story_told_in_small_batches_gives_the_rows_of_one(
        self, store: Store, seed: int
    ) -> None:
        history = a_story(Random(seed), events=150)

        tally = self.folded(history, store, step=7)

        assert tally.applied == 150
        self.assert_equals_memory(history, store)

    def assert_equals_memory(self, history: History, store: Store) -> None:
        """The rows are those of the store in memory."""
        raise NotImplementedError
