"""What every adapter of the seen port promises; test files of adapters inherit it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import blake2b
from itertools import cycle

import pytest

from services.store.port import Store
from services.store.seen import Seen

FIRST = Seen("a" * 32, "1" * 32, 1, 0)
OTHER = Seen("b" * 32, "2" * 32, 1, 1)
NEW = Seen("c" * 32, "3" * 32, 1, 2)
MANY = 10_000
PIECES = (1, 20, 3_000, 700, 9_000)
"""Sizes of batches, over and over."""


def hashed(numbers: range, *, partition: int = 2) -> list[Seen]:
    """Ids as random as those of events are."""
    hashes = [blake2b(b"%d" % number, digest_size=16).hexdigest() for number in numbers]
    return [
        Seen(hash_, hash_[::-1], partition, number)
        for hash_, number in zip(hashes, numbers, strict=True)
    ]


def pieces(rows: Sequence[Seen]) -> Iterator[Sequence[Seen]]:
    """``rows`` in small and in large batches."""
    at = 0
    for size in cycle(PIECES):
        if at >= len(rows):
            return
        yield rows[at : at + size]
        at += size


class SeenContract:
    """The port's promises; ``store`` gives a fresh store, whose transactions hold the adapter."""

    @pytest.fixture
    def store(self) -> Store:
        """A store without rows."""
        raise NotImplementedError

    @pytest.fixture
    def again(self, store: Store) -> Callable[[], Store]:
        """Makes another store over the same rows, as another process has it."""
        raise NotImplementedError

    def dropped(self, store: Store, *rows: Seen) -> Mapping[int, Seen]:
        """What is known of ``rows`` in a transaction of their own."""
        with store.transaction() as tx:
            return tx.seen.drop_known(rows)

    def failed(self, store: Store, *rows: Seen) -> None:
        """The same, and the transaction is rolled back."""

        def fail() -> None:
            with store.transaction() as tx:
                tx.seen.drop_known(rows)
                _ = 1 / 0

        with pytest.raises(ZeroDivisionError):
            fail()

    def test_what_nobody_recorded_is_new(self, store: Store) -> None:
        assert self.dropped(store) == {}
        assert self.dropped(store, FIRST, OTHER) == {}

    def test_a_repetition_is_known_by_its_index_with_the_record_that_stands(
        self, store: Store
    ) -> None:
        self.dropped(store, FIRST, OTHER)

        known = self.dropped(store, NEW, OTHER._replace(partition=3, offset=9))

        assert known == {1: OTHER}
        assert self.dropped(store, NEW) == {0: NEW}, "what was new beside it was taken in"

    def test_another_body_under_a_known_id_is_told_by_the_digest_that_stands(
        self, store: Store
    ) -> None:
        self.dropped(store, FIRST)

        known = self.dropped(store, FIRST._replace(digest="9" * 32, offset=5))

        assert known[0].digest == FIRST.digest

    def test_the_first_offset_stands_however_often_it_is_repeated(self, store: Store) -> None:
        self.dropped(store, FIRST._replace(offset=7))

        for offset in (3, 7, 11):
            self.dropped(store, FIRST._replace(offset=offset), NEW._replace(offset=offset))

        assert self.dropped(store, NEW, FIRST) == {
            0: NEW._replace(offset=3),
            1: FIRST._replace(offset=7),
        }

    @pytest.mark.parametrize("before", [(), (OTHER,)], ids=["at once", "looked up"])
    @pytest.mark.parametrize("many", [0, MANY])
    def test_a_repetition_in_the_same_batch_is_known(
        self, store: Store, before: Sequence[Seen], many: int
    ) -> None:
        self.dropped(store, *before)
        again = FIRST._replace(offset=8, digest="9" * 32)
        beside = hashed(range(many))

        known = self.dropped(store, *before, FIRST, NEW, again, FIRST, *beside)

        at = len(before)
        assert known == {**dict(enumerate(before)), at + 2: FIRST, at + 3: FIRST}
        assert self.dropped(store, NEW, again) == {0: NEW, 1: FIRST}

    @pytest.mark.parametrize("many", [0, MANY])
    def test_a_transaction_knows_what_it_took_in_itself(self, store: Store, many: int) -> None:
        beside = hashed(range(many))
        with store.transaction() as tx:
            tx.seen.drop_known([FIRST, *beside])

            known = tx.seen.drop_known([FIRST._replace(offset=8), NEW])

        assert known == {0: FIRST}
        assert self.dropped(store, NEW, FIRST) == {0: NEW, 1: FIRST}

    @pytest.mark.parametrize("before", [(), (OTHER,)], ids=["at once", "looked up"])
    @pytest.mark.parametrize("many", [0, MANY])
    def test_after_a_rollback_nothing_remains(
        self, store: Store, before: Sequence[Seen], many: int
    ) -> None:
        beside = hashed(range(many))
        self.dropped(store, *before)

        self.failed(store, *before, FIRST, *beside)

        assert self.dropped(store, FIRST, *beside) == {}
        assert self.dropped(store, FIRST) == {0: FIRST}

    def test_a_rollback_leaves_what_was_known_before(self, store: Store) -> None:
        old, new = hashed(range(MANY)), hashed(range(MANY, 2 * MANY))
        self.dropped(store, *old)

        for _ in range(3):
            self.failed(store, *new)

        assert self.dropped(store, *old) == dict(enumerate(old))
        assert self.dropped(store, *new) == {}

    def test_ten_thousand_are_new_once(self, store: Store) -> None:
        rows = [Seen(f"{number * 7919 % MANY:032x}", "1" * 32, 2, number) for number in range(MANY)]
        half = [row._replace(offset=row.offset + MANY) for row in rows[::2]]
        more = [Seen(f"{number:032x}", "1" * 32, 2, number) for number in range(MANY, 2 * MANY)]

        assert self.dropped(store, *rows) == {}
        assert self.dropped(store, *half, *more) == dict(enumerate(rows[::2]))
        assert self.dropped(store, *more) == dict(enumerate(more))

    def test_a_hundred_thousand_are_new_once_whoever_asks_and_however_many_at_once(
        self, store: Store, again: Callable[[], Store]
    ) -> None:
        rows = hashed(range(100_000))
        for piece in pieces(rows):
            assert self.dropped(store, *piece) == {}

        other = again()

        assert self.dropped(other, *rows) == dict(enumerate(rows))
        assert self.dropped(store, *rows[:MANY]) == dict(enumerate(rows[:MANY]))
        assert self.dropped(other, *hashed(range(100_000, 101_000))) == {}

    def test_a_conflict_with_an_old_id_is_told_by_the_digest_that_stands(
        self, store: Store
    ) -> None:
        rows = hashed(range(60_000))
        for piece in pieces(rows):
            self.dropped(store, *piece)

        known = self.dropped(store, *[row._replace(digest="9" * 32) for row in rows[:50:7]])

        assert known == dict(enumerate(rows[:50:7]))

    @pytest.mark.parametrize("many", [0, MANY])
    def test_an_id_that_comes_in_two_partitions_counts_in_one(
        self, store: Store, again: Callable[[], Store], many: int
    ) -> None:
        other, beside = again(), hashed(range(many))
        self.dropped(store, FIRST, *beside)

        known = self.dropped(other, FIRST._replace(partition=5, offset=77))

        assert known == {0: FIRST}

    def test_two_stores_that_take_turns_know_each_other_s_ids(
        self, store: Store, again: Callable[[], Store]
    ) -> None:
        rows, told = hashed(range(40_000)), cycle((store, again()))
        for piece in pieces(rows):
            assert self.dropped(next(told), *piece) == {}

        for piece in pieces(rows):
            assert self.dropped(next(told), *piece) == dict(enumerate(piece))
