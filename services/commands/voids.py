"""Voids: what was recorded and should not count is taken back, by an event of its own.

Nothing in the log changes, and the touch stays counted; what it moved is moved back.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, get_args

from schemas import EventVoided
from schemas.codec import decode
from schemas.envelope import Recorded
from schemas.event import Voidable
from schemas.explain import shortened
from services.clock import Clock
from services.commands.awaiting import PATIENCE_S, Decisions, applied, token
from services.commands.control import checked
from services.commands.loyalty import HASH, stranger
from services.commands.once import Asked, Outcome, Request, once
from services.errors import NotFound, Refused
from services.fold.decisions import SOURCE, decision
from services.fold.take import id_hash
from services.log.port import Log, Position
from services.store.balance import Balances, Deciding, Decision

VOIDABLE: Final[tuple[str, ...]] = get_args(Voidable)
CANCELLABLE: Final = ("points.redeemed", "reward.granted")


@dataclass(frozen=True, slots=True)
class Taken:
    """What was taken back; once it is, it stays so."""

    id: str
    """Of the event that takes it back."""
    voided_type: str
    position: Position | str
    """A token while it is not applied."""

    @property
    def is_applied(self) -> bool:
        """False once ten seconds have passed: it is safe, and not folded yet."""
        return not isinstance(self.position, str)


@dataclass(frozen=True, slots=True)
class _Named:
    """An event that can be taken back."""

    source: str
    id: str
    type: str
    leaf: str
    order_id: str | None = None


class Voids:
    """Takes back; each returns once the folds have applied it, or after ten seconds."""

    def __init__(
        self, balances: Balances, decisions: Decisions, log: Log, clock: Clock,
        *, patience_s: float = PATIENCE_S,
    ) -> None:  # fmt: skip
        self._balances, self._decisions, self._log, self._clock = balances, decisions, log, clock
        self._patience_s = patience_s

    def void(self, asked: Asked, source: str, id_: str, reason: str | None) -> Taken:
        """Take back the event that ``source`` recorded under ``id_``.

        Raises ``NotFound`` for one that is not folded, ``Refused`` for one that moves nothing.
        """
        located = self._balances.located(id_hash(asked.workspace, source, id_))
        if located is None:
            raise NotFound(
                "was never recorded, or is not folded yet",
                "send source and id as recorded (browser/<key>/<source> where a browser sent it),"
                " and Touchline-Wait-For if it was sent just now",
                field="id",
                value=shortened(id_),
            )
        stored = self._log.read(located.partition, located.offset, 1)
        recorded: Recorded[Any] = decode(stored[0].payload)
        if recorded.type not in VOIDABLE:
            raise Refused(
                f"is a {recorded.type}: it moves neither money nor points, and touches stay",
                f"only these can be taken back: {', '.join(VOIDABLE)}",
                field="id",
                value=shortened(id_),
            )
        order_id = getattr(recorded.data, "order_id", None)
        named = _Named(source, id_, recorded.type, recorded.identifiers[0], order_id)
        return self._take(asked, ["void", source, id_, reason], named, reason)

    def cancel(self, asked: Asked, customer: str, id_: str, reason: str | None) -> Taken:
        """Take back a redemption or a reward of the customer whose identifier (a hash) it is.

        It may still be on its way. Raises ``NotFound`` where there is none.
        """
        if not HASH.fullmatch(customer):
            raise stranger(customer)
        with self._balances.deciding(asked.workspace, ()) as deciding:
            found = deciding.entry(customer, id_)
        if found is None or found.type not in CANCELLABLE:
            raise NotFound(
                "is no redemption of this customer",
                "send the redemption_id or reward_id that the answer gave",
                field="redemption_id",
                value=shortened(id_),
            )
        named = _Named(SOURCE, id_, found.type, found.leaf)
        return self._take(asked, ["cancel", customer, id_, reason], named, reason)

    def _take(
        self, asked: Asked, words: Sequence[object], named: _Named, reason: str | None
    ) -> Taken:
        def decide(_: Deciding, void_id: str) -> Outcome:
            data = EventVoided(
                event_source=named.source,
                event_id=named.id,
                event_type=named.type,  # type: ignore[arg-type] # one of VOIDABLE
                leaf=named.leaf,
                order_id=named.order_id,
                by=asked.by,
                reason=reason,
            )
            event = decision(data, id_=void_id, occurred_at=self._clock.now())
            return Outcome(Decision(checked(event)), {"id": void_id, "type": named.type})

        natural = f"void {id_hash(asked.workspace, named.source, named.id)}"
        answer = once(self._balances, asked, Request(words, natural=natural), decide)
        outbox_id = answer["outbox_id"]
        position = applied(
            self._decisions, self._log, asked.workspace, outbox_id, patience_s=self._patience_s
        )
        told = token(outbox_id) if position is None else position
        return Taken(answer["id"], answer["type"], told)
