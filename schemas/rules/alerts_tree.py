"""Alert rules: what somebody should look at, and when it has passed.

A rule holds while all of ``when`` hold (or as many as ``at_least`` says). From the instant at which
it begins to hold until it no longer does is an episode, and each episode raises one alert. What
is a number *enters* at one value and *leaves* at another, so that a value that trembles about a
threshold makes one episode and not many.

Days of silence and of trends are days in UTC; they change at 00:00 UTC. All other windows are
exact: ``within_days = 30`` means the last 30 times 24 hours.
"""

from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Final, Literal, TypeAlias

from pydantic import ConfigDict, Field

from schemas.feedback import Survey
from schemas.fields import MAX_MINOR, MAX_POINTS, STRICT, Currency, Label, Score

Severity: TypeAlias = Literal["info", "warning", "critical"]
Of: TypeAlias = Literal["purchases", "visits", "contact"]
"""Days with a purchase that was not cancelled; with a visit or a purchase; with anything that the
customer did."""
Trend: TypeAlias = Literal["spend", "purchases", "visits"]
CaseKind: TypeAlias = Literal["question", "problem", "complaint", "request"]
Value: TypeAlias = Literal["high value", "potential", "ordinary"]
ScoreName: TypeAlias = Literal[
    "churn_risk",
    "p_alive",
    "expected_purchases",
    "lifetime_value",
    "engagement",
    "temperature",
    "health",
    "satisfaction",
]

MACHINE: Final = "default"
"""The lifecycle machine whose stages rules name."""
MOST_RHYTHM_DAYS: Final = 9
"""A rhythm is the median of up to the last eight gaps, so of nine days."""

