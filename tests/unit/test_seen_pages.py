"""Pages of known ids: nothing that lies in one is ever denied, and few strangers are looked for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.store.seen import Seen
from services.store.seen_pages import (
    END,
    ENTRY_BYTES,
    FEW,
    PAGE,
    Filter,
    Probes,
    Shape,
    entries_in,
    entries_of,
    found_in,
)
from tests.contract.seen import hashed

HASHES = st.lists(st.binary(min_size=16, max_size=16), unique=True, min_size=1, max_size=60)


def of_hashes(hashes: list[bytes]) -> list[Seen]:
    return [Seen(one.hex(), one[::-1].hex(), 3, number) for number, one in enumerate(hashes)]


def filled(rows: list[Seen], shape: Shape) -> tuple[Filter, dict[int, bytes]]:
    """A run of these ids: its filter, and its pages by where they start."""
    found, pages = Filter(shape), {}
    for page in shape.pages(entries_of(rows)):
        found.put(page.start, page.filter)
        pages[page.start] = page.ids
    return found, pages


@given(HASHES, st.integers(0, 31))
def test_whatever_lies_in_a_run_is_found_in_its_page(hashes: list[bytes], bits: int) -> None:
    rows, shape = of_hashes(hashes), Shape(min(bits, 12), 8)
    found, pages = filled(rows, shape)
    probes = Probes([row.id_hash for row in rows])

    passing = list(found.passing(probes, 0, END))

    told = [
        seen
        for index, start in passing
        for seen in found_in(pages[start], [probes.id_hashes[index]])
    ]
    assert sorted(told) == sorted(rows)


@pytest.mark.parametrize("ids", [1, PAGE, PAGE + 1, 40_000])
def test_few_strangers_pass(ids: int) -> None:
    found, _ = filled(hashed(range(ids)), Shape.of(ids))
    strangers = Probes([row.id_hash for row in hashed(range(50_000, 70_000))])

    assert len(list(found.passing(strangers, 0, END))) < 20_000 / 800


@pytest.mark.parametrize("ids", [1, PAGE, PAGE + 1, 3 * PAGE, 40_000, 10**9])
def test_pages_are_between_half_full_and_full(ids: int) -> None:
    shape = Shape.of(ids)

    assert shape.span << shape.bits == END
    assert PAGE / 2 < ids / (1 << shape.bits) <= PAGE or shape.bits == 0


def test_only_the_range_that_a_run_has_is_looked_at() -> None:
    rows = hashed(range(2_000))
    found, _ = filled(rows, Shape.of(len(rows)))
    probes = Probes([row.id_hash for row in rows])
    lower = {index for index, _ in found.passing(probes, 0, END // 2)}
    upper = {index for index, _ in found.passing(probes, END // 2, END)}

    assert lower == {index for index, one in enumerate(probes.id_hashes) if one[0] < "8"}
    assert lower | upper == {*range(len(rows))}


def test_a_hash_across_two_entries_or_in_a_digest_is_no_id() -> None:
    first, second = hashed(range(2))
    ids = entries_of([first._replace(digest=second.id_hash)]).tobytes()

    assert list(found_in(ids, [second.id_hash])) == []
    assert list(found_in(ids + entries_of([second]).tobytes(), [second.id_hash])) == [second]


def test_many_of_one_page_are_found_as_few_are() -> None:
    rows = hashed(range(5 * FEW))
    ids = entries_of(rows).tobytes()
    asked = [row.id_hash for row in hashed(range(4 * FEW, 6 * FEW))]

    assert list(found_in(ids, asked)) == rows[4 * FEW :]


def test_pieces_come_together_in_order() -> None:
    rows = hashed(range(1_000))
    pieces = [entries_of(rows[at : at + 70]).tobytes() for at in range(0, len(rows), 70)]

    merged = entries_in(pieces).tobytes()

    hashes = [merged[at : at + 16].hex() for at in range(0, len(merged), ENTRY_BYTES)]
    assert hashes == sorted(row.id_hash for row in rows)
