"""The laws of scores: order, batches, crashes, merges and splits change no row."""

import json
from collections.abc import Sequence
from datetime import timedelta
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from schemas import ClockTicked, ModelPromoted, appendable_by
from services.fold.apply import Folds
from services.fold.rebuild import replay
from services.projector.projections import READ_MODELS
from services.scoring.model.bg_nbd import BgNbd
from services.scoring.model.clv import Terms
from services.scoring.model.gamma_gamma import GammaGamma
from services.scoring.model.rfm import Cuts
from services.scoring.trained import Buying, Fifths
from services.store.memory import MemoryStore
from services.store.scores import ModelRow
from tests.dying import scored_dying
from tests.happenings import BATCHES, MERGES, SHUFFLES, STEPS, TOUCHES, TRADE
from tests.histories import START, WORKSPACE, History, Step
from tests.scoring import Followed, followed

DAY_S = 86_400
LAGS = st.lists(st.booleans(), min_size=1, max_size=3)
WAYS = st.fixed_dictionaries({"batches": BATCHES, "lag": LAGS, "partitions": st.integers(2, 6)})
MODELS = [
    ModelRow(
        WORKSPACE, "rfm", "r1", START,
        Fifths("EUR", Cuts((-30, -20, -10, -1), (1, 2, 3, 4), (1e3, 2e3, 3e3, 4e3))).stored(), {},
    ),
    ModelRow(
        WORKSPACE, "buying", "b1", START,
        Buying(
            "EUR", BgNbd(0.243, 4.414, 0.793, 2.426), GammaGamma(6.25, 3.74, 1544.0), Terms(),
            {"expected_purchases": (0.5, 2.0), "lifetime_value": (1e3, 1e5)},
        ).stored(), {},
    ),
]  # fmt: skip


def lived(steps: Sequence[Step], *, ticks: Sequence[int] = (), promotes: bool = False) -> History:
    """What happens, at days instead of seconds, with minutes told and models promoted."""
    history = History()
    for step in steps:
        more = {**step.more, "at": step.more["at"] * DAY_S}
        getattr(history, step.verb)(*step.arguments, *step.named, **more)
    for day in ticks:
        at = START + timedelta(days=day)
        control(history, ClockTicked(ticked_at=at), day)
    if promotes:
        for model in MODELS:
            promoted = ModelPromoted(model=model.model, model_version=model.version, by="test")
            control(history, promoted, 0)
    return history


def control(history: History, data: Any, day: int) -> None:
    history.tell(data, at=day * DAY_S, source="touchline", key_kind="platform")


@given(STEPS, st.lists(st.integers(0, 250), max_size=3), SHUFFLES, WAYS)
def test_any_order_batches_partitions_and_lag_give_the_same_scores(
    steps: list[Step], ticks: list[int], random: Random, way: dict[str, Any]
) -> None:
    history = lived(steps, ticks=ticks, promotes=random.random() < 0.5)
    told = [*history.events, *random.sample(history.events, len(history.events) // 3)]
    random.shuffle(told)

    straight = followed(history.events, history.vault, models=MODELS)
    other = followed(told, history.vault, models=MODELS, **way)

    assert straight.rows() == other.rows()


def is_of_a_customer(step: Step) -> bool:
    """Not what we say ourselves: of somebody whom nothing else names it makes no customer."""
    return step.verb != "exampled" or appendable_by(step.arguments[0].type) != "control"


@given(
    st.lists((TRADE | TOUCHES).filter(is_of_a_customer), max_size=12),
    st.lists(MERGES, min_size=1, max_size=3),
    SHUFFLES,
    BATCHES,
)
def test_merged_and_then_split_they_are_what_they_were(
    steps: list[Step], merges: list[Step], random: Random, batches: list[int]
) -> None:
    apart = lived([step._replace(named=step.named[:1]) for step in steps], ticks=[60])
    as_it_was = followed(apart.events, apart.vault).rows()
    for place, merge in enumerate(merges):
        apart.merged(*merge.arguments, at=(50 + place) * DAY_S)
    for place, merge in enumerate(merges):
        one, other = merge.arguments
        apart.split([one], [other], at=(55 + place) * DAY_S)

    there_and_back = followed(apart.events, apart.vault, batches=batches, lag=[True, False])

    known = {row.customer_id: row for row in as_it_was.values()}
    assert {who: row for who, row in there_and_back.rows().items() if who in known} == known
    assert there_and_back.rows().keys() == known.keys()


@given(STEPS, st.integers(0, 60), BATCHES, st.integers(1, 30))
def test_killed_between_any_two_steps_nothing_is_lost_or_doubled(
    steps: list[Step], tick: int, batches: list[int], survived: int
) -> None:
    history = lived(steps, ticks=[tick], promotes=True)
    whole = followed(history.events, history.vault, batches=batches, models=MODELS)
    done = Followed(history.vault, models=MODELS)
    done.append(history.events)
    done.fold()

    scored_dying(done, survived)

    assert done.rows() == whole.rows()
    told = [decode_(event) for _, event in done.store.tables.outbox]
    assert len({one["id"] for one in told}) == len(told)


@given(STEPS, BATCHES)
def test_a_rebuild_neither_scores_nor_tells_anything(steps: list[Step], batches: list[int]) -> None:
    history = lived(steps, ticks=[45])
    done = followed(history.events, history.vault, batches=batches)
    rows, told = done.rows(), len(done.store.tables.outbox)
    again = MemoryStore()

    folds = Folds(READ_MODELS, history.vault, is_replay=True)
    replay(folds, done.log, again, done.log.ends(), progress=lambda done, total: None)

    assert (again.tables.outbox, again.tables.regrouped) == ([], [])
    again.tables.outbox = done.store.tables.outbox
    done.store.tables = again.tables
    done.score()
    assert (done.rows(), len(again.tables.outbox)) == (rows, told)


@given(STEPS, BATCHES, LAGS)
def test_no_score_is_told_twice_alike_in_a_row(
    steps: list[Step], batches: list[int], lag: list[bool]
) -> None:
    history = lived(steps, ticks=[30, 90, 300], promotes=True)

    done = followed(history.events, history.vault, batches=batches, lag=lag, models=MODELS)

    last: dict[tuple[str, str], str] = {}
    for _, event in done.store.tables.outbox:
        data = decode_(event)["data"]
        if "score" in data:
            key = data["customer_id"], data["score"]
            assert last.get(key) != data["band"]
            last[key] = data["band"]
    for row in done.rows().values():
        for name, (_, band) in row.scores.items():
            told = last.get((row.customer_id, name))
            assert told in (None, band), "what was told last is what the row says"


def decode_(event: bytes) -> Any:
    return json.loads(event)
