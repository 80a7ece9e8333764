"""Who a customer is: what is known of one, which identifiers belong together, and forgetting."""

from dataclasses import dataclass, field
from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field

from schemas.fields import STRICT, Actor, IdentifierHash, Label, Reference, Scalars
from schemas.text import counted

Side = Annotated[tuple[IdentifierHash, ...], Field(min_length=1, max_length=1000)]


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerIdentified:
    """A customer was described; traits that name a person belong in ``personal``."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    type: ClassVar[str] = "customer.identified"
    version: ClassVar[int] = 1

    traits: Scalars = field(default_factory=dict)
    """Facts that name nobody, like plan or newsletter; null unsets one."""

    def summary(self) -> str:
        """One line for the timeline."""
        count = len(self.traits)
        return f"Had {counted(count, 'trait')} set" if count else "Made themselves known"


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerMerged:
    """Two customers were declared to be one."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    type: ClassVar[str] = "customer.merged"
    version: ClassVar[int] = 1

    into: IdentifierHash
    """An identifier of the customer that stays."""
    merged: IdentifierHash
    """An identifier of the customer that joins it."""
    by: Actor
    reason: Label | None = None
    """Why, from a list."""

    def __post_init__(self) -> None:
        """A customer can't join itself."""
        if self.into == self.merged:
            msg = "into and merged are the same identifier"
            raise ValueError(msg)

    def summary(self) -> str:
        """One line for the timeline."""
        return "Was joined with another customer"


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerSplit:
    """One customer was declared to be two: no older fact joins the two sides again."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    type: ClassVar[str] = "customer.split"
    version: ClassVar[int] = 1

    one: Side
    """Identifiers of the one side."""
    other: Side
    """Identifiers of the other side."""
    by: Actor
    reason: Label | None = None
    """Why, from a list."""

    def __post_init__(self) -> None:
        """An identifier can't stand on both sides."""
        if not set(self.one).isdisjoint(self.other):
            msg = "one and other share an identifier"
            raise ValueError(msg)

    def summary(self) -> str:
        """One line for the timeline."""
        return "Was parted into two customers"


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerErased:
    """A customer was forgotten: the keys of what named the person are destroyed."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    type: ClassVar[str] = "customer.erased"
    version: ClassVar[int] = 1

    customer_id: IdentifierHash
    """The customer's id when it was erased."""
    leaves: Side
    """The identifiers whose keys were destroyed."""
    by: Actor
    reason: Label | None = None
    """Why, like request or retention."""
    request_id: Reference | None = None
    """The request that asked for it."""

    def summary(self) -> str:
        """One line for the timeline."""
        return "Was erased"
