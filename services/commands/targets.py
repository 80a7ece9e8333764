"""Targets: where a workspace has its decisions sent; made, listed, changed."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, get_args

from schemas import (
    AlertAcknowledged,
    AlertClosed,
    AlertRaised,
    LifecycleChanged,
    PointsExpiring,
    ScoreComputed,
    TierChanged,
)
from services.clock import Clock
from services.commands.target_address import checked, shown
from services.commands.target_secrets import Secrets, new_secret, open_secrets, seal_secrets
from services.errors import Conflict, NotFound, Refused
from services.log.port import Log
from services.store.targets import (
    Kind,
    Language,
    TargetRow,
    Traffic,
)
from services.store.targets import (
    Targets as Store,
)
from services.vault.port import Vault

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)
TYPES: Final = tuple(
    kind.type
    for kind in (
        LifecycleChanged,
        TierChanged,
        PointsExpiring,
        ScoreComputed,
        AlertRaised,
        AlertAcknowledged,
        AlertClosed,
    )
)
"""What can be sent."""
ALERTS: Final = tuple(name for name in TYPES if name.startswith("alert."))
"""What is sent unless somebody chooses."""
MOST: Final = 50
"""Targets of a workspace: each decision is written down once for each of them."""
LONGEST: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A target as it is asked for."""

    kind: str
    address: str = field(repr=False)
    name: str = ""
    types: Sequence[str] = ALERTS
    language: str = "en"
    secret: str = field(default="", repr=False)
    """Of a Feishu bot that checks signatures; a webhook's is made by us."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is to be different; None stays as it is."""

    name: str | None = None
    address: str | None = field(default=None, repr=False)
    types: Sequence[str] | None = None
    language: str | None = None
    is_enabled: bool | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """A target just made; a webhook's ``secret`` is nowhere else to be had."""

    row: TargetRow
    secret: str = field(repr=False)


class Targets:
    """The targets of all workspaces; who asks names one."""

    def __init__(
        self, store: Store, vault: Vault, log: Log, clock: Clock, *, may_be_private: bool
    ) -> None:  # fmt: skip
        self._store, self._vault, self._log, self._clock = store, vault, log, clock
        self._may_be_private = may_be_private

    def create(self, workspace: str, draft: Draft) -> Made:
        """Make a target that is told of what is decided from now on.

        Raises ``Refused`` for what can't be, ``Conflict`` for one too many, ``NotFound`` for a
        workspace.
        """
        kind = _kind(draft.kind)
        address = checked(kind, draft.address, may_be_private=self._may_be_private)
        secret = _first_secret(kind, draft.secret)
        target_id, now = f"t_{secrets.token_hex(8)}", self._clock.now()
        row = TargetRow(
            target_id=target_id,
            workspace=workspace,
            name=_name(draft.name) or shown(kind, address),
            kind=kind,
            shown=shown(kind, address),
            types=_types(draft.types),
            language=_language(draft.language),
            is_enabled=True,
            sealed=seal_secrets(Secrets(address, secret), workspace, target_id, self._vault),
            begins_at=self._log.ends(),
            created_at=now,
            changed_at=now,
        )
        if not self._store.insert(row, most=MOST):
            raise Conflict(
                f"has {MOST} targets, which is all it may have", "change one of them",
                field="workspace", value=workspace,
            )  # fmt: skip
        return Made(row, secret if kind == "webhook" else "")

    def all(self, workspace: str) -> Sequence[tuple[TargetRow, Traffic]]:
        """The targets of a workspace, oldest first, and what became of what they were sent."""
        return self._store.all(workspace)

    def find(self, workspace: str, target_id: str) -> tuple[TargetRow, Traffic]:
        """One target; raises ``NotFound``."""
        found = self._store.find(workspace, target_id)
        if found is None:
            raise _unknown(target_id)
        return found

    def change(self, workspace: str, target_id: str, change: Change) -> TargetRow:
        """Change a target; what was disabled begins at the present once it is enabled again.

        What waited then goes on waiting, for three days at most. Raises as ``create``.
        """
        with self._store.changing(workspace, target_id) as held:
            if held is None:
                raise _unknown(target_id)
            row = held.row
            if change.address is not None:
                row = self._moved(row, change.address)
            if change.name is not None:
                row = row._replace(name=_name(change.name) or row.shown)
            if change.types is not None:
                row = row._replace(types=_types(change.types))
            if change.language is not None:
                row = row._replace(language=_language(change.language))
            if change.is_enabled is not None:
                if change.is_enabled and not row.is_enabled:
                    row = row._replace(begins_at=self._log.ends())
                row = row._replace(is_enabled=change.is_enabled)
            row = row._replace(changed_at=self._clock.now())
            held.save(row)
        return row

    def rotate(self, workspace: str, target_id: str, secret: str = "") -> Made:
        """Give a target another secret; a webhook's old one signs beside it for a day.

        A Feishu bot's is given, and takes the place of the old one at once. Raises ``Refused``
        where a target has none.
        """
        with self._store.changing(workspace, target_id) as held:
            if held is None:
                raise _unknown(target_id)
            row = held.row
            known = open_secrets(row.sealed, workspace, target_id, self._vault)
            if row.kind == "webhook":
                known = known.rotated(_first_secret(row.kind, secret), self._clock.now())
            else:
                known = Secrets(known.address, _next_secret(row.kind, secret))
            row = row._replace(
                sealed=seal_secrets(known, workspace, target_id, self._vault),
                changed_at=self._clock.now(),
            )
            held.save(row)
        return Made(row, known.secret if row.kind == "webhook" else "")

    def _moved(self, row: TargetRow, address: str) -> TargetRow:
        address = checked(row.kind, address, may_be_private=self._may_be_private)
        known = open_secrets(row.sealed, row.workspace, row.target_id, self._vault)
        moved = Secrets(address, known.secret, known.previous, known.previous_until)
        sealed = seal_secrets(moved, row.workspace, row.target_id, self._vault)
        name = shown(row.kind, address) if row.name == row.shown else row.name
        return row._replace(sealed=sealed, shown=shown(row.kind, address), name=name)


