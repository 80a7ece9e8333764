"""A fold with a bug in it stops, names the record, and goes on once that is quarantined."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest

from schemas import EventQuarantined, FeedbackGiven
from services.fold.loop import FoldBug
from services.fold.projection import AnyProjection
from services.log.port import partition_of
from services.projector.projections.profile import PROFILE, evolve
from services.store.account import Account
from services.store.urls import Urls
from tests.integration.folding import Engine, an_engine


@pytest.fixture
def engine(urls: Urls) -> Iterator[Engine]:
    with an_engine(urls) as engine:
        yield engine.folding_with(broken())


def broken() -> AnyProjection:
    """A profile that feedback is too much for."""

    def stumbles(facts: Any, event: Any) -> Any:
        if isinstance(event.data, FeedbackGiven):
            raise ZeroDivisionError("division by zero")
        return evolve(facts, event)

    return dataclasses.replace(PROFILE, evolve=stumbles)


def test_a_bug_in_a_fold_stops_it_until_the_record_is_quarantined(engine: Engine) -> None:
    history = engine.history
    feedback = FeedbackGiven(survey="nps", score=9, scale_min=0, scale_max=10)
    history.called("user:1", id_="c-1")
    history.called("user:1", id_="c-1")
    history.tell(feedback, "user:1")
    history.called("user:1", id_="c-2")
    engine.append(history.events[:2])
    engine.fold()
    engine.append(history.events[2:])
    partition = partition_of(history.hash("user:1"), engine.log.partitions)

    with pytest.raises(FoldBug) as stopped:
        engine.fold()
    behind = engine.account()
    history.tell(EventQuarantined(partition=partition, offset=2, by="test"), source="touchline")
    engine.append(history.events[-1:])
    engine.fold()

    assert f"record {partition}:2 can't be folded (ZeroDivisionError: division by zero)" in str(
        stopped.value
    )
    assert f"`touchline dead-letters quarantine {partition}:2`" in str(stopped.value)
    assert behind == Account(4, applied=1, duplicate=1, dead_lettered=0, in_flight=2)
    assert engine.account() == Account(5, applied=3, duplicate=1, dead_lettered=1, in_flight=0)
    assert engine.rows("SELECT families FROM customer") == [({"call": 2},)]
    assert engine.rows("SELECT reason FROM skipped ORDER BY 1") == [
        ("duplicate",),
        ("quarantined",),
    ]
    assert engine.verified().is_ok
