"""The envelope: what surrounds every event, as posted and as the log holds it.

Names follow CloudEvents 1.0 where it has one (``id``, ``source``, ``type``).
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, ClassVar, Final, Generic, TypeAlias, TypeVar

import msgspec
from pydantic import ConfigDict, Field, with_config
from typing_extensions import TypedDict

from schemas.fields import STRICT, At, single
from schemas.identifiers import MAX_IDENTIFIERS, MAX_LENGTH

Data = TypeVar("Data")
Rank: TypeAlias = tuple[datetime, str, str]
"""The canonical order of events: ``(occurred_at, source, id)``."""
Trait: TypeAlias = str | bool | int | float | None
"""A value of a trait; None unsets it."""

FREE_TEXT: Final = frozenset({"text", "subject", "comment"})
"""Keys of ``personal`` that hold what somebody wrote: sealed, and never a trait."""

Short = Annotated[str, Field(max_length=500)]
Further: TypeAlias = Annotated[str | bool | int | float | None, *single(5000)]


@with_config(ConfigDict(strict=True, allow_inf_nan=False, use_attribute_docstrings=True))
class Personal(TypedDict, total=False, extra_items=Further):  # type: ignore[call-arg] # PEP 728
    """Whatever names a person, and all free text: sealed before anything is stored.

    Every key but the free texts describes the customer and becomes a trait; null unsets it.
    Further keys are welcome.
    """

    name: Short | None
    """Full name, as the person writes it."""
    first_name: Short | None
    """Given name."""
    last_name: Short | None
    """Family name."""
    email: Short | None
    """To be shown; to find the customer by it, name it among the identifiers too."""
    phone: Short | None
    """To be shown; to find the customer by it, name it among the identifiers too."""
    company: Short | None
    """Who employs the person."""
    job_title: Short | None
    """What the person does there."""
    birthday: Short | None
    """Day of birth, like 1990-12-31."""
    gender: Short | None
    """In the person's own words."""
    language: Short | None
    """BCP 47, like de or zh-Hant."""
    street: Short | None
    """Street and number."""
    postal_code: Short | None
    """As written in the country."""
    city: Short | None
    """Town or city."""
    region: Short | None
    """State or province."""
    country: Short | None
    """ISO 3166 code or name."""
    subject: Annotated[str, Field(max_length=2000)]
    """Subject line of what was written."""
    text: Annotated[str, Field(max_length=200_000)]
    """What was written or said."""
    comment: Annotated[str, Field(max_length=200_000)]
    """What was remarked beside a score or a decision."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted(Generic[Data]):
    """An event as a producer posts it; ``data`` is typed by ``type``."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    id: Annotated[str, Field(min_length=1, max_length=200)]
    """The producer's; with ``source`` the idempotency key, so never used twice."""
    type: Annotated[str, Field(max_length=100)]
    """``family.verb``, past tense."""
    identifiers: Annotated[
        list[Annotated[str, Field(max_length=MAX_LENGTH + 50)]],
        Field(max_length=MAX_IDENTIFIERS),
    ] = field(default_factory=list)
    """Who it was: ``kind:value``; at least one, but for control events."""
    source: Annotated[str, Field(min_length=1, max_length=100)] = "api"
    """The system that saw it."""
    version: Annotated[int | None, Field(ge=1, le=2**31 - 1)] = None
    """Of the type's schema; the newest by default."""
    occurred_at: At | None = None
    """When it happened, by the producer's clock; receipt by default."""
    personal: Personal = field(default_factory=Personal)
    """Whatever names a person, and all free text."""
    data: Data
    """What happened, without anything that names a person."""
    cause: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    """The id of the event that led to this one."""


class Sealed(msgspec.Struct, frozen=True, array_like=True):
    """AES-256-GCM ciphertext (nonce first) under the data key ``key_id``."""

    key_id: str
    ciphertext: bytes


class Unsealed(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a sealed part holds: plain identifiers in their hashes' order, and ``personal``."""

    identifiers: tuple[str, ...] = ()
    personal: dict[str, Trait] = {}
    data: dict[str, object] = {}
    """The whole of a custom event's data."""


Instant: TypeAlias = Annotated[datetime, msgspec.Meta(tz=True)]


class Recorded(msgspec.Struct, Generic[Data], frozen=True, kw_only=True, omit_defaults=True):
    """An event as the log holds it: identifiers are keyed hashes, personal data is sealed.

    The first identifier, the strongest, is the event's leaf: facts live with the identifier.
    An identifier's hash is 32 hex digits of which the first is its strength, so that hashes sort
    by strength.
    """

    workspace: str
    id: str
    source: str
    type: str
    version: int
    occurred_at: Instant
    received_at: Instant
    identifiers: tuple[str, ...] = ()
    """Empty for control events only."""
    digest: str
    """32 hex digits, keyed hash of the canonical JSON as posted."""
    key_kind: str
    data: Data
    sealed: Sealed | None = None
    has_traits: bool = False
    """Whether the sealed part describes the customer, so that folds open only what they need."""
    cause: str | None = None

    @property
    def leaf(self) -> str:
        """The strongest identifier's hash, where this event's facts live."""
        return self.identifiers[0]

    @property
    def rank(self) -> Rank:
        """Where the event stands in the canonical order."""
        return self.occurred_at, self.source, self.id
