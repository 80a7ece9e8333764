"""What every adapter of the scores port promises; test files of adapters inherit it."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import pytest

from services.errors import NotOurs
from services.store.course import CourseChanges, Unsettled
from services.store.port import Changes, Identifier, Store, Tally
from services.store.scores import (
    ALWAYS_DUE,
    ModelRow,
    Page,
    PromotionRow,
    ScoreChanges,
    ScoreRow,
    Scores,
    ToldRow,
)

A, B, C = ("0" + letter * 31 for letter in "abc")
AT = datetime(2026, 1, 2, tzinfo=UTC)
PAGE = Page(A, 0, "shop", b"entries")
ROW = ScoreRow(A, "shop", AT, "high value", {"health": [51.5, "watch"]}, {"rfm": "v1"})
TOLD = ToldRow(A, "health", "shop", 51.5, "watch", "e-1")
PROMOTION = PromotionRow("shop", AT, "touchline", "p-1", "rfm", "v1")


class Room(Protocol):
    """A store of folds, and scores behind it."""

    @property
    def store(self) -> Store:
        """The folds'."""

    @property
    def scores(self) -> Scores:
        """What is tested."""

    def keep(self, model: ModelRow) -> None:
        """As training does."""


class ScoresContract:
    """The port's promises; ``room`` gives fresh ones."""

    @pytest.fixture
    def room(self) -> Room:
        """Without rows."""
        raise NotImplementedError

    def save(self, room: Room, **changes: Any) -> None:
        with room.scores.transaction() as tx:
            tx.save(ScoreChanges(**changes))

    def folded(self, room: Room, **changes: Any) -> None:
        with room.store.transaction() as tx:
            tx.claim({1: 0})
            tx.save(Changes(**changes))

    def test_a_fresh_store_knows_nothing(self, room: Room) -> None:
        assert (room.scores.progress(), room.scores.checkpoints()) == ({}, {})
        with room.scores.transaction() as tx:
            assert tx.tick() is None
            assert tx.regrouped(9) == {}
            assert not tx.pages({A})
            assert not tx.rows({A})
            assert not tx.due(AT, 9)

    def test_what_is_saved_is_there(self, room: Room) -> None:
        self.save(
            room, pages=[PAGE], rows=[ROW], told=[TOLD], promotions=[PROMOTION], tick=AT,
            advance={1: 5},
        )  # fmt: skip

        assert room.scores.progress() == {1: 5}
        with room.scores.transaction() as tx:
            assert tx.pages({A, B}) == [PAGE]
            assert tx.rows({A, B}) == {A: ROW}
            assert tx.told({A}) == {(A, "health"): TOLD}
            assert tx.promotions({"shop"}) == [PROMOTION]
            assert not tx.promotions({"bank"})
            assert tx.tick() == AT

    def test_a_row_is_written_over_whole(self, room: Room) -> None:
        later = ROW._replace(due_at=None, tier=None, scores={}, models={})
        self.save(room, pages=[PAGE], rows=[ROW], told=[TOLD])

        with room.scores.transaction() as tx:
            tx.pages({A})
            changed = PAGE._replace(entries=b"more")
            told = TOLD._replace(value=-1.0)
            tx.save(ScoreChanges(pages=[changed], rows=[later], told=[told]))

        with room.scores.transaction() as tx:
            assert tx.pages({A}) == [changed]
            assert tx.rows({A}) == {A: later}
            assert tx.told({A}) == {(A, "health"): told}

    def test_what_raises_leaves_no_trace(self, room: Room) -> None:
        def fails() -> None:
            with room.scores.transaction() as tx:
                tx.save(ScoreChanges(rows=[ROW], advance={1: 5}))
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            fails()

        assert room.scores.progress() == {}

    def test_progress_that_somebody_else_moved_is_not_ours(self, room: Room) -> None:
        self.save(room, advance={1: 5})

        with pytest.raises(NotOurs), room.scores.transaction() as tx:
            tx.claim({1: 4})
        with room.scores.transaction() as tx:
            tx.claim({1: 5, 2: 0})

    def test_time_never_goes_back(self, room: Room) -> None:
        for at in (AT, AT - timedelta(days=1)):
            self.save(room, tick=at)

        with room.scores.transaction() as tx:
            assert tx.tick() == AT

    def test_rows_are_due_from_their_instant_on_the_longest_first(self, room: Room) -> None:
        rows = [
            ScoreRow(who, "shop", due_at, None, {}, {})
            for who, due_at in ((A, AT), (B, AT - timedelta(days=1)), (C, None))
        ]
        self.save(room, rows=rows)

        with room.scores.transaction() as tx:
            assert list(tx.due(AT, 9)) == [B, A]
            assert list(tx.due(AT, 1)) == [B]
            assert list(tx.due(AT - timedelta(seconds=1), 9)) == [B]

    def test_another_model_makes_all_rows_of_its_workspace_due(self, room: Room) -> None:
        self.save(
            room, rows=[ROW._replace(due_at=None), ROW._replace(customer_id=B, workspace="b")]
        )

        self.save(room, overtaken={"shop"})

        with room.scores.transaction() as tx:
            assert tx.rows({A})[A].due_at == ALWAYS_DUE
            assert list(tx.due(ALWAYS_DUE, 9)) == [A]

    def test_who_is_gone_has_no_row(self, room: Room) -> None:
        self.save(room, rows=[ROW])

        self.save(room, gone={A, B})

        with room.scores.transaction() as tx:
            assert not tx.rows({A})

    def test_who_is_whom_comes_from_the_folds(self, room: Room) -> None:
        self.folded(room, identifiers={one: _identifier(one, of) for one, of in ((A, A), (B, A))})

        with room.scores.transaction() as tx:
            found = tx.groups_of({B, C})
            assert {one.identifier for one in found} == {A, B}
            assert {(one.customer_id, one.workspace) for one in found} == {(A, "shop")}

    def test_regrouped_customers_are_told_until_they_were_looked_at(self, room: Room) -> None:
        self.folded(room, regrouped={A, B})

        with room.scores.transaction() as tx:
            found = tx.regrouped(9)
            assert set(found.values()) == {A, B}
            tx.save(ScoreChanges(looked_at=found.keys()))

        with room.scores.transaction() as tx:
            assert tx.regrouped(9) == {}

    def test_how_far_the_projector_is_in_time_is_told(self, room: Room) -> None:
        with room.scores.transaction() as tx:
            assert tx.reached() is None
        self.folded(room, course=CourseChanges(AT, []))

        with room.scores.transaction() as tx:
            assert (tx.reached(), tx.tick()) == (AT, None)

    def test_a_part_of_them_leaves_the_others(self, room: Room) -> None:
        self.folded(room, regrouped={A, B})
        found: list[Collection[str]] = []

        for _ in range(3):
            with room.scores.transaction() as tx:
                some = tx.regrouped(1)
                found.append(some.values())
                tx.save(ScoreChanges(looked_at=some.keys()))

        assert sorted(map(len, found)) == [0, 1, 1]
        assert {one for some in found for one in some} == {A, B}

    def test_what_the_folds_skipped_is_asked_by_spans(self, room: Room) -> None:
        self.folded(
            room,
            skipped=[(1, offset, "duplicate") for offset in (0, 3, 9)] + [(2, 3, "undecodable")],
            tallies={("shop", 1): Tally(7, 3, 0)}, advance={1: 10},
        )  # fmt: skip

        assert room.scores.checkpoints() == {1: 10}
        assert set(room.scores.skipped({1: (0, 3)})) == {(1, 0), (1, 3)}
        assert set(room.scores.skipped({1: (4, 9), 2: (0, 9)})) == {(1, 9), (2, 3)}
        assert set(room.scores.skipped({})) == set()

    def test_rows_that_wait_for_the_end_of_a_backlog_are_seen(self, room: Room) -> None:
        waiting = Unsettled(A, "shop", b"cause", AT, None, False)
        before = room.scores.is_settled()
        self.folded(room, course=CourseChanges(unsettled=[waiting]))
        between = room.scores.is_settled()
        self.folded(room, course=CourseChanges(settled={A}))

        assert (before, between, room.scores.is_settled()) == (True, False, True)

    def test_a_model_is_found_by_its_version(self, room: Room) -> None:
        parameters: Mapping[str, Any] = {"a": [0.1, 1e-9, None], "b": {"c": -2}}
        model = ModelRow("shop", "rfm", "v1", AT, parameters, {"model": "rfm"})
        room.keep(model)

        with room.scores.transaction() as tx:
            assert tx.model("shop", "rfm", "v1") == model
            assert tx.model("shop", "rfm", "v2") is None
            assert tx.model("bank", "rfm", "v1") is None

    def test_decisions_go_to_the_outbox(self, room: Room) -> None:
        self.save(room, outbox=[("shop", b"an event")])

        assert self.outbox(room) == [("shop", b"an event")]

    def outbox(self, room: Room) -> list[tuple[str, bytes]]:
        """What waits for the relay."""
        raise NotImplementedError


def _identifier(identifier: str, customer: str) -> Identifier:
    return Identifier(identifier, "shop", "user", "1", customer, is_common=False)
