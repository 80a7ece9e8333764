"""The parts of an address that may name several servers, as those of a cluster do."""

from typing import NamedTuple
from urllib.parse import urlsplit


class Parts(NamedTuple):
    """As they stand there; what is missing is empty."""

    scheme: str
    authority: str
    """Servers, their ports, and who asks."""
    path: str
    query: str

    @property
    def is_sound(self) -> bool:
        """Whether each server is one that Python's library takes, by itself."""
        try:
            for server in self.authority.split(","):
                urlsplit(f"//{server}")
        except ValueError:
            return False
        return True

    @property
    def uri(self) -> str:
        """The address with these parts, of servers or of a folder's socket."""
        return f"{self.scheme}://{self.authority}{self.path}{self.query and f'?{self.query}'}"


def parts_of(uri: str) -> Parts:
    """Those that RFC 3986, appendix B, gives any text; the scheme in small letters.

    Without the ends of lines around it, which a secret may bring. Python's own ``urlsplit``
    refuses, depending on its version, several servers of which one is ``[::1]``.
    """
    before, _, query = uri.strip("\r\n").partition("#")[0].partition("?")
    scheme, colon, rest = before.partition(":")
    if not colon or not scheme or "/" in scheme:
        scheme, rest = "", before
    if not rest.startswith("//"):
        return Parts(scheme.lower(), "", rest, query)
    authority, slash, path = rest[2:].partition("/")
    return Parts(scheme.lower(), authority, slash + path, query)
