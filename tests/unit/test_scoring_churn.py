"""Churn: features of a time, models that explain themselves, and what is stored of them."""

import json
import math
from datetime import UTC, datetime
from functools import cache
from random import Random
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.envelope import Posted, Recorded
from services.errors import Misconfigured, Refused
from services.scoring.model import boosting
from services.scoring.model.churn import Churn, Kind, Sample, card, restored, train
from services.scoring.model.features import NAMES, Features, features, row
from services.scoring.model.fitting import Unfitted
from services.scoring.model.history import DAY_S, Entry, entry_of, history
from services.scoring.model.metrics import average_precision, calibration, lift, quality
from services.scoring.model.trees import Trees
from tests.happenings import examples

NOW = 20_000 * DAY_S
KINDS: tuple[Kind, ...] = get_args(Kind)
TYPES = sorted({one.type for one in examples()})
ENTRIES = st.lists(
    st.builds(
        Entry,
        st.integers(NOW - 400 * DAY_S, NOW + 60 * DAY_S),
        st.sampled_from(TYPES),
        st.just("s"),
        st.uuids().map(str),
        st.integers(NOW - 9, NOW + 9).map(str),
        st.floats(0, 1e9),
        st.sampled_from(["", "EUR", "complaint", "agent", "nps", "inbound abandoned"]),
    ),
    max_size=40,
)


def recorded(posted: Posted[Any], key_kind: str = "write") -> Recorded[Any]:
    return Recorded(
        workspace="default",
        id=posted.id,
        source=posted.source,
        type=posted.type,
        version=posted.version or 1,
        occurred_at=posted.occurred_at or datetime(2026, 11, 21, tzinfo=UTC),
        received_at=datetime(2026, 11, 21, tzinfo=UTC),
        digest="ab" * 16,
        key_kind=key_kind,
        data=posted.data,
    )


def did(type_: str, days_ago: float, about: str = "", value: float = 0, *, unit: str = "") -> Entry:
    at_s = NOW - round(days_ago * DAY_S)
    return Entry(at_s, type_, "s", f"{type_} {days_ago} {about}", about, value, unit)


def bought(days_ago: float, amount_minor: int = 1_000) -> Entry:
    return did("purchase.completed", days_ago, f"o-{days_ago}", amount_minor, unit="EUR")


def of(*entries: Entry) -> Features:
    return features(entries, NOW)


@cache
def sample(seed: int) -> Sample:
    """Customers who leave the more, the longer silent and the less content they are."""
    random = np.random.default_rng(seed)
    rows = random.normal(size=(2_000, 4))
    odds = 1.5 * rows[:, 0] - np.where(rows[:, 1] > 0.5, 2.0, 0.0) + rows[:, 2] * rows[:, 0] - 1
    left = (random.uniform(size=2_000) < 1 / (1 + np.exp(-odds))).astype(np.int64)
    return Sample(("silence", "content", "mails", "noise"), rows, left)


@cache
def trained(kind: Kind) -> Churn:
    found = train(kind, sample(1), sample(2))
    assert isinstance(found, Churn)
    return found


@given(ENTRIES)
def test_features_are_numbers_and_know_nothing_of_what_came_later(entries: list[Entry]) -> None:
    found = features(entries, NOW)

    assert all(map(math.isfinite, row(found)))
    assert found == features([one for one in entries if one.at_s <= NOW], NOW)


@given(ENTRIES, st.integers(0, 2**32))
def test_features_do_not_know_the_order_of_events(entries: list[Entry], seed: int) -> None:
    shuffled = list(entries)
    Random(seed).shuffle(shuffled)

    assert features(shuffled, NOW) == features(entries, NOW)


def test_of_an_empty_history_the_features_say_so() -> None:
    found = of()

    assert (found.purchase_days, found.silence_days, found.satisfaction) == (0, 0, 0.5)


