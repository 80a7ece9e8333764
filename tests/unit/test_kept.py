"""Kept states: only the very state that the store has is gone on with."""

from services.fold.kept import EACH, Kept


def test_a_state_is_found_by_its_bytes_once() -> None:
    kept, state = Kept(), object()

    kept.put("loyalty", "c1", b"as stored", state)

    assert kept.take("loyalty", "c1", b"as stored") is state
    assert kept.take("loyalty", "c1", b"as stored") is None


def test_what_somebody_else_wrote_meanwhile_is_read_from_the_store() -> None:
    kept = Kept()

    kept.put("loyalty", "c1", b"as we wrote it", object())

    assert kept.take("loyalty", "c1", b"as another wrote it") is None
    assert kept.take("loyalty", "c1", b"as we wrote it") is None


def test_courses_of_one_customer_are_kept_apart() -> None:
    kept, points, stages = Kept(), object(), object()

    kept.put("loyalty", "c1", b"same", points)
    kept.put("lifecycle", "c1", b"same", stages)

    assert kept.take("loyalty", "c1", b"same") is points
    assert kept.take("lifecycle", "c1", b"same") is stages


def test_who_came_last_is_kept_within_the_bound() -> None:
    kept = Kept(most=2 * (EACH + 10))

    for customer in ("c1", "c2", "c1", "c3"):
        kept.put("loyalty", customer, b"0123456789", customer)

    assert kept.take("loyalty", "c2", b"0123456789") is None
    assert kept.take("loyalty", "c1", b"0123456789") == "c1"
    assert kept.take("loyalty", "c3", b"0123456789") == "c3"


def test_one_that_is_larger_than_all_that_is_kept_is_let_go() -> None:
    kept = Kept(most=EACH)

    kept.put("loyalty", "c1", b"0123456789", object())

    assert kept.take("loyalty", "c1", b"0123456789") is None
