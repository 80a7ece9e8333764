"""Auth: from a request's header to the key behind it, or the refusal."""

import base64
import binascii
from typing import Final

import anyio
from anyio import to_thread
from fastapi.openapi.models import HTTPBearer
from fastapi.security.base import SecurityBase
from starlette.requests import Request

from services.edge.keys import RIGHTS, CachedKeys, Key, Keys, Right, hashed
from services.edge.rate import Rates
from services.edge.trace import note
from services.errors import Forbidden, Unauthorised

LOOK_UP_THREADS: Final = 4
"""Look-ups at a time: made-up keys wait for each other, not appends for them."""
_REMEDY: Final = "send Authorization: Bearer KEY, or HTTP Basic with the key as user name"
_NEEDED: Final = {
    "read": "a secret or admin key",
    "administer": "an admin key",
    "append": "any key",
}


class Gate:
    """Knows the keys and their rates; one a process, shared by both services."""

    def __init__(self, keys: Keys, rates: Rates) -> None:
        self._store = keys
        self._keys = CachedKeys(keys)
        self._rates = rates
        self._threads = anyio.CapacityLimiter(LOOK_UP_THREADS)

    def reach(self) -> None:
        """Return where the store of keys answers; raises ``Unavailable``."""
        self._store.find(hashed(""))

    async def admit(self, request: Request, right: Right) -> Key:
        """The key behind ``request``, if it has ``right``.

        Raises ``Unauthorised``, ``Forbidden``, ``Limited`` or ``Unavailable``.
        """
        key_hash = hashed(presented(request.headers.get("authorization")))
        key = self._keys.cached(key_hash)
        if key is None:
            key = await to_thread.run_sync(self._keys.find, key_hash, limiter=self._threads)
        if key is None:
            raise Unauthorised(
                "this key is not known or no longer valid", "make one with touchline keys create"
            )
        note(request.scope, workspace=key.workspace, key_id=key.key_id)
        if right not in RIGHTS.get(key.kind, ()):
            raise Forbidden(f"a {key.kind} key may not {right}", f"use {_NEEDED[right]}")
        self._rates.admit(key.key_id)
        return key


class Needs(SecurityBase):
    """A dependency that OpenAPI shows: ``key: Annotated[Key, Depends(Needs(gate, "read"))]``."""

    def __init__(self, gate: Gate, right: Right) -> None:
        self.model = HTTPBearer(
            description=f"{_NEEDED[right].capitalize()}; or HTTP Basic with it as user name."
        )
        self.scheme_name = "key"
        self._gate = gate
        self._right: Right = right

    async def __call__(self, request: Request) -> Key:
        """The key that may; see ``Gate.admit``."""
        return await self._gate.admit(request, self._right)


def presented(authorization: str | None) -> str:
    """The key in an ``Authorization`` header; raises ``Unauthorised`` where there is none."""
    scheme, _, rest = (authorization or "").strip().partition(" ")
    match scheme.lower():
        case "bearer" if rest.strip():
            return rest.strip()
        case "basic":
            return _user_name(rest.strip())
        case _:
            raise Unauthorised("no key was sent", _REMEDY, field="Authorization")


def _user_name(credentials: str) -> str:
    try:
        user, _, _ = base64.b64decode(credentials, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise Unauthorised("is no HTTP Basic", _REMEDY, field="Authorization") from error
    if not user:
        raise Unauthorised("no key was sent", _REMEDY, field="Authorization")
    return user
