"""Scores of one history: what the models say, in parts that add up, defined for whoever it is."""

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scoring.explain_models import by_models
from services.scoring.explain_rules import by_rules
from services.scoring.findings import findings
from services.scoring.model import engagement, health, rfm
from services.scoring.model.churn import Churn, Linear
from services.scoring.model.explanation import Explained
from services.scoring.model.features import NAMES, features
from services.scoring.model.history import DAY_S, Entry
from services.scoring.model.purchases import observe
from services.scoring.scored import Lived, score
from services.scoring.spending import movements, spending
from services.scoring.trained import Asked, Buying, Fifths, Leaving, Trained, restored
from tests.unit.test_scoring_laws import MODELS

NOW = 20_000 * DAY_S + DAY_S - 1
KINDS = {
    "purchase.completed": ["EUR", "EUR", "USD"],
    "purchase.refunded": ["EUR"],
    "purchase.cancelled": [""],
    "case.opened": ["complaint", "question"],
    "case.resolved": [""],
    "case.reopened": [""],
    "case.replied": ["agent", "customer"],
    "feedback.given": ["nps", "comment"],
    "subscription.payment_failed": [""],
    "subscription.renewed": [""],
    "chat.ended": ["", "bot"],
    "call.ended": ["inbound answered", "outbound answered"],
    "form.submitted": [""],
    "email.sent": [""],
    "web.visited": [""],
}
MONEY = ("purchase.completed", "purchase.refunded")


@st.composite
def happenings(draw: st.DrawFn, *kinds: str) -> Entry:
    """Something, of any kind, within a year."""
    kind = draw(st.sampled_from(kinds or sorted(KINDS)))
    return Entry(
        draw(st.integers(NOW - 365 * DAY_S, NOW)),
        kind,
        "s",
        draw(st.uuids().map(str)),
        draw(st.sampled_from(["a", "b", "c", "d"])),
        float(draw(st.integers(0, 9_000))) if kind in MONEY else draw(st.sampled_from([0.2, 0.9])),
        draw(st.sampled_from(KINDS[kind])),
    )


HISTORIES = st.lists(happenings(), max_size=30).map(sorted)
LEAVES = Leaving(
    Churn(
        NAMES,
        Linear(-1.0, np.linspace(0.0, 2.0, len(NAMES)), np.linspace(-0.1, 0.2, len(NAMES))),
        1.1,
        0.2,
    ),
    Asked(purchase_days=1, silence_days=400),
)
TRAINED = Trained(
    {"rfm": "r1", "buying": "b1", "churn": "c1"},
    Fifths.restored(MODELS[0].parameters),
    Buying.restored(MODELS[1].parameters),
    LEAVES,
)


def bought(order: str, amount: float = 1_000, days_ago: int = 0) -> Entry:
    at_s = NOW - days_ago * DAY_S
    return Entry(at_s, "purchase.completed", "s", order, order, amount, "EUR")


def refunded(order: str, amount: float, days_ago: int = 0) -> Entry:
    return bought(order, amount, days_ago)._replace(type="purchase.refunded", id=f"back {order}")


@given(HISTORIES)
def test_scores_by_rules_are_what_their_models_say(history: list[Entry]) -> None:
    (done,) = score([Lived(history, NOW)])
    found, known = findings(history, NOW), features(history, NOW)

    values = {name: value for name, (value, _) in done.scores.items()}

    engaged = engagement.of_entries(history, NOW).score
    assert values["engagement"] == engaged
    assert values["temperature"] == health.heat(history, NOW).score
    assert found.complaints_open == known.complaints_open
    assert found.payments_failed == known.payments_failed
    assert (found.satisfaction is None) == (known.scores_given == 0)
    assert found.satisfaction in (None, pytest.approx(known.satisfaction))
    signs = health.Signs(
        None,
        engaged if any(map(engagement.is_act, history)) else None,
        found.satisfaction,
        int(known.complaints_open),
        int(known.payments_failed),
    )
    assert values["health"] == health.health(signs).score


@given(HISTORIES)
def test_every_score_is_the_sum_of_its_parts(history: list[Entry]) -> None:
    one = Lived(history, NOW)
    (done,) = score([one], TRAINED)

    parts = {**by_rules(one, done.leaves), **by_models(one, TRAINED)}

    for name, (value, _) in done.scores.items():
        assert adds_up(parts[name])
        assert math.isclose(parts[name].score, value, rel_tol=1e-9, abs_tol=1e-6), name


@given(st.lists(HISTORIES, max_size=6))
def test_a_customers_scores_are_the_same_whoever_is_scored_beside(
    histories: list[list[Entry]],
) -> None:
    everyone = [Lived(history, NOW) for history in histories]

    together = score(everyone, TRAINED)

    assert together == [score([one], TRAINED)[0] for one in everyone]