def test_silence_is_measured_against_the_customers_own_rhythm() -> None:
    weekly, monthly = (of(*(bought(21 + gap * n) for n in range(4))) for gap in (7, 30))

    assert (weekly.rhythm_days, weekly.silence_in_rhythms) == (7, 3)
    assert monthly.silence_in_rhythms == pytest.approx(0.7)


def test_an_order_counts_once_and_a_cancelled_one_not_at_all() -> None:
    twice = of(bought(5), bought(5)._replace(id="again", source="page"))
    cancelled = of(bought(5), did("purchase.cancelled", 4, "o-5"))

    assert twice.spend_28 == pytest.approx(math.log(11))
    assert (cancelled.purchase_days, cancelled.spend_28) == (0, 0)


def test_more_refunded_than_bought_is_no_spend() -> None:
    found = of(bought(5), did("purchase.refunded", 4, "o-5", 9_000, unit="EUR"))

    assert (found.spend_28, found.refunds_84) == (0, 1)


def test_a_complaint_is_open_until_it_is_resolved_and_again_when_it_is_reopened() -> None:
    opened = did("case.opened", 9, "c", unit="complaint")
    resolved, reopened = did("case.resolved", 5, "c"), did("case.reopened", 2, "c")

    assert of(opened).complaint_days == 9
    assert of(opened, resolved).complaints_open == 0
    assert of(opened, resolved, reopened).complaints_open == 1
    assert of(did("case.opened", 9, "c", unit="question")).complaints_open == 0


def test_a_payment_that_went_through_forgets_those_that_failed() -> None:
    failed = [did("subscription.payment_failed", ago, "s") for ago in (9, 8)]

    assert of(*failed).payments_failed == 2
    assert of(*failed, did("subscription.renewed", 7, "s")).payments_failed == 0


def test_points_expire_unless_they_are_spent() -> None:
    told = did("points.expiring", 3, str(NOW + DAY_S), 500)

    assert of(told).points_expiring == pytest.approx(math.log(501))
    assert of(told, did("points.redeemed", 1, "r", 500)).points_expiring == 0
    assert of(told._replace(about=str(NOW - 1))).points_expiring == 0


def test_every_type_of_the_catalogue_has_an_entry() -> None:
    entries = history(recorded(one) for one in examples())

    assert {one.type for one in entries} == set(TYPES)
    assert all(map(math.isfinite, row(features(entries, 2**40))))


def test_what_programs_did_and_pages_claim_is_no_entry() -> None:
    purchase = next(one for one in examples() if one.type == "purchase.completed")
    opened = next(one for one in examples() if one.type == "email.opened")
    by_program = Posted(id="1", type="email.opened", data=type(opened.data)(machine=True))

    assert entry_of(recorded(purchase)) is not None
    assert entry_of(recorded(purchase, key_kind="browser")) is None
    assert entry_of(recorded(by_program)) is None


