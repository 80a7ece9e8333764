"""Records of an inbox as events of ours: CloudEvents in either mode, or events as posted (pure)."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from schemas.problems import Problem
from services.ingest.sources.cloudevents import STRUCTURED, CloudEvent, binary, posted, structured
from services.ingest.sources.mapped import Mapped
from services.log.inbox import Inbound

_PREFIX: Final = "ce_"
_VERSION: Final = "ce_specversion"
_TYPE: Final = "content-type"


class _Head(msgspec.Struct):
    id: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    specversion: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


_HEAD: Final = msgspec.json.Decoder(_Head)
_MEMBERS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])


def mapped(record: Inbound) -> Mapped:
    """``record`` as the event that its producer would post.

    One without an id is named by its place, so that reading it again makes the same event.
    """
    cloud_event = read(record)
    if cloud_event is None:
        return _ours(record)
    if isinstance(cloud_event, Problem):
        return Mapped(record.value or b"", cloud_event)
    return posted(cloud_event, otherwise_id=place(record))


def read(record: Inbound) -> CloudEvent | Problem | None:
    """The CloudEvent that ``record`` is; None where it is none, but an event as posted."""
    headers = _texts(record.headers)
    content_type, payload = headers.get(_TYPE, ""), record.value or b""
    if content_type.lower().startswith(STRUCTURED):
        if content_type.partition(";")[0].strip().lower() == f"{STRUCTURED}+json":
            return structured(payload)
        remedy = "send one event a record, as application/cloudevents+json or in the binary mode"
        return Problem(_TYPE, content_type[:100], "is no format that we read", remedy)
    if _VERSION in headers:
        attributes = {
            name.removeprefix(_PREFIX): value
            for name, value in headers.items()
            if name.startswith(_PREFIX)
        }
        if content_type:
            attributes["datacontenttype"] = content_type
        return binary(attributes, payload)
    # What lost its headers on its way is one all the same: no event of ours has this member.
    return structured(payload) if _head(payload).specversion is not msgspec.UNSET else None


def place(record: Inbound) -> str:
    """Where ``record`` is among all, which names it for ever."""
    return f"{record.topic}:{record.partition}:{record.offset}"


def _ours(record: Inbound) -> Mapped:
    raw = record.value or b""
    if not raw:
        return Mapped(raw, Problem("", None, "is an empty record", "send one event a record"))
    if _head(raw).id is not msgspec.UNSET:
        return Mapped(raw)
    try:
        members: dict[str, Any] = _MEMBERS.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        # No object: said by whoever validates it.
        return Mapped(raw)
    return Mapped(msgspec.json.encode({"id": place(record), **members}))


def _head(raw: bytes) -> _Head:
    try:
        return _HEAD.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _Head()


def _texts(headers: Sequence[tuple[str, bytes | None]]) -> Mapping[str, str]:
    """Headers by their names in small letters, as some clients write them in others."""
    return {name.lower(): (value or b"").decode(errors="replace") for name, value in headers}
