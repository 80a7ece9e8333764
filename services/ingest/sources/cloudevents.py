"""CloudEvents 1.0: messages in the binary and the structured content mode, as events of ours.

https://github.com/cloudevents/spec: core, JSON format, HTTP and Kafka protocol bindings, 1.0.2.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import msgspec

from schemas import TYPES, key_of
from schemas.custom import PREFIX
from schemas.problems import Problem
from services.ingest.sources.mapped import Mapped

SPEC: Final = "1.0"
STRUCTURED: Final = "application/cloudevents"
BATCHED: Final = "application/cloudevents-batch"
_JSON: Final = re.compile(r"(?:application|text)/(?:[\w.-]+\+)?json", re.IGNORECASE)
_NAMES: Final = re.compile(r"(?!\w+://)[A-Za-z0-9][\w-]{0,39}:\S.*", re.ASCII | re.DOTALL)
_NO_WORD: Final = re.compile(r"[^\w]*[^\w.-][^\w]*|[.-]{2,}")
_OURS: Final = ("identifiers", "personal")
"""Members of the envelope that a producer may leave in the data."""
_FAMILIES: Final = frozenset(name.partition(".")[0] for name in TYPES)
_MEMBERS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ANY: Final = msgspec.json.Decoder()
_ENCODER: Final = msgspec.json.Encoder()
_ENDS: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class CloudEvent(NamedTuple):
    """A message, read; ``attributes`` by the names of the specification, extensions included."""

    attributes: Mapping[str, Any]
    data: bytes | None = None
    """As JSON, whatever it was; bytes that are neither JSON nor text as ``{"base64": …}``."""
    problem: Problem | None = None
    """Why it is none of the version that we read, as far as it could be read."""


def binary(attributes: Mapping[str, str], payload: bytes) -> CloudEvent:
    """Of a message whose headers hold the ``attributes`` and whose payload is the data."""
    problem = _of_another_version(attributes)
    data, broken = _content(payload, attributes.get("datacontenttype", ""))
    return CloudEvent(attributes, data, problem or broken)


def structured(payload: bytes) -> CloudEvent | Problem:
    """Of a message whose payload is the whole event, in the JSON format."""
    try:
        members = _MEMBERS.decode(payload)
        data = members.pop("data", None)
        attributes = {name: _ANY.decode(member) for name, member in members.items()}
    except _ENDS:
        remedy = "send a CloudEvent in the JSON format, one a message"
        return Problem("", None, "is no JSON object", remedy)
    given = {name: value for name, value in attributes.items() if value is not None}
    problem = _of_another_version(given)
    encoded = given.pop("data_base64", None)
    if encoded is None:
        return CloudEvent(given, None if data is None else bytes(data), problem)
    try:
        payload = base64.b64decode(str(encoded), validate=True)
    except (binascii.Error, ValueError):
        remedy = "encode it as RFC 4648 says, or send data"
        wrong = Problem("data_base64", str(encoded)[:40], "is no base64", remedy)
        return CloudEvent(given, None, problem or wrong)
    content, broken = _content(payload, str(given.get("datacontenttype", "")))
    return CloudEvent(given, content, problem or broken)


def posted(event: CloudEvent, *, otherwise_id: str | None = None) -> Mapped:
    """``event`` as one of ours; one without an id gets ``otherwise_id``.

    A type that the catalogue doesn't know becomes a custom one. Identifiers are the attribute
    ``identifiers`` (separated by commas) and the data's member of that name, or, without these, a
    subject that is ``kind:value``; ``personal`` is taken out of the data too.
    """
    given = event.attributes
    type_ = _type(given.get("type"))
    is_custom = isinstance(type_, str) and type_.startswith(PREFIX)
    data, taken = _parted(event.data, is_custom=is_custom)
    envelope = {
        "id": given.get("id", otherwise_id),
        "source": given.get("source"),
        "type": type_,
        "version": _number(given.get("version")),
        "occurred_at": given.get("time"),
        "identifiers": _identifiers(given, taken.get("identifiers")),
        "personal": taken.get("personal", given.get("personal")),
        "data": data,
        "cause": given.get("cause", given.get("causationid")),
    }
    raw = _ENCODER.encode({name: value for name, value in envelope.items() if value is not None})
    return Mapped(raw, event.problem)


def _of_another_version(attributes: Mapping[str, Any]) -> Problem | None:
    version = attributes.get("specversion")
    if version == SPEC:
        return None
    shown = None if version is None else str(version)[:40]
    return Problem("specversion", shown, "is not 1.0", "send CloudEvents of version 1.0")


def _content(payload: bytes, content_type: str) -> tuple[bytes | None, Problem | None]:
    """The data as JSON, and what is wrong with it; without a content type by its looks."""
    if not payload:
        return None, None
    is_json = _JSON.match(content_type)
    if is_json or not content_type:
        try:
            _ANY.decode(payload)
        except _ENDS:
            problem = Problem("data", None, "is no JSON, as its content type says", "send JSON")
            return _as_text(payload), problem if is_json else None
        return payload, None
    return _as_text(payload), None


def _as_text(payload: bytes) -> bytes:
    try:
        return _ENCODER.encode(payload.decode())
    except UnicodeDecodeError:
        return _ENCODER.encode({"base64": base64.b64encode(payload).decode()})


def _parted(data: bytes | None, *, is_custom: bool) -> tuple[msgspec.Raw, Mapping[str, Any]]:
    """The data as it will be posted, and what of the envelope's it held."""
    try:
        members = _MEMBERS.decode(data or b"{}")
    except _ENDS:
        # Types of the catalogue refuse what is no object, and say so; others hold anything.
        value = msgspec.Raw(data or b"null")
        return (msgspec.Raw(_ENCODER.encode({"value": value})) if is_custom else value), {}
    taken: dict[str, Any] = {name: members.pop(name) for name in _OURS if name in members}
    return msgspec.Raw(_ENCODER.encode(members)), taken


def _type(given: object) -> object:
    if not isinstance(given, str) or key_of(given) or given.partition(".")[0] in _FAMILIES:
        # One that looks like ours and is none is a mistake: it is refused with the names there are.
        return given
    name = _NO_WORD.sub("-", given.lower().removeprefix(PREFIX)).strip(".-")
    return PREFIX + name if name else given


def _identifiers(given: Mapping[str, Any], inside: msgspec.Raw | None) -> object:
    named = given.get("identifiers", [])
    found = [one for one in named.split(",") if one.strip()] if isinstance(named, str) else named
    within = [] if inside is None else _ANY.decode(inside)
    if not isinstance(found, list) or not isinstance(within, list):
        # Refused by name, like all that is no list.
        return found if inside is None else within
    subject = given.get("subject")
    if not (all_ := [*found, *within]) and isinstance(subject, str) and _NAMES.fullmatch(subject):
        return [subject]
    return list(dict.fromkeys(all_)) if all(isinstance(one, str) for one in all_) else all_


def _number(version: object) -> object:
    """In headers numbers are text."""
    is_text = isinstance(version, str) and version.isascii() and version.isdigit()
    return int(str(version)[:10]) if is_text else version