def test_arrays_foretell_what_scikit_learns_trees_foretell() -> None:
    boosted = boosting.grown(sample(1).rows, sample(1).has_left)

    found = boosting.extracted(boosted).log_odds(sample(2).rows)

    assert found == pytest.approx(boosted.decision_function(sample(2).rows), abs=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_a_stored_model_says_the_same_to_the_last_bit(kind: Kind) -> None:
    model = trained(kind)

    again = restored(json.loads(json.dumps(model.stored())))

    assert (again.chances(sample(3).rows) == model.chances(sample(3).rows)).all()
    assert again.version == model.version


@pytest.mark.parametrize("kind", KINDS)
@given(values=st.lists(st.floats(-50, 50), min_size=4, max_size=4))
def test_the_reasons_add_up_to_the_log_odds(kind: Kind, values: list[float]) -> None:
    one = np.array(values)

    found = trained(kind).explain(one)

    parts = math.fsum([found.base, *(part.value for part in found.contributions)])
    assert found.score == pytest.approx(parts, abs=1e-12)
    chance = trained(kind).chances(one[None, :])[0]
    assert 1 / (1 + math.exp(-found.score)) == pytest.approx(chance, abs=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_chances_are_calibrated_on_customers_that_were_never_seen(kind: Kind) -> None:
    found = quality(trained(kind).chances(sample(3).rows), sample(3).has_left)

    assert found.auc > 0.75
    assert np.mean([abs(one.foretold - one.happened) for one in found.calibration]) < 0.06


def test_the_same_training_gives_the_same_version() -> None:
    again = train("boosted", sample(1), sample(2))

    assert isinstance(again, Churn)
    assert again.version == trained("boosted").version
    assert trained("logistic").version != again.version


def test_too_few_who_left_teach_nothing_and_the_reason_is_told() -> None:
    few = Sample(("a",), np.zeros((100, 1)), np.eye(1, 100, dtype=np.int64)[0])
    alike = Sample(("a",), np.zeros((100, 1)), np.arange(100) % 2)

    found = train("boosted", few, alike)

    assert isinstance(found, Unfitted)
    assert "fewer than 20" in found.reason


@pytest.mark.parametrize("kind", KINDS)
def test_features_that_are_all_alike_give_one_chance_or_a_reason(kind: Kind) -> None:
    alike = Sample(("a",), np.zeros((100, 1)), np.arange(100) % 2)

    found = train(kind, alike, alike)

    assert isinstance(found, Unfitted) or np.ptp(found.chances(alike.rows)) == 0


def test_a_damaged_model_is_refused() -> None:
    stored = trained("boosted").stored()
    astray = {**stored, "learnt": {**stored["learnt"], "left": [10**9]}}

    for damaged in ({}, {"kind": "boosted"}, astray):
        with pytest.raises(Misconfigured):
            restored(damaged)
    with pytest.raises(Misconfigured):
        Trees.restored({**stored["learnt"], "value": []})


def test_a_card_says_what_a_model_is_and_can_be_stored() -> None:
    model = trained("boosted")
    found = quality(model.chances(sample(3).rows), sample(3).has_left)

    said = card(model, {"boosted": found}, about={"data": "drawn by chance"})

    assert json.loads(json.dumps(said))["metrics"]["boosted"]["auc"] == found.auc
    assert (said["version"], said["data"]) == (model.version, "drawn by chance")


@given(
    st.lists(st.tuples(st.integers(0, 9), st.booleans()), min_size=2, max_size=60).filter(
        lambda rows: len({left for _, left in rows}) == 2
    )
)
def test_metrics_are_those_of_scikit_learn_ties_included(rows: list[tuple[int, bool]]) -> None:
    from sklearn import metrics  # noqa: PLC0415 - a second, for who looks at this test

    chances = np.array([tenths / 10 for tenths, _ in rows])
    left = np.array([int(one) for _, one in rows])

    found = quality(chances, left)

    assert found.auc == pytest.approx(metrics.roc_auc_score(left, chances))
    assert average_precision(chances, left) == pytest.approx(
        metrics.average_precision_score(left, chances)
    )
    assert found.brier == pytest.approx(metrics.brier_score_loss(left, chances))
    assert sum(one.customers for one in calibration(chances, left)) == len(rows)


def test_lift_is_how_much_denser_leavers_are_at_the_top_and_one_without_knowledge() -> None:
    left = np.array([1] * 10 + [0] * 90)

    assert lift(np.linspace(1, 0, 100), left, share=0.1) == pytest.approx(10)
    assert lift(np.full(100, 0.3), left, share=0.1) == pytest.approx(1)


def test_nothing_can_be_told_of_a_test_in_which_nobody_left() -> None:
    with pytest.raises(Refused, match="0 of 5"):
        quality(np.full(5, 0.1), np.zeros(5, dtype=np.int64))


def test_features_are_named_once_and_in_order() -> None:
    assert len(set(NAMES)) == len(NAMES) == len(row(of()))
