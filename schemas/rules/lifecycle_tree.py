"""Lifecycle rules: the stages of one machine, in order of precedence, over facts counted in days.

A day is a day in UTC, whatever the workspace's time zone: a stage changes by silence at 00:00 UTC.
``within_days = 30`` means today and the 29 days before it; ``silent`` for 30 days means that the
last such day is 30 days ago or more. So ``within_days = 30`` and ``silent`` for 30 complement
each other.
"""

from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Final, Literal, TypeAlias, get_args

from pydantic import ConfigDict, Field

from schemas.fields import STRICT

Kind: TypeAlias = Literal[
    "known", "reached", "responded", "considered", "decided", "served", "bought"
]
"""What may happen on a day: known: something was recorded of them at all; reached: we wrote or
called; responded: a person opened, clicked, visited or wrote; considered: looked into it; decided:
as good as bought; served: looked after as a customer; bought: an order that counts."""
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

MOST_IN_WINDOW: Final = 50
"""Of a window no more than this many purchases are looked at, so that a state stays small."""

StageName = Annotated[str, Field(pattern="^[a-z][a-z0-9_]*$", max_length=50)]
Days = Annotated[int, Field(ge=1, le=3650)]
Multiple = Annotated[int, Field(ge=1, le=10_000)]
Kinds = Annotated[tuple[Kind, ...], Field(min_length=1, max_length=len(KINDS))]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm:
    """How often a customer buys: the median of up to the last 8 gaps between days of purchase."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    min_days: Days = 7
    """A quicker rhythm counts as this many days."""
    max_days: Days = 180
    """A slower rhythm counts as this many days."""
    fallback_days: Days = 60
    """The rhythm of who bought on fewer than two days."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchases:
    """So many purchases, in all or within the last days."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    at_least: Annotated[int | None, Field(ge=1, le=10_000)] = None
    at_most: Annotated[int | None, Field(ge=0, le=10_000)] = None
    within_days: Days | None = None
    """Only those of the last days, today included; all by default."""
    counted: Literal["orders", "days"] = "orders"
    """Orders, or days on which there was at least one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Active:
    """Activity of any of these kinds, ever or within the last days."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    kinds: Kinds
    within_days: Days | None = None
    """How recently, today included; ever by default."""
    within_rhythm_percent: Multiple | None = None
    """How recently, as a share of the customer's own rhythm: 200 is twice as long."""
    after_purchase: bool = False
    """Only activity on a later day than the last purchase; all of it where none was bought."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Silent:
    """No activity of any of these kinds since so long; who never had any, since the first day."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    kinds: Kinds = ("bought",)
    days: Days | None = None
    """For so many days."""
    rhythm_percent: Multiple | None = None
    """For so long by the customer's own rhythm: 150 is half as long again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """Bought on a day that began in another stage; what makes a customer won back."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    after: StageName
    """The stage of this machine that the purchase led out of."""
    within_days: Days | None = None
    """For so many days, the day of that purchase included."""
    at_most_orders: Annotated[int | None, Field(ge=1, le=1_000)] = None
    """Up to so many orders since, those of that day included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A stage and its conditions, all of which must hold; without any it takes everybody."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    name: StageName
    means: Annotated[str, Field(max_length=500)] = ""
    """What it says of a customer, in a sentence."""
    purchases: Annotated[tuple[Purchases, ...], Field(max_length=5)] = ()
    active: Annotated[tuple[Active, ...], Field(max_length=5)] = ()
    silent: Annotated[tuple[Silent, ...], Field(max_length=5)] = ()
    returned: Returned | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifecycle:
    """One machine: a customer is in the first stage, from the top, whose conditions hold."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    means: Annotated[str, Field(max_length=500)] = ""
    """What the machine is for, in a sentence."""
    rhythm: Rhythm = field(default_factory=Rhythm)
    stages: Annotated[tuple[Stage, ...], Field(min_length=1, max_length=20)]
    """By precedence; the last has no conditions, so that everybody is in some stage."""
