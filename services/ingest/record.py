"""Record: an accepted event as the bytes of the log, what names a person sealed."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, cast

import msgspec

from schemas import Data
from schemas.codec import dump, encode
from schemas.custom import Custom
from schemas.envelope import FREE_TEXT, Posted, Recorded, Sealed, Trait, Unsealed
from services.ingest.identify import Identified
from services.vault.port import DataKey
from services.vault.seal import seal

IDENTIFIED: Final = "customer.identified"
_UNSEALED: Final = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class Draft:
    """An event that will be recorded, complete but for its data key."""

    index: int
    posted: Posted[Data]
    workspace: str
    key_kind: str
    source: str
    occurred_at: datetime
    received_at: datetime
    digest: str
    identified: Identified

    @property
    def leaf(self) -> str:
        """Where the event's facts live; empty for a control event, which names nobody."""
        return self.identified.hashes[0] if self.identified.hashes else ""


def record(draft: Draft, keys: Mapping[str, DataKey]) -> bytes:
    """The log's record of ``draft``, sealed under the leaf's key among ``keys``."""
    posted = draft.posted
    data: Data = posted.data
    free: dict[str, object] = {}
    if isinstance(data, Custom):
        data, free = replace(data, data={}), dict(data.data)
    personal = cast("dict[str, Trait]", posted.personal)
    recorded = Recorded(
        workspace=draft.workspace,
        id=posted.id,
        source=draft.source,
        type=posted.type,
        version=posted.version or data.version,
        occurred_at=draft.occurred_at,
        received_at=draft.received_at,
        identifiers=draft.identified.hashes,
        digest=draft.digest,
        key_kind=draft.key_kind,
        data=msgspec.Raw(dump(data)),
        sealed=_sealed(draft, personal, free, keys),
        has_traits=posted.type == IDENTIFIED or not personal.keys() <= FREE_TEXT,
        cause=posted.cause,
    )
    return encode(recorded)


def _sealed(
    draft: Draft, personal: dict[str, Trait], free: dict[str, object], keys: Mapping[str, DataKey]
) -> Sealed | None:
    if not draft.identified.plain:
        return None
    plain = _UNSEALED.encode(
        Unsealed(identifiers=draft.identified.plain, personal=personal, data=free)
    )
    bound_to = f"{draft.workspace}\0{draft.source}\0{draft.posted.id}".encode()
    return seal(keys[draft.leaf], plain, bound_to=bound_to)