def _kind(text: str) -> Kind:
    for kind in KINDS:
        if kind == text:
            return kind
    raise Refused("is no kind of target", _one_of(KINDS), field="kind", value=text[:80])


def _language(text: str) -> Language:
    for language in LANGUAGES:
        if language == text:
            return language
    raise Refused("is no language we write", _one_of(LANGUAGES), field="language", value=text[:80])


def _types(names: Sequence[str]) -> Sequence[str]:
    for name in names:
        if name not in TYPES:
            raise Refused("can't be sent", _one_of(TYPES), field="types", value=name[:80])
    if not names:
        raise Refused("are none", "name one at least, or disable the target", field="types")
    return [name for name in TYPES if name in names]


def _name(text: str) -> str:
    if len(text) > LONGEST or not text.isprintable():
        remedy = f"use at most {LONGEST} characters, all printable"
        raise Refused("is too long, or not to be read", remedy, field="name", value=text[:80])
    return text.strip()


def _first_secret(kind: Kind, given: str) -> str:
    if kind != "webhook":
        return _next_secret(kind, given) if given else ""
    if given:
        raise Refused("is made by us", "leave it out: the answer shows it once", field="secret")
    return new_secret()


def _next_secret(kind: Kind, given: str) -> str:
    if kind != "feishu":
        raise Refused(
            f"is nothing a target of kind {kind} has", "change its address instead", field="secret"
        )
    if not 0 < len(given) <= LONGEST or not given.isprintable():
        remedy = "copy it from the bot's settings, under signature verification"
        raise Refused("is missing, or not to be read", remedy, field="secret")
    return given


def _one_of(names: Sequence[str]) -> str:
    return f"use {', '.join(names[:-1])} or {names[-1]}"


def _unknown(target_id: str) -> NotFound:
    return NotFound(
        "is no target of this workspace", "GET /v1/targets lists them",
        field="target_id", value=target_id[:80],
    )  # fmt: skip
