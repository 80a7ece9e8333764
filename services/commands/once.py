"""Once: what is asked under a key is decided once, and the same question has the same answer."""

import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b, sha256
from typing import Any, Final

import msgspec

from services.errors import Conflict, Malformed, Refused, Unavailable
from services.store.balance import Balances, Deciding, Decision, Kept, Moved

HEADER: Final = "Idempotency-Key"
TRIES: Final = 20
"""A customer whose identifiers change between each two of them is never decided on."""
_KEY: Final = re.compile(r"[\x21-\x7e]{1,200}")
_CREATED, _CONFLICT = 201, 409


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks, of which workspace, and under which key."""

    workspace: str
    by: str
    """Like ``key:k_7``."""
    key: str | None = None
    """Asked again under the same one, nothing is done again; None is asked once only."""

    def __post_init__(self) -> None:
        """A key is what a header can carry."""
        if self.key is not None and not _KEY.fullmatch(self.key):
            raise Refused(
                "is not 1 to 200 visible ASCII characters",
                "send a UUID, or the id of what it is for",
                field=HEADER,
                value=self.key[:80],
            )

    def demand_key(self) -> None:
        """Raise ``Malformed`` where there is none: asked again, points would go twice."""
        if self.key is None:
            raise Malformed(
                "is missing",
                f"send a header {HEADER}: a UUID of your own, and the same one whenever you ask "
                "again; then points go once, however often it is sent",
                field=HEADER,
            )


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked, in words that differ where it differs."""

    words: Sequence[object]
    customer: str | None = None
    """An identifier (a hash) of whose points it is about."""
    natural: str | None = None
    """A key that it has by itself: whoever asks for it, it is done once. Has a blank in it, so
    that nobody can send it."""

    @property
    def digest(self) -> str:
        """Of its words."""
        return blake2b(msgspec.json.encode(self.words), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was decided, and the answer to it."""

    decision: Decision
    answer: Mapping[str, Any]


Decide = Callable[[Deciding, str], Outcome | Conflict]
"""Decides inside the transaction, given the id of its event; a ``Conflict`` is an answer too."""


def once(balances: Balances, asked: Asked, request: Request, decide: Decide) -> dict[str, Any]:
    """The answer to ``request``: the one that was given before, or that which ``decide`` finds.

    An answer, the event behind it and the points that it takes commit together. Raises ``Refused``
    for another request under the key, the ``Conflict`` that was found, and ``Unavailable``: then
    ask again under the same key.
    """
    keys = [key for key in (asked.key, request.natural) if key is not None]
    for _ in range(TRIES):
        with (
            suppress(Moved),
            balances.deciding(asked.workspace, keys, request.customer) as deciding,
        ):
            kept = _kept(deciding, asked, request)
            if kept is None:
                kept = _decided(deciding, asked, request, decide)
            break
    else:
        raise Unavailable("the customer's identifiers change all the time; ask again")
    if kept.status == _CONFLICT:
        raise Conflict(
            kept.answer["problem"],
            kept.answer["remedy"],
            field=kept.answer["field"],
            value=kept.answer["value"],
        )
    return dict(kept.answer)


def event_id(workspace: str, key: str | None) -> str:
    """The id of what is decided under a key: whoever appends it twice appends it once."""
    if key is None:
        return secrets.token_hex(16)
    return sha256(f"command\0{workspace}\0{key}".encode()).hexdigest()[:32]


def _kept(deciding: Deciding, asked: Asked, request: Request) -> Kept | None:
    found = deciding.kept()
    own = found.get(asked.key) if asked.key else None
    if own is not None:
        if own.request != request.digest:
            raise Refused(
                "was used for another request",
                "send this one under a key of its own",
                field=HEADER,
                value=own.key,
            )
        return own
    done = found.get(request.natural) if request.natural else None
    if done is not None and asked.key is not None:
        deciding.keep([done._replace(key=asked.key, request=request.digest)])
    return done


def _decided(deciding: Deciding, asked: Asked, request: Request, decide: Decide) -> Kept:
    outcome = decide(deciding, event_id(asked.workspace, request.natural or asked.key))
    if isinstance(outcome, Conflict):
        problem = outcome.problem
        answer = {
            "problem": problem.problem,
            "field": problem.field,
            "value": problem.value,
            "remedy": problem.remedy,
        }
        # Under its natural key it may be asked again: what stands in its way may pass.
        kept = Kept(asked.key or "", request.digest, _CONFLICT, answer)
        deciding.keep([kept] if asked.key else [])
        return kept
    every = [
        Kept(key, request.digest, _CREATED, outcome.answer)
        for key in (asked.key, request.natural)
        if key is not None
    ]
    outbox_id = deciding.decide(outcome.decision, every)
    return Kept("", request.digest, _CREATED, {**outcome.answer, "outbox_id": outbox_id})
