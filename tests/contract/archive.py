"""What every archive does; an adapter's tests inherit this and give an empty one."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest

from schemas.envelope import Rank, Recorded, Sealed
from services.archive.port import NOBODY, Archive, Piece, Touch
from services.errors import BadRecord
from services.log.port import Stored

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
ADA, BEN = "0" + "a" * 31, "1" + "b" * 31


class ArchiveContract:
    """The subclass gives the fixture ``archive``: opened, empty."""

    def test_an_event_comes_back_as_it_was_recorded(self, archive: Archive) -> None:
        data = (
            b'{"n":0.1,"big":12345678901234567890123,"s":"\\u00e9 \xc3\xa9 \\" \\\\ \\/","l":[{}]}'
        )
        sealed = Sealed("key-1", bytes(range(256)))
        at = NOON + timedelta(microseconds=123_457)

        event = recorded("e-1 \t\n'\\\"\u2028", data=data, sealed=sealed, occurred_at=at, cause="é")
        archive.insert([piece(event)], "1:0-0")

        (touch,) = archive.timeline("w", [ADA], limit=10)
        assert touch.data == data
        assert touch.sealed == sealed
        assert touch.occurred_at == at
        assert (touch.id, touch.cause) == ("e-1 \t\n'\\\"\u2028", "é")
        assert (touch.source, touch.type, touch.version) == ("shop", "purchase.completed", 1)
        assert touch.leaf == ADA

    def test_what_an_event_lacks_stays_lacking(self, archive: Archive) -> None:
        archive.insert([piece(recorded("e-1"))], "1:0-0")

        (touch,) = archive.timeline("w", [ADA], limit=10)

        assert touch.sealed is None
        assert touch.cause is None
        assert touch.data == b"{}"

    @pytest.mark.parametrize(
        "at",
        [
            datetime(1, 1, 1, tzinfo=UTC),
            datetime(1899, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
            datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
            datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        ],
    )
    def test_any_time_comes_back_and_is_a_cursor(self, archive: Archive, at: datetime) -> None:
        archive.insert(
            [piece(recorded("e-1", occurred_at=at), recorded("e-2", occurred_at=at))], "t"
        )

        newest, oldest = archive.timeline("w", [ADA], limit=10)

        assert [newest.occurred_at, oldest.occurred_at] == [at, at]
        assert list(archive.timeline("w", [ADA], before=newest.rank, limit=10)) == [oldest]
        assert list(archive.timeline("w", [ADA], before=oldest.rank, limit=10)) == []

    def test_a_timeline_runs_from_new_to_old_in_canonical_order(self, archive: Archive) -> None:
        events = [
            recorded("a", source="s", occurred_at=NOON),
            recorded("b", source="s", occurred_at=NOON),
            recorded("a", source="t", occurred_at=NOON, leaf=BEN),
            recorded("z", source="z", occurred_at=NOON - timedelta(microseconds=1)),
        ]
        archive.insert([piece(*reversed(events))], "t")

        timeline = archive.timeline("w", [ADA, BEN], limit=10)

        assert [(touch.source, touch.id) for touch in timeline] == [
            ("t", "a"),
            ("s", "b"),
            ("s", "a"),
            ("z", "z"),
        ]

    def test_pages_put_together_are_the_timeline(self, archive: Archive) -> None:
        times = [NOON + timedelta(seconds=number // 3) for number in range(50)]
        events = [recorded(f"e-{number}", occurred_at=at) for number, at in enumerate(times)]
        archive.insert([piece(*events[:20])], "1")
        archive.insert([piece(*events[20:], first=20)], "2")

        paged: list[Touch] = []
        before: Rank | None = None
        while page := archive.timeline("w", [ADA], before=before, limit=7):
            paged += page
            before = page[-1].rank

        assert paged == list(archive.timeline("w", [ADA], limit=1000))
        assert len({touch.id for touch in paged}) == 50

    def test_a_timeline_is_one_workspace_s_and_its_leaves_alone(self, archive: Archive) -> None:
        archive.insert(
            [piece(recorded("a"), recorded("b", leaf=BEN), recorded("c", workspace="v"))], "t"
        )

        assert ids(archive.timeline("w", [ADA], limit=10)) == ["a"]
        assert ids(archive.timeline("w", [ADA, BEN], limit=10)) == ["b", "a"]
        assert ids(archive.timeline("v", [ADA], limit=10)) == ["c"]
        assert ids(archive.timeline("w", [], limit=10)) == []
        assert ids(archive.timeline("' OR 1 = 1 --", [ADA], limit=10)) == []

    def test_families_leave_only_their_own(self, archive: Archive) -> None:
        archive.insert(
            [
                piece(
                    recorded("a", type="purchase.completed"),
                    recorded("b", type="purchase.refunded"),
                    recorded("c", type="email.sent"),
                    recorded("d", type="custom.my.own"),
                )
            ],
            "t",
        )

        assert ids(archive.timeline("w", [ADA], families=["purchase"], limit=10)) == ["b", "a"]
        assert ids(archive.timeline("w", [ADA], families=["email", "custom"], limit=10)) == [
            "d",
            "c",
        ]
        assert ids(archive.timeline("w", [ADA], families=["call"], limit=10)) == []
        assert archive.touches("w", [ADA]) == {"purchase": 2, "email": 1, "custom": 1}
        assert archive.touches("w", [BEN]) == {}

    def test_moves_are_told_by_the_day_on_which_the_stage_began(self, archive: Archive) -> None:
        archive.insert(
            [
                piece(
                    moved("a", ADA, "new", "prospect", since="2026-01-10"),
                    moved("b", ADA, "active", "new", since="2026-02-01"),
                    moved("c", ADA, "at_risk", "active", since="2026-03-01", is_restated=True),
                    moved("d", BEN, "active", "new", since="2026-02-01"),
                    moved("e", ADA, "convert", None, machine="crm"),
                    recorded("f"),
                ),
                piece(
                    moved("g", ADA, "new", None, since="2026-02-01", workspace="v"),
                    moved("h", BEN, "new", None, since="2026-01-02"),
                    moved("i", BEN, "loyal", "won_back", since="2026-02-28"),
                    partition=2,
                ),
            ],
            "t",
        )

        found = archive.moves("w", date(2026, 2, 1), date(2026, 3, 1))

        assert [
            (one.previous, one.stage, one.days, one.is_restated, one.moves) for one in found
        ] == [
            ("active", "at_risk", 28, True, 1),
            ("new", "active", 22, False, 1),
            ("new", "active", 30, False, 1),
            ("won_back", "loyal", None, False, 1),
        ]
        assert {one.machine for one in found} == {"default"}
        assert [one.stage for one in archive.moves("w", NOON.date(), NOON.date())] == ["convert"]
        assert archive.moves("w", date(2020, 1, 1), date(2020, 1, 2)) == []
        assert [one.moves for one in archive.moves("v", date.min, date(2200, 1, 1))] == [1]

    def test_five_hundred_leaves_are_one_timeline(self, archive: Archive) -> None:
        leaves = [f"2{number:031x}" for number in range(500)]
        events = [recorded(f"e-{number:03}", leaf=leaf) for number, leaf in enumerate(leaves)]
        archive.insert([piece(*events)], "t")

        assert len(archive.timeline("w", leaves, limit=1000)) == 500

    def test_an_insert_repeated_under_its_token_changes_nothing(self, archive: Archive) -> None:
        pieces = [piece(recorded("a"), recorded("b")), piece(recorded("c"), partition=2)]
        archive.insert(pieces, "1:0-1,2:0-0")

        archive.insert(pieces, "1:0-1,2:0-0")

        assert dict(archive.rows()) == {1: 2, 2: 1}
        assert ids(archive.timeline("w", [ADA], limit=10)) == ["c", "b", "a"]

    def test_the_same_rows_under_another_token_are_other_rows(self, archive: Archive) -> None:
        archive.insert([piece(recorded("a"))], "1:0-0")
        archive.insert([piece(recorded("a"))], "1:1-1")

        assert dict(archive.rows()) == {1: 2}

    def test_rows_of_a_doubtful_insert_can_be_counted(self, archive: Archive) -> None:
        archive.insert(
            [piece(*(recorded(f"a-{n}") for n in range(10))), piece(recorded("b"), partition=2)],
            "t",
        )

        assert archive.rows_of({1: (3, 5), 2: (0, 9)}) == 4
        assert archive.rows_of({1: (10, 99), 3: (0, 9)}) == 0
        assert archive.rows_of({}) == 0

    @pytest.mark.parametrize("broken", [b'{"id":', b"[]", b'{"identifiers":["zz"]}'])
    def test_a_record_that_can_t_be_read_keeps_its_insert_out(
        self, archive: Archive, broken: bytes
    ) -> None:
        good = piece(recorded("a")).records[0]

        with pytest.raises(BadRecord):
            archive.insert([Piece(1, [good, Stored(1, NOON, broken)])], "1:0-1")

        assert dict(archive.rows()) == {}

    def test_control_events_have_nobody_s_leaf(self, archive: Archive) -> None:
        event = recorded("tick", type="clock.ticked", leaf=None)
        archive.insert([piece(event, partition=0)], "0:0-0")

        (touch,) = archive.timeline("w", [NOBODY], limit=10)

        assert touch.leaf == NOBODY

    def test_data_may_be_deep_and_large(self, archive: Archive) -> None:
        deep = b'{"a":' + b"[" * 500 + b"]" * 500 + b"}"
        large = b'{"a":"' + b"x" * 1_000_000 + b'"}'
        archive.insert([piece(recorded("a", data=deep), recorded("b", data=large))], "t")

        assert [touch.data for touch in archive.timeline("w", [ADA], limit=10)] == [large, deep]

    def test_fifty_thousand_rows_are_one_insert(self, archive: Archive) -> None:
        events = piece(*(recorded(f"e-{number}") for number in range(50_000)))
        archive.insert([events], "t")
        archive.insert([events], "t")

        assert dict(archive.rows()) == {1: 50_000}

    def test_a_reset_archive_is_empty_and_takes_old_tokens_again(self, archive: Archive) -> None:
        archive.insert([piece(recorded("a"))], "t")
        before = archive.open()

        after = archive.reset()

        assert after != before
        assert archive.open() == after
        assert dict(archive.rows()) == {}
        archive.insert([piece(recorded("a"))], "t")
        assert dict(archive.rows()) == {1: 1}


def recorded(
    id_: str,
    *,
    leaf: str | None = ADA,
    data: bytes = b"{}",
    **changes: Any,
) -> Recorded[msgspec.Raw]:
    """A purchase of Ada's, at noon, in workspace ``w``; ``changes`` say otherwise."""
    event = Recorded(
        workspace="w",
        id=id_,
        source="shop",
        type="purchase.completed",
        version=1,
        occurred_at=NOON,
        received_at=NOON,
        identifiers=(leaf, "4" + "c" * 31) if leaf else (),
        digest="d" * 32,
        key_kind="write",
        data=msgspec.Raw(data),
    )
    return msgspec.structs.replace(event, **changes)


def moved(
    id_: str, leaf: str, stage: str, previous: str | None, **more: Any
) -> Recorded[msgspec.Raw]:
    """A customer came to a stage; ``more`` is of the decision, its workspace apart."""
    changes = {"workspace": more.pop("workspace")} if "workspace" in more else {}
    data = {"customer_id": leaf, "stage": stage, "policy_version": 1, **more}
    told = data | ({"previous_stage": previous} if previous else {})
    encoded = msgspec.json.encode(told)
    return recorded(id_, leaf=leaf, data=encoded, type="lifecycle.changed", **changes)


def piece(*events: Recorded[msgspec.Raw], partition: int = 1, first: int = 0) -> Piece:
    """``events`` as one partition's records, from offset ``first`` on."""
    payloads = [msgspec.json.encode(event) for event in events]
    return Piece(
        partition,
        [Stored(offset, NOON, payload) for offset, payload in enumerate(payloads, first)],
    )


def ids(timeline: Sequence[Touch]) -> list[str]:
    return [touch.id for touch in timeline]
