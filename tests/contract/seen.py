"""What every adapter of the seen port promises; test files of adapters inherit it."""

from collections.abc import Mapping, Sequence

import pytest

from services.store.port import Store
from services.store.seen import Seen

FIRST = Seen("a" * 32, "1" * 32, 1, 0)
OTHER = Seen("b" * 32, "2" * 32, 1, 1)
NEW = Seen("c" * 32, "3" * 32, 1, 2)
MANY = 10_000


class SeenContract:
    """The port's promises; ``store`` gives a fresh store, whose transactions hold the adapter."""

    @pytest.fixture
    def store(self) -> Store:
        """A store without rows."""
        raise NotImplementedError

    def dropped(self, store: Store, *rows: Seen) -> Mapping[int, Seen]:
        """What is known of ``rows`` in a transaction of their own."""
        with store.transaction() as tx:
            return tx.seen.drop_known(rows)

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
    def test_a_repetition_in_the_same_batch_is_known(
        self, store: Store, before: Sequence[Seen]
    ) -> None:
        self.dropped(store, *before)
        again = FIRST._replace(offset=8, digest="9" * 32)

        known = self.dropped(store, *before, FIRST, NEW, again, FIRST)

        at = len(before)
        assert known == {**dict(enumerate(before)), at + 2: FIRST, at + 3: FIRST}
        assert self.dropped(store, NEW, again) == {0: NEW, 1: FIRST}

    def test_a_transaction_knows_what_it_took_in_itself(self, store: Store) -> None:
        with store.transaction() as tx:
            tx.seen.drop_known([FIRST])

            known = tx.seen.drop_known([FIRST._replace(offset=8), NEW])

        assert known == {0: FIRST}
        assert self.dropped(store, NEW, FIRST) == {0: NEW, 1: FIRST}

    @pytest.mark.parametrize("before", [(), (OTHER,)], ids=["at once", "looked up"])
    def test_after_a_rollback_nothing_remains(self, store: Store, before: Sequence[Seen]) -> None:
        def fail() -> None:
            with store.transaction() as tx:
                tx.seen.drop_known([*before, FIRST])
                _ = 1 / 0

        self.dropped(store, *before)
        with pytest.raises(ZeroDivisionError):
            fail()

        assert self.dropped(store, FIRST) == {}
        assert self.dropped(store, FIRST) == {0: FIRST}

    def test_ten_thousand_are_new_once(self, store: Store) -> None:
        rows = [Seen(f"{number * 7919 % MANY:032x}", "1" * 32, 2, number) for number in range(MANY)]
        half = [row._replace(offset=row.offset + MANY) for row in rows[::2]]
        more = [Seen(f"{number:032x}", "1" * 32, 2, number) for number in range(MANY, 2 * MANY)]

        assert self.dropped(store, *rows) == {}
        assert self.dropped(store, *half, *more) == dict(enumerate(rows[::2]))
        assert self.dropped(store, *more) == dict(enumerate(more))