RuleName = Annotated[str, Field(pattern="^[a-z][a-z0-9_]*$", max_length=50)]
Days = Annotated[int, Field(ge=1, le=3650)]
Hours = Annotated[int, Field(ge=1, le=8760)]
Multiple = Annotated[int, Field(ge=1, le=10_000)]
Number = Annotated[int, Field(ge=1, le=1000)]
Window = Annotated[
    Days | None,
    Field(description="How lately; inside of `combined` left out, since its window applies"),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Silent:
    """Nothing for longer than is usual for this customer; who never did anything is not missed."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    of: Of = "purchases"
    """What is missed."""
    days: Days | None = None
    """For so many days, whoever it is."""
    rhythm_percent: Multiple | None = None
    """For so long by the customer's own rhythm, the median of up to the last 8 gaps between such
    days: 200 is twice as long."""
    until_days: Days | None = None
    """Only until so many days: after that it is too late to call."""
    until_percent: Multiple | None = None
    """Only until so much of the rhythm."""
    min_days: Days = 7
    """A quicker rhythm counts as this many days."""
    max_days: Days = 180
    """A slower rhythm counts as this many days."""
    least_days: Annotated[int, Field(ge=2, le=MOST_RHYTHM_DAYS)] = 3
    """A rhythm takes so many such days."""
    fallback_days: Days | None = None
    """The rhythm of who has fewer; by default they are not missed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Falling:
    """Less in the last days than before them, day for day."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    of: Trend
    """Money net of refunds in the currency used most, days of purchase, or days with a visit."""
    enters_at_percent: Annotated[int, Field(ge=0, le=99)]
    """Fallen to so much of what it was, or less."""
    leaves_at_percent: Annotated[int, Field(ge=1, le=1000)]
    """Over once it is so much again, or more."""
    recent_days: Days = 28
    """The last days, today included."""
    before_days: Days = 84
    """The days before those."""
    minimum: Annotated[int, Field(ge=1, le=MAX_MINOR)]
    """What there must have been before: minor units of money, or days. Less is no trend."""
    least_days: Days = 3
    """On so many days before: a single large order is no habit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """The latest answer to a survey is a bad one."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    survey: Survey = "nps"
    at_most: Score = 6.0
    """On the survey's usual scale: nps 0 to 10, csat 1 to 5, ces 1 to 7."""
    within_days: Window = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unanswered:
    """A case waits for a person of ours to answer."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    hours: Hours
    """Since it was opened or reopened, or since the customer wrote after our last answer."""
    kinds: Annotated[tuple[CaseKind, ...], Field(min_length=1, max_length=4)] = ("complaint",)


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentsFailed:
    """Payments of one subscription failed, and none went through since."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    at_least: Number = 2
    within_days: Window = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """Events of these types, so many of them."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    types: Annotated[tuple[Label, ...], Field(min_length=1, max_length=20)]
    at_least: Number = 1
    within_days: Window = None
    undone_by: Annotated[tuple[Label, ...], Field(max_length=20)] = ()
    """Only what happened after the last event of these types."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What the customer wrote or said shows an intent, as a classifier of texts finds it."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    intents: Annotated[tuple[Literal["cancel"], ...], Field(min_length=1, max_length=1)] = (
        "cancel",
    )
    least_confidence: Annotated[float, Field(ge=0.0, le=1.0)] = 0.5
    within_days: Window = None
    undone_by: Annotated[tuple[Label, ...], Field(max_length=20)] = ()
    """Only what was said after the last event of these types."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PointsExpiring:
    """Points were announced to expire, and most of them are still there."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    at_least: Annotated[int, Field(ge=1, le=MAX_POINTS)]
    """Points that are left of those announced, less what was redeemed since."""
    within_days: Window = None
    """How soon the first of them expire."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossed:
    """A score crossed a threshold; upwards where it enters above where it leaves."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    name: ScoreName
    """By the name and on the scale that the API gives it."""
    enters_at: Score
    """Begins at this value."""
    leaves_at: Score
    """Ends at this value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """One thing to look at: exactly one of these."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    silent: Silent | None = None
    falling: Falling | None = None
    feedback: Feedback | None = None
    unanswered: Unanswered | None = None
    payments_failed: PaymentsFailed | None = None
    happened: Happened | None = None
    said: Said | None = None
    points_expiring: PointsExpiring | None = None
    score: Crossed | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Combined:
    """So many of these at once.

    What happens counts within the window, what lasts (silence, trends, cases, scores) now.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    at_least: Number
    within_days: Days
    of: Annotated[tuple[Signal, ...], Field(min_length=2, max_length=10)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition(Signal):
    """One thing to look at, or several of which so many must hold: exactly one of these."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    combined: Combined | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """Whom a rule is about, asked when an episode begins; an open one goes on without it."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    stages: Annotated[tuple[Label, ...], Field(max_length=20)] = ()
    """Only customers in one of these stages of the machine `default`, newcomers' stage too."""
    tiers: Annotated[tuple[Label, ...], Field(max_length=20)] = ()
    """Only members in one of these tiers of the loyalty programme."""
    values: Annotated[tuple[Value, ...], Field(max_length=3)] = ()
    """Only customers whom recency, frequency and monetary value put there."""
    least_spend_minor: Annotated[int, Field(ge=0, le=MAX_MINOR)] = 0
    """Only customers who spent so much in all, net of refunds."""
    currency: Currency | None = None
    """Of ``least_spend_minor``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One rule."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    means: Annotated[str, Field(max_length=500)] = ""
    """What it says of a customer and what to do, in a sentence."""
    is_enabled: bool = True
    """A rule that is switched off ends its episodes and begins none."""
    severity: Severity = "warning"
    """How soon somebody should look."""
    owner: Label = "customer_success"
    """Who should look: a team or a role, no person's name."""
    who: Who = field(default_factory=Who)
    when: Annotated[tuple[Condition, ...], Field(min_length=1, max_length=10)]
    at_least: Number | None = None
    """How many of ``when`` must hold at once; all by default."""
    snooze_days: Annotated[int, Field(ge=0, le=3650)] = 0
    """Once somebody acknowledged an alert, no further one of this rule for so long."""
    cool_down_days: Annotated[int, Field(ge=0, le=3650)] = 0
    """Once an alerted episode ended, no further alert of this rule for so long."""
