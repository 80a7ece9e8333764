"""Every error Touchline raises on purpose, as one tree.

TouchlineError
├── Refused            the caller must change something: field, value, problem, remedy
│   ├── Malformed      400: the body can't be read at all
│   ├── Unauthorised   401: no key, or one we don't know
│   ├── Forbidden      403: the key is known and may not
│   ├── NotFound       404
│   ├── TooSlow        408: the body did not arrive in time
│   ├── Conflict       409: the state does not allow it
│   ├── TooLarge       413
│   ├── Unsupported    415: an encoding we don't read
│   └── Limited        429: try again after ``retry_after_s``
├── Unavailable        503: infrastructure is away; try again
├── Timeout            504: did not happen in the time asked for
├── NotOurs            somebody else owns the partition, or moved it on: stop before working
├── Damaged            a backup that is not what was written: nothing was taken from it
├── BadRecord          a record of the log that can't be read: a dead letter, never a stop
└── Misconfigured      a setting or a file is wrong; names it
"""

from schemas.problems import Problem


class TouchlineError(Exception):
    """The root: whatever Touchline raises on purpose."""


class Refused(TouchlineError):
    """The caller's input or state does not allow it; ``problem`` says what to change."""

    status = 422

    def __init__(self, problem: str, remedy: str, *, field: str = "", value: object = None) -> None:
        super().__init__(f"{field}: {problem}; {remedy}" if field else f"{problem}; {remedy}")
        self.problem = Problem(field, value, problem, remedy)


class Malformed(Refused):
    """The body can't be read at all, as JSON or as what its headers say it is."""

    status = 400


class Unauthorised(Refused):
    """No key, or one we don't know."""

    status = 401


class Forbidden(Refused):
    """The key is known and may not do this."""

    status = 403


class NotFound(Refused):
    """Nothing by that name in this workspace."""

    status = 404


class TooSlow(Refused):
    """The body did not arrive in the time a request has."""

    status = 408


class Conflict(Refused):
    """The state does not allow it now."""

    status = 409


class TooLarge(Refused):
    """More than a limit allows in one request."""

    status = 413


class Unsupported(Refused):
    """An encoding or media type that we don't read."""

    status = 415


class Limited(Refused):
    """Too often; try again after ``retry_after_s`` seconds."""

    status = 429

    def __init__(self, problem: str, remedy: str, *, retry_after_s: int) -> None:
        super().__init__(problem, remedy)
        self.retry_after_s = retry_after_s


class Unavailable(TouchlineError):
    """Infrastructure (database, broker, archive) did not answer; nothing was done, try again."""


class Timeout(TouchlineError):
    """What was waited for did not happen in time; it may still."""


class NotOurs(TouchlineError):
    """The checkpoint is not where we left it: another worker owns the partition."""


class Damaged(TouchlineError):
    """A backup that is not whole, not what was written, or not to be opened; names the file."""


class BadRecord(TouchlineError):
    """A record of the log that can't be decoded, opened or upcast; ``reason`` is kept with it."""


class Misconfigured(TouchlineError):
    """A setting or a file is wrong; the message names it and the remedy."""
