"""What is remembered of decisions that were read: enough to know a second copy, and no more."""

from services.query.decided import Heard


def test_a_second_copy_is_known_and_the_first_stays_the_first() -> None:
    heard = Heard()
    assert heard.is_first("a", (1, 0))

    assert not heard.is_first("a", (1, 7))
    assert heard.is_first("a", (1, 0))


def test_what_is_remembered_is_bounded() -> None:
    heard = Heard(most=2)
    assert all(heard.is_first(id_, (1, at)) for at, id_ in enumerate("abc"))

    assert not heard.is_first("c", (1, 3))
    assert heard.is_first("a", (1, 4))
