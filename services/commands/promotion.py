"""Promotion: which version of a model scores from now on, as an event."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any

import msgspec

from schemas import ModelPromoted
from services.clock import Clock
from services.commands.awaiting import PATIENCE_S, Decisions, applied, token
from services.commands.control import formed
from services.log.port import Log
from services.log.position import encode


@dataclass(frozen=True, slots=True)
class Promotable:
    """A model as it was trained."""

    model: str
    version: str
    trained_until: datetime
    parameters: Mapping[str, Any]
    metrics: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Promoted:
    """What came of it."""

    model: str
    version: str
    previous: str | None
    position: str
    """A token to wait for; of the outbox while ``is_applied`` is false."""
    is_applied: bool
    """Whether the folds know of it; scoring follows them."""


class Promotion:
    """Promotes; returns once the folds know of it, or after ten seconds."""

    def __init__(
        self, decisions: Decisions, log: Log, clock: Clock, *, patience_s: float = PATIENCE_S
    ) -> None:
        self._decisions, self._log, self._clock = decisions, log, clock
        self._patience_s = patience_s

    def promote(
        self, workspace: str, model: Promotable, *, previous: str | None, by: str
    ) -> Promoted:
        """Let ``model`` score the customers of ``workspace`` in the place of ``previous``."""
        digest = blake2b(msgspec.json.encode(model.parameters, order="sorted"), digest_size=16)
        event = formed(
            ModelPromoted(
                model=model.model,
                model_version=model.version,
                previous_version=previous,
                digest=digest.hexdigest(),
                trained_until_at=model.trained_until,
                metrics=dict(model.metrics),
                by=by,
            ),
            self._clock,
        )
        outbox_id = self._decisions.decide(workspace, event)
        position = applied(
            self._decisions, self._log, workspace, outbox_id, patience_s=self._patience_s
        )
        told = token(outbox_id) if position is None else encode(position)
        return Promoted(model.model, model.version, previous, told, position is not None)