@given(st.lists(happenings(*MONEY), min_size=1, max_size=20).map(sorted))
def test_spending_is_what_the_models_of_buying_observe(history: list[Entry]) -> None:
    rows = movements(history, "EUR")
    spent, day = spending(history, "EUR"), NOW // DAY_S
    days, amounts = [row[0] for row in rows], [row[1] for row in rows]

    seen = observe([1] * len(rows), days, amounts, until=day)
    buyers, own = rfm.bought(days, amounts, customers=[1] * len(rows), at=day)

    assert len(seen.customers) == len(buyers) == (spent is not None)
    if spent:
        purchases = seen.purchases
        assert purchases.frequency[0] == spent.repeats
        assert purchases.recency[0] == pytest.approx(spent.recency_weeks)
        assert purchases.age[0] == pytest.approx(spent.age_weeks(day))
        assert seen.spend[0] == pytest.approx(spent.mean_minor)
        assert own.recency_days[0] == day - spent.days[-1]
        assert own.frequency[0] == len(spent.days)
        assert own.monetary_minor[0] == spent.monetary_minor


@pytest.mark.parametrize(
    "history",
    [
        pytest.param([], id="empty"),
        pytest.param([bought("a")], id="one purchase"),
        pytest.param([bought("a"), bought("b"), bought("c")], id="all on one day"),
        pytest.param([refunded("a", 500)], id="a refund of nothing"),
        pytest.param([bought("a", 500, 9), refunded("a", 9_000)], id="more given back than paid"),
        pytest.param(
            [bought("a", 5, 90), bought("b", 5, 50), refunded("b", 9_000, 40)], id="negative net"
        ),
        pytest.param([bought("a", 0)], id="for nothing"),
        pytest.param([bought("a", 1e12, day) for day in range(0, 3_000, 3)], id="a thousand"),
    ],
)
def test_whatever_the_history_scores_are_numbers(history: list[Entry]) -> None:
    one = Lived(sorted(history), NOW)

    (done,) = score([one], TRAINED)

    assert all(math.isfinite(value) for value, _ in done.scores.values())
    for found in {**by_rules(one, None), **by_models(one, TRAINED)}.values():
        assert adds_up(found)
    has_bought = any(entry.type == "purchase.completed" for entry in history)
    assert ("rfm" in done.scores) == ("p_alive" in done.scores) == has_bought
    assert (done.tier is not None) == has_bought
    for name in ("engagement", "temperature", "health"):
        assert 0 <= done.scores[name][0] <= 100


def test_an_order_reported_twice_counts_once_and_a_cancelled_one_not_at_all() -> None:
    twice = [bought("a", 500, 9), bought("a", 500, 9)._replace(source="web"), bought("b", 700)]
    cancelled = bought("b")._replace(type="purchase.cancelled", id="c", value=0.0, unit="")

    spent = spending(sorted([*twice, cancelled]), "EUR")

    assert spent
    assert (len(spent.days), spent.monetary_minor) == (1, 500)


def test_models_come_back_from_json_to_the_last_digit() -> None:
    cuts = rfm.Cuts((-np.inf, -9, -9, -1), (1, 2, 3, 4), (-1, 0, 1, 2))
    stored: dict[str, Any] = {
        "rfm": ("r1", Fifths("EUR", cuts).stored()),
        "buying": ("b1", MODELS[1].parameters),
        "churn": ("c1", LEAVES.stored()),
    }  # fmt: skip

    text = json.dumps(stored, allow_nan=False)
    found = restored({name: tuple(one) for name, one in json.loads(text).items()})

    assert found.rfm
    assert found.buying
    assert found.churn
    assert found.rfm.stored() == stored["rfm"][1]
    assert found.buying.stored() == stored["buying"][1]
    assert found.churn.stored() == stored["churn"][1]


def test_scores_are_due_at_midnight_until_time_has_nothing_left_to_change() -> None:
    lately, long_ago = [bought("a", 500, 3)], [bought("a", 500, 200)]

    (soon,), (never,) = score([Lived(lately, NOW)]), score([Lived(long_ago, NOW)])
    (modelled,) = score([Lived(long_ago, NOW)], TRAINED)

    assert soon.due_at is not None
    assert soon.due_at.timestamp() == NOW + 1
    assert never.due_at is None
    assert modelled.due_at == soon.due_at


def adds_up(found: Explained) -> bool:
    parts = [found.base, *(part.value for part in found.contributions)]
    return math.isclose(found.score, math.fsum(parts), rel_tol=1e-9, abs_tol=1e-9)
