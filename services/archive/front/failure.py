"""What ClickHouse calls an exception: a numeric code, a message, and an HTTP status for it."""

import re
from typing import Final

AUTHENTICATION_FAILED: Final = 516
REQUIRED_PASSWORD: Final = 194
SYNTAX_ERROR: Final = 62
ACCESS_DENIED: Final = 497
NOT_IMPLEMENTED: Final = 48
TOO_MANY_QUERIES: Final = 202
TOO_LARGE: Final = 307
BAD_ARGUMENTS: Final = 36
INCORRECT_DATA: Final = 117
NOT_ENOUGH_SPACE: Final = 243
CORRUPTED_DATA: Final = 246

_NAMES: Final = {
    AUTHENTICATION_FAILED: "AUTHENTICATION_FAILED",
    REQUIRED_PASSWORD: "REQUIRED_PASSWORD",
    SYNTAX_ERROR: "SYNTAX_ERROR",
    ACCESS_DENIED: "ACCESS_DENIED",
    NOT_IMPLEMENTED: "NOT_IMPLEMENTED",
    TOO_MANY_QUERIES: "TOO_MANY_SIMULTANEOUS_QUERIES",
    TOO_LARGE: "TOO_MANY_BYTES",
    BAD_ARGUMENTS: "BAD_ARGUMENTS",
    INCORRECT_DATA: "INCORRECT_DATA",
    NOT_ENOUGH_SPACE: "NOT_ENOUGH_SPACE",
}

# As in ClickHouse's src/Server/HTTP/exceptionCodeToHTTPStatus.cpp; every other code is 500.
_STATUSES: Final = {
    194: 401, 192: 403, 193: 403, 516: 403, 497: 403, 164: 403,
    6: 400, 26: 400, 27: 400, 38: 400, 41: 400, 43: 400, 53: 400, 62: 400, 69: 400,
    36: 400, 42: 400, 72: 400, 73: 400, 117: 400, 130: 400, 376: 400, 456: 400, 457: 400,
    16: 404, 46: 404, 47: 404, 50: 404, 56: 404, 60: 404, 81: 404, 115: 404,
    159: 408, 307: 413, 48: 501, 202: 503, 209: 503, 210: 503, 243: 503,
}  # fmt: skip

_CODE = re.compile(r"Code: (\d+)\. DB::Exception: ")
_VERSION = re.compile(r" \(version [\w.]+(?: \([^)]*\))?\)")


class Failure(Exception):
    """Refused or failed: ``code`` is ClickHouse's, the message as its server would send it."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code

    @property
    def status(self) -> int:
        return _STATUSES.get(self.code, 500)


def refused(code: int, problem: str) -> Failure:
    """A failure of our own, worded as ClickHouse words its own."""
    return Failure(code, f"Code: {code}. DB::Exception: {problem} ({_NAMES[code]})")


def failed(error: Exception) -> Failure:
    """What chdb raised: the innermost code is the cause, what wraps it repeats it."""
    text = _VERSION.sub("", str(error)).strip()
    found = list(_CODE.finditer(text))
    if not found:
        return Failure(1001, f"Code: 1001. DB::Exception: {text} (STD_EXCEPTION)")
    return Failure(int(found[-1][1]), text[found[-1].start() :])
