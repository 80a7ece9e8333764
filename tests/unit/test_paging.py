"""Paging: a cursor goes on where its own list stopped, and no other text is one."""

import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.errors import Refused
from services.query.paging import Cursors, cut

CURSORS = Cursors(secrets.token_bytes(32))
OF = ("shop", "customers", "name")


@given(st.lists(st.text(max_size=50), max_size=4))
def test_a_cursor_gives_back_the_keys_it_was_made_of(keys: list[str]) -> None:
    assert CURSORS.open(CURSORS.seal(keys, of=OF), of=OF) == tuple(keys)


def test_a_cursor_tells_nothing_of_its_keys() -> None:
    cursor = CURSORS.seal(["ada lovelace"], of=OF)

    assert "ada" not in cursor.lower()
    assert cursor.replace("-", "").replace("_", "").isalnum()


@pytest.mark.parametrize("of", [("bank", "customers", "name"), ("shop", "customers", "orders"), ()])
def test_a_cursor_of_another_list_is_refused(of: tuple[str, ...]) -> None:
    cursor = CURSORS.seal(["ada"], of=OF)

    with pytest.raises(Refused) as refused:
        CURSORS.open(cursor, of=of)

    assert refused.value.problem.field == "cursor"


@given(st.text(max_size=200))
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(Refused):
        CURSORS.open(text, of=OF)


@given(st.integers(min_value=0, max_value=200))
def test_a_changed_cursor_is_refused(place: int) -> None:
    cursor = CURSORS.seal(["ada"], of=OF)
    place %= len(cursor) - 1
    changed = cursor[:place] + ("A" if cursor[place] != "A" else "B") + cursor[place + 1 :]

    with pytest.raises(Refused):
        CURSORS.open(changed, of=OF)


@given(st.integers(min_value=1, max_value=10), st.integers(min_value=0, max_value=40))
def test_pages_give_everything_once_and_in_order(limit: int, count: int) -> None:
    everything = list(range(count))
    seen: list[int] = []
    after = -1
    while True:
        found = [(item, (str(item),)) for item in everything if item > after][: limit + 1]
        page = cut(found, limit, CURSORS, OF)
        seen += page.items
        assert len(page.items) <= limit
        if page.next_cursor is None:
            break
        after = int(CURSORS.open(page.next_cursor, of=OF)[0])

    assert seen == everything
