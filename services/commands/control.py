"""Events as commands make them: checked before they wait in the outbox."""

import secrets

from schemas import Control
from schemas.validate import validate
from services.clock import Clock
from services.errors import Refused
from services.fold.decisions import decision


def formed(data: Control, clock: Clock) -> bytes:
    """``data`` as an event of now, under an id of its own; raises as ``checked``."""
    return checked(decision(data, id_=secrets.token_hex(16), occurred_at=clock.now()))


def checked(event: bytes) -> bytes:
    """The same event.

    Raises ``Refused`` for what its schema does not allow: the relay could never append it, and all
    that waits behind it would wait for ever.
    """
    verdict = validate(event)
    if isinstance(verdict, list):
        problem = verdict[0]
        raise Refused(problem.problem, problem.remedy, field=problem.field, value=problem.value)
    return event
