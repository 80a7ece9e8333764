"""Keys: who a caller is and what a kind of key may; known by their SHA-256 alone."""

from collections.abc import Callable, Mapping
from hashlib import sha256
from time import monotonic
from typing import Final, Literal, Protocol, TypeAlias

from services.store.tenants import FoundKey

Right = Literal["append", "read", "administer"]

RIGHTS: Final[Mapping[str, frozenset[str]]] = {
    "browser": frozenset({"append"}),
    "write": frozenset({"append"}),
    "secret": frozenset({"append", "read"}),
    "admin": frozenset({"append", "read", "administer"}),
}
TTL_S: Final = 2.0
"""A revoked key is refused, and a new one known, at the latest after this."""
MAX_CACHED: Final = 10_000


Key: TypeAlias = FoundKey
"""A key in force, with what its workspace says of itself."""


class Keys(Protocol):
    """What the edge asks of the keys."""

    def find(self, key_hash: bytes) -> Key | None:
        """The key with this SHA-256 if it is in force; raises ``Unavailable``."""


def hashed(key: str) -> bytes:
    """What is stored of a key; it is random enough to need no salt and no slow hash."""
    return sha256(key.encode()).digest()


class CachedKeys:
    """Remembers for ``TTL_S`` who was found and who was not, each bounded and apart.

    Apart, so that a flood of made-up keys can't push out those in force.
    """

    def __init__(self, keys: Keys, now_s: Callable[[], float] = monotonic) -> None:
        self._keys = keys
        self._now_s = now_s
        self._found: dict[bytes, tuple[float, Key]] = {}
        self._unknown: dict[bytes, float] = {}

    def cached(self, key_hash: bytes) -> Key | None:
        """The key if it was found lately; never asks the store."""
        expires_s, key = self._found.get(key_hash, (0.0, None))
        return key if expires_s > self._now_s() else None

    def find(self, key_hash: bytes) -> Key | None:
        """The key, from memory or the store; raises ``Unavailable`` where the store is away."""
        now = self._now_s()
        if self._unknown.get(key_hash, 0.0) > now:
            return None
        if (key := self.cached(key_hash)) is not None:
            return key
        key = self._keys.find(key_hash)
        if key is None:
            self._unknown[key_hash] = now + TTL_S
            self._found.pop(key_hash, None)
            _bound(self._unknown)
        else:
            self._found[key_hash] = (now + TTL_S, key)
            _bound(self._found)
        return key


def _bound(cache: dict[bytes, float] | dict[bytes, tuple[float, Key]]) -> None:
    if len(cache) > MAX_CACHED:
        cache.pop(next(iter(cache)), None)
