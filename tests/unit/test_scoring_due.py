"""Who is due: scored some at a time, beside reading and writing, as if all were scored at once."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from schemas import ClockTicked
from services.fold.loop import read_batch
from services.scoring import due
from services.scoring.fold import score_batch
from services.scoring.loop import ScoringLoop
from services.scoring.shelf import Shelf
from services.store.memory_scores import MemoryScores
from tests.dying import scored_dying
from tests.histories import START, History
from tests.scoring import Followed

CUSTOMERS = 23
DAY_S = 86_400


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some are four, and three of these are taken whatever comes."""
    monkeypatch.setattr(due, "SOME", 4)
    monkeypatch.setattr(due, "MOST", 11)


def told() -> History:
    """Each does as much as their number says, until the second day."""
    history = History()
    for who in range(CUSTOMERS):
        for number in range(1 + who % 5):
            history.bought(f"{who}-{number}", 900, f"user:u{who}", at=number * 9_000 + who)
        history.called(f"user:u{who}", at=DAY_S + who)
    return history


def passed(history: History, day: int) -> None:
    """Midnight is told."""
    at = START + timedelta(days=day)
    history.tell(ClockTicked(ticked_at=at), at=day * DAY_S, source="touchline", key_kind="platform")


def scored(history: History) -> Followed:
    """All of it, in one go."""
    done = begun(history)
    done.score()
    return done


def begun(history: History) -> Followed:
    """Folded, and not scored."""
    done = Followed(history.vault)
    done.append(history.events)
    done.fold()
    return done


def written(done: Followed) -> Any:
    """All that scoring wrote."""
    tables = done.scores.tables
    return done.rows(), tables.told, tables.alerts, sorted(done.store.tables.outbox)


def test_some_at_a_time_they_become_what_they_are_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    history = told()
    before = scored(history)
    for day in (3, 9, 40, 190):
        passed(history, day)
    whole = scored(history)
    monkeypatch.setattr(due, "SOME", 4)
    monkeypatch.setattr(due, "MOST", 11)

    bitten = scored(history)

    assert written(bitten) == written(whole)
    assert bitten.rows() != before.rows()


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("survived", range(1, 60, 7))
def test_killed_between_any_two_steps_nobody_is_left_out_or_told_of_twice(survived: int) -> None:
    history = told()
    passed(history, 2)
    done, whole = scored(history), scored(history)
    passed(history, 40)
    for each in (done, whole):
        each.append(history.events[-1:])
        each.fold()

    # Whoever begins anew looks who is due.
    done.scoring = ScoringLoop(done.log, done.scores)
    scored_dying(done, survived)

    whole.score()
    assert written(done) == written(whole)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("transaction", range(1, 9))
def test_whom_the_projector_regroups_meanwhile_is_scored_as_they_are_then(
    transaction: int,
) -> None:
    history = told()
    passed(history, 2)
    done = scored(history)
    passed(history, 40)
    done.append(history.events[-1:])
    done.fold()
    for who in range(0, CUSTOMERS - 1, 2):
        history.merged(f"user:u{who}", f"user:u{who + 1}", at=39 * DAY_S)
        done.append(history.events[-1:])

    done.scoring._store = Beside(done, transaction, done.fold)
    done.score()

    assert done.rows() == scored(history).rows()


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(("has_news", "at_once"), [(False, CUSTOMERS), (True, 12)])
def test_more_are_scored_in_one_go_only_while_nothing_comes(has_news: bool, at_once: int) -> None:
    history = told()
    passed(history, 2)
    done = scored(history)
    passed(history, 40)
    done.append(history.events[-1:])
    done.fold()
    history.called("user:u0", at=39 * DAY_S)
    done.append(history.events[-1:])
    shelf, tick = (
        Shelf(None),
        read_batch(done.log, done.scores.progress(), done.scores.checkpoints()),
    )
    score_batch(tick, done.scores, shelf)
    beside = Beside(done, 2, done.fold if has_news else lambda: None)

    found = due.score_due(beside, shelf, due.MOST)

    assert found == at_once


class Beside(MemoryScores):
    """Where something else happens before one of the transactions."""

    def __init__(self, done: Followed, transaction: int, happens: Callable[[], None]) -> None:
        super().__init__(done.store)
        self.tables, self._left, self._happens = done.scores.tables, transaction, happens

    def transaction(self) -> Any:
        self._left -= 1
        if self._left == 0:
            self._happens()
        return super().transaction()
