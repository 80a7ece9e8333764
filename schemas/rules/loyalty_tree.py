"""The tree of loyalty rules: how points are earned, how long they last, and what they open."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field

from schemas.feedback import Survey
from schemas.fields import MAX_POINTS, STRICT, At, Currency, Label
from schemas.rules.loyalty_span import Span

Name = Annotated[str, Field(pattern="^[a-z][a-z0-9_]*$", max_length=50)]
SomePoints = Annotated[int, Field(ge=1, le=1_000_000)]
Threshold = Annotated[int, Field(ge=0, le=MAX_POINTS)]
Percentage = Annotated[int, Field(ge=0, le=10_000)]
Qualifying = Literal["purchase", "feedback", "grant"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Boost:
    """A time in which a rule gives more."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    from_at: At
    """The first instant."""
    until_at: At
    """The first instant after it."""
    percent: Percentage
    """What its points are multiplied by: 200 doubles them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Earn:
    """Points for what was paid: ``points`` for each ``per_minor``, rounded down once an order."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    name: Name
    """What statements call it."""
    currency: Currency
    """Of the orders that it is about."""
    points: SomePoints = 1
    """For each ``per_minor``."""
    per_minor: Annotated[int, Field(ge=1, le=10**9)]
    """Minor units: 100 is one euro."""
    categories: Annotated[tuple[Label, ...], Field(max_length=200)] = ()
    """Only what lines of these categories cost; the whole amount by default."""
    channels: Annotated[tuple[Label, ...], Field(max_length=50)] = ()
    """Only orders by these channels; all by default."""
    tier_percent: Annotated[Mapping[Name, Percentage], Field(max_length=20)] = field(
        default_factory=dict
    )
    """What the points are multiplied by for a tier, instead of the tier's own ``percent``."""
    boosts: Annotated[tuple[Boost, ...], Field(max_length=50)] = ()
    """Times of more points, which multiply after the tier's."""
    most_per_day: SomePoints | None = None
    """Most points that a member can earn by this rule in a day of the workspace's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """Points for an answer to a survey; what browsers send gives none."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    points: SomePoints
    """For each answer."""
    surveys: Annotated[tuple[Survey, ...], Field(max_length=5)] = ()
    """Only these kinds; all by default."""
    most_per_day: SomePoints | None = None
    """Most points that a member can earn by feedback in a day of the workspace's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expiry:
    """When points that nobody spent are lost; points keep what held when they were earned."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    rule: Literal["rolling", "end_of_year", "inactivity", "never"] = "never"
    """Rolling: ``after`` they were earned; end_of_year: when a calendar year ends; inactivity: all
    together, ``after`` the member last bought, answered, redeemed or was granted something."""
    after: Span | None = None
    """How long; for rolling and inactivity."""
    years: Annotated[int, Field(ge=0, le=10)] = 0
    """For end_of_year: 0 is the end of the year they were earned in, 1 the end of the next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """A level of the programme."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    name: Name
    threshold: Threshold
    """Qualifying points that it takes."""
    percent: Percentage = 100
    """What points for purchases are multiplied by: 150 is half as much again."""
    benefits: Annotated[tuple[Label, ...], Field(max_length=50)] = ()
    """What it opens, like free_shipping."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiers:
    """Levels by the points that were earned lately, less those taken back."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    window: Span
    """How long points count for tiers, from when they were earned."""
    grace: Span = Span()  # noqa: RUF009 # frozen, and without state
    """How long a tier is kept once the points no longer suffice."""
    qualifying: Annotated[tuple[Qualifying, ...], Field(min_length=1, max_length=3)] = ("purchase",)
    """Which points count: those of purchases, of feedback, of grants."""
    levels: Annotated[tuple[Tier, ...], Field(min_length=1, max_length=20)]
    """From the lowest threshold to the highest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reward:
    """What points buy."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    name: Label
    cost_points: Annotated[int, Field(ge=1, le=MAX_POINTS)]
    stock: Annotated[int | None, Field(ge=0, le=10**9)] = None
    """How many may be granted in all; any number by default."""
    from_at: At | None = None
    """The first instant at which it can be had."""
    until_at: At | None = None
    """The first instant at which it can't be any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loyalty:
    """A loyalty programme."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    means: Annotated[str, Field(max_length=500)] = ""
    """What the programme is for, in a sentence."""
    earn: Annotated[tuple[Earn, ...], Field(max_length=100)] = ()
    """Every rule that fits an order gives its points."""
    feedback: Feedback | None = None
    """Points for answers to surveys; none by default."""
    first_purchase_points: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    """On top for a member's first order, given back with it."""
    return_window: Span = Span()  # noqa: RUF009 # frozen, and without state
    """How long points of a purchase are pending: shown, and not to be spent yet."""
    expiry: Expiry = Expiry()  # frozen, and without state
    """When points are lost."""
    notice_days: Annotated[int, Field(ge=0, le=366)] = 30
    """Points that expire within so many days, of 24 hours, are pointed out."""
    tiers: Tiers | None = None
    """Levels; none by default."""
    rewards: Annotated[tuple[Reward, ...], Field(max_length=500)] = ()
    """What points buy."""
