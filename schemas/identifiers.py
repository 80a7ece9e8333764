"""Identifiers: how ``kind:value`` is read, normalised and ranked, before anything is hashed.

Normalising can't be mended later: a hash of another spelling is another customer.
"""

import unicodedata
from functools import lru_cache
from typing import Final

import phonenumbers

from schemas.problems import Problem

MAX_IDENTIFIERS: Final = 20
MAX_LENGTH: Final = 512
STRENGTHS: Final = {"user": 0, "email": 1, "phone": 2, "anonymous": 4}
EXTERNAL: Final = 3
BLOCKED: Final = frozenset(
    {"", "0", "-1", "1234567890", "00000000-0000-0000-0000-000000000000", "[object object]"}
    | {"anonymous", "blank", "customer", "default", "deleted", "demo", "empty", "guest", "id"}
    | {"false", "true", "n/a", "na", "nan", "nil", "none", "not_set", "null", "undefined"}
    | {"test", "unknown", "user", "user_id", "userid", "visitor"}
)
"""Values that name nobody; senders put them where an identifier was missing."""


def strength(kind: str) -> int:
    """0 (a login) to 4 (an anonymous device); kinds we don't know are external."""
    return STRENGTHS.get(kind, EXTERNAL)


def is_blocked(value: str) -> bool:
    """Whether ``value`` is a placeholder: it is stripped, since it would join strangers."""
    return value.casefold() in BLOCKED


def normalise(identifier: str, *, region: str) -> tuple[str, str] | Problem:
    """Split ``kind:value`` and normalise the value; ``region`` reads phones without a prefix.

    E-mail addresses become lower-case NFC, phone numbers E.164, all others are trimmed.
    """
    kind, colon, value = identifier.partition(":")
    kind, value = kind.strip().lower(), unicodedata.normalize("NFC", value.strip())
    if not colon or not _is_kind(kind):
        return Problem(
            "identifiers",
            identifier,
            "is not kind:value",
            "write it like user:42 or email:ada@example.org",
        )
    if len(value) > MAX_LENGTH:
        return Problem(
            "identifiers", value[:40], f"is longer than {MAX_LENGTH} characters", "shorten it"
        )
    if is_blocked(value):
        return kind, value
    if kind == "email":
        return _email(value)
    if kind == "phone":
        return _phone(value, region)
    return kind, value


def _is_kind(kind: str) -> bool:
    return (
        0 < len(kind) <= 40 and kind.replace("_", "").replace("-", "").isalnum() and kind.isascii()
    )


def _email(value: str) -> tuple[str, str] | Problem:
    local, at, domain = value.rpartition("@")
    if not at or not local or not domain or any(character.isspace() for character in value):
        return Problem(
            "identifiers",
            f"email:{value}",
            "is not an e-mail address",
            "write it like ada@example.org",
        )
    return "email", unicodedata.normalize("NFC", value.lower())


@lru_cache(maxsize=4096)  # reading a number takes 20 µs, and customers come in bursts
def _phone(value: str, region: str) -> tuple[str, str] | Problem:
    try:
        number = phonenumbers.parse(value, region)
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not phonenumbers.is_possible_number(number):
        return Problem(
            "identifiers",
            f"phone:{value}",
            f"is not a phone number in region {region}",
            "write it in E.164, like +442079460018",
        )
    formatted = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    # An extension is another person's telephone: without it colleagues would be one customer.
    return "phone", f"{formatted};ext={number.extension}" if number.extension else formatted
