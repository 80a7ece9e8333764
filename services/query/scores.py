"""A customer's scores: what they are worth, how they are, and, if asked, why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Response
from pydantic import Field

from services.query.customer import CustomerId, group_of
from services.query.desk import DOCUMENTED, Answered, Caller, Desk, responses
from services.query.explained import Explain, Why
from services.store.reader import Reading
from services.store.scores import ModelRow, Page

TICK: Final = "SELECT tick FROM touchline.scoring_clock"
MODELS: Final = """
SELECT m.workspace, m.model, m.version, m.trained_until, m.parameters, m.card
FROM touchline.score s, jsonb_each_text(s.models) AS used (model, version)
JOIN touchline.model m ON m.model = used.model AND m.version = used.version
WHERE s.workspace = %(workspace)s AND s.customer_id = %(customer_id)s::uuid
  AND m.workspace = %(workspace)s
"""
PAGES: Final = """
SELECT leaf, page, p.workspace, entries FROM touchline.scored_page p
JOIN identifier ON identifier = leaf
WHERE p.workspace = %(workspace)s AND customer_id = %(customer_id)s::uuid
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution:
    """What one thing adds to a score, or takes from it."""

    __pydantic_config__ = DOCUMENTED

    name: Annotated[str, Field(examples=["purchase"])]
    """A family of events, a feature, or a step from somebody new to this customer."""
    value: Annotated[float, Field(examples=[25.0])]
    """On the score's own scale."""
    evidence: Mapping[str, float] = field(default_factory=dict)
    """The figures that led to it; ``events`` is how many events are behind it."""
    events: Sequence[str] = ()
    """Ids of the events behind it, the latest hundred."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One score."""

    __pydantic_config__ = DOCUMENTED

    name: Annotated[str, Field(examples=["engagement"])]
    """engagement, temperature, health and satisfaction (points of 100); rfm (543 is the best fifth
    but none of recency, the second of frequency, the third of monetary); churn_risk and p_alive
    (probabilities); expected_purchases and lifetime_value (of the next 52 weeks)."""
    value: Annotated[float, Field(examples=[25.0])]
    unit: Annotated[str, Field(examples=["points of 100"])]
    currency: str | None = None
    """ISO 4217, of money, which is in minor units like cents."""
    band: Annotated[str, Field(examples=["medium"])]
    """The range that it lies in; of rfm the segment, like champions."""
    model: Annotated[str, Field(examples=["engagement"])]
    """What computed it: a trained model, or the score's own rules."""
    version: Annotated[str, Field(examples=["1"])]
    base: float | None = None
    """With ``explain``: what all contributions are added to, to give ``value``."""
    contributions: Sequence[Contribution] | None = None
    """With ``explain``: the weightiest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerScores:
    """All scores of a customer on one day."""

    __pydantic_config__ = DOCUMENTED

    customer_id: str
    day: date | None
    """The day, UTC, that they are of: the last that was told, or that of the last event. Within it
    only events change them."""
    tier: str | None
    """By value: high value, potential or ordinary; null without a purchase, and until fifths of all
    customers (model rfm) were promoted."""
    scores: Sequence[Score]
    """Those that there are: of who never bought, answered or came there are fewer."""


def router(desk: Desk) -> APIRouter:
    """``GET /v1/customers/{customer_id}/scores``."""
    routes = APIRouter(tags=["scores"])

    @routes.get(
        "/v1/customers/{customer_id}/scores",
        summary="Show a customer's scores",
        responses=responses(CustomerScores, "Scores as of the last event.", 404),
    )
    async def show_scores(
        caller: Annotated[Caller, Depends(desk.caller)],
        customer_id: CustomerId,
        *,
        explain: Annotated[
            bool, Query(description="Also tell what each is the sum of, and the events behind it.")
        ] = False,
    ) -> Response:
        """Worked out from the events behind them, by the models that were promoted.

        ``Touchline-Wait-For`` waits until scoring has taken the position in.
        """

        def work() -> Answered:
            with desk.reader.reading(caller.workspace) as reading:
                shown_ = shown(reading, customer_id, desk.explain, is_explained=explain)
                return Answered(shown_, reading.scored())

        return await desk.answer(caller, work, desk.scored)

    return routes


def shown(
    reading: Reading, identifier: str, explain: Explain, *, is_explained: bool
) -> CustomerScores:
    """The scores of whom ``identifier`` is part of; raises ``NotFound``."""
    customer_id = group_of(reading, identifier)
    pages = [Page._make(row) for row in reading.rows(PAGES, customer_id=customer_id)]
    models = [ModelRow._make(row) for row in reading.rows(MODELS, customer_id=customer_id)]
    tick = reading.row(TICK)
    whole = explain(pages, tick[0] if tick else None, models)
    return CustomerScores(
        customer_id=customer_id,
        day=whole.day,
        tier=whole.tier,
        scores=[_score(one, is_explained=is_explained) for one in whole.scores],
    )


def _score(one: Why, *, is_explained: bool) -> Score:
    parts = one.explained.contributions
    return Score(
        name=one.name,
        value=one.value,
        unit=one.unit,
        currency=one.currency,
        band=one.band,
        model=one.model,
        version=one.version,
        base=one.explained.base if is_explained else None,
        contributions=[
            Contribution(
                name=part.name, value=part.value, evidence=part.evidence, events=part.events
            )
            for part in parts
        ]
        if is_explained
        else None,
    )
