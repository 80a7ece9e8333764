"""Laws of alerts in the fold: order, batches, lag and crashes change no episode; each told once."""

import json
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.fold.apply import Folds
from services.fold.rebuild import replay
from services.projector.projections import READ_MODELS
from services.scoring.decided import eras_of
from services.scoring.decided import read as read_decided
from services.scoring.kept import history_of, leaves_of
from services.scoring.loop import ScoringLoop
from services.scoring.rulebooks import Books
from services.scoring.rules import BEGINNING, Life, advance
from services.scoring.scored import lived as lived_until
from services.scoring.scored import score
from services.scoring.standings import Scores, read
from services.scoring.watching import is_too_little
from services.store.memory import MemoryStore
from services.store.scores import DECIDED
from tests.alert_histories import STORIES, TICKS, lived
from tests.dying import scored_dying
from tests.happenings import BATCHES, SHUFFLES
from tests.histories import Step
from tests.scoring import Followed, followed
from tests.unit.test_scoring_laws import WAYS


@given(STORIES, TICKS, SHUFFLES, WAYS)
def test_any_order_batches_partitions_and_lag_give_the_same_episodes(
    steps: list[Step], ticks: list[int], random: Random, way: dict[str, Any]
) -> None:
    history = lived(steps, ticks)
    told = [*history.events, *random.sample(history.events, len(history.events) // 3)]
    random.shuffle(told)

    straight = followed(history.events, history.vault)
    other = followed(told, history.vault, **way)

    assert straight.rows() == other.rows()
    assert any(row.alerts for row in straight.rows().values()) or not straight.rows()


@given(STORIES, TICKS, SHUFFLES, WAYS)
def test_lived_on_batch_by_batch_is_lived_at_once(
    steps: list[Step], ticks: list[int], random: Random, way: dict[str, Any]
) -> None:
    history = lived(steps, ticks)
    random.shuffle(history.events)

    done = followed(history.events, history.vault, **way)

    tables = done.scores.tables
    rules = [rule for rule in done.store.tables.courses.rules if rule.kind == "alert"]
    by_name: dict[str, list[Any]] = {}
    for version in rules:
        by_name.setdefault(version.name, []).append(version)
    books = Books(by_name, eras=eras_of(done.store.tables.courses.rules))
    assert "modelled" not in books.books, "no model was promoted"
    for customer, row in tables.scores.items():
        pages = [page for page in tables.pages.values() if page.leaf == customer]
        found = history_of(leaves_of(pages).values())
        one = lived_until(found, tables.tick)
        put = tables.pages.get((customer, DECIDED))
        found = sorted([*found, *(read_decided(put) if put else ())])
        life = Life(found, Scores(one, score([one])[0], None, books.promoted_s))
        assert tables.tick
        until_s = max(found[-1].at_s, int(tables.tick.timestamp()))
        stood = read(row.alerts)
        assert stood
        for name, book in books.books.items():
            track, _ = advance(BEGINNING, book, life, until_s)
            if is_too_little(book, found):
                assert name not in stood.tracks
                assert track.open is None
            else:
                assert stood.tracks.get(name, BEGINNING) == track
        assert stood.due_s > until_s


@given(STORIES, TICKS, SHUFFLES, WAYS)
def test_each_alert_is_told_once_and_closed_once_after_it(
    steps: list[Step], ticks: list[int], random: Random, way: dict[str, Any]
) -> None:
    history = lived(steps, ticks)
    if random.random() < 0.5:
        random.shuffle(history.events)

    done = followed(history.events, history.vault, **way)

    said = told(done)
    raised = [one["data"]["alert_id"] for one in said if one["type"] == "alert.raised"]
    ended = [one["data"]["alert_id"] for one in said if one["type"] == "alert.closed"]
    assert len(raised) == len(set(raised))
    assert len(ended) == len(set(ended))
    assert set(ended) <= set(raised)
    assert len({one["id"] for one in said}) == len(said)
    rows = done.scores.tables.alerts
    assert {row.alert_id for row in rows.values()} == set(raised)
    for row in rows.values():
        tracks = read(done.rows()[row.customer_id].alerts)
        assert tracks
        track = tracks.tracks.get(row.rule)
        is_open = track is not None and track.open is not None
        # What was told as closed stays so, though it is known better later.
        assert is_open or row.closed_at is not None, "an alert whose reason is gone is closed"


@given(STORIES, TICKS, BATCHES, st.integers(1, 40))
def test_killed_between_any_two_steps_the_same_is_told(
    steps: list[Step], ticks: list[int], batches: list[int], survived: int
) -> None:
    history = lived(steps, ticks)
    whole = followed(history.events, history.vault)
    done = Followed(history.vault)
    done.append(history.events)
    done.fold()

    scored_dying(done, survived)

    assert done.rows() == whole.rows()
    assert {one["id"] for one in told(done)} == {one["id"] for one in told(whole)}
    assert len(told(done)) == len(told(whole))


@given(STORIES, st.integers(1, 100), WAYS)
def test_merged_and_then_split_they_stand_where_they_stood(
    steps: list[Step], day: int, way: dict[str, Any]
) -> None:
    apart = lived(steps, [])
    as_it_was = followed(apart.events, apart.vault).rows()
    apart.merged("user:1", "user:2", at=day)
    apart.split(["user:1"], ["user:2"], at=day + 1)

    there_and_back = followed(apart.events, apart.vault, **way).rows()

    assert {who: row for who, row in there_and_back.items() if who in as_it_was} == as_it_was


@given(STORIES, TICKS, BATCHES)
def test_a_rebuild_raises_and_tells_nothing(
    steps: list[Step], ticks: list[int], batches: list[int]
) -> None:
    history = lived(steps, ticks)
    done = followed(history.events, history.vault, batches=batches)
    rows, said = done.rows(), len(done.store.tables.outbox)
    again = MemoryStore()

    folds = Folds(READ_MODELS, history.vault, is_replay=True)
    replay(folds, done.log, again, done.log.ends(), progress=lambda done, total: None)
    again.tables.outbox = done.store.tables.outbox
    done.store.tables = again.tables
    done.scoring = ScoringLoop(done.log, done.scores)
    done.score()

    assert (done.rows(), len(again.tables.outbox)) == (rows, said)


def told(done: Followed) -> list[dict[str, Any]]:
    """What was said of alerts, in order."""
    every = [json.loads(event) for _, event in done.store.tables.outbox]
    return [one for one in every if one["type"].startswith("alert.")]
