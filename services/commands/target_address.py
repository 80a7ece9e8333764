"""Where a target may be: what is refused as it is named, and which machines are nobody's business.

A name may lead elsewhere tomorrow, so whoever connects asks again what it leads to.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final
from urllib.parse import SplitResult, urlsplit

from schemas.identifiers import normalise
from schemas.problems import Problem
from services.errors import Refused
from services.store.targets import Kind

LONGEST: Final = 2_000
_RESERVED: Final = (IPv4Network("192.0.0.0/24"), IPv6Network("64:ff9b:1::/48"))
"""Special by RFC 6890 and 8215, which older releases of Python take for public: in the first, some
clouds keep what their machines may know."""
_TRANSLATED: Final = IPv6Network("64:ff9b::/96")
"""RFC 6052: the last 32 bits are the IPv4 address that is reached."""
_COMPATIBLE: Final = IPv6Network("::/96")
"""RFC 4291, 2.5.5.1: the same, long deprecated."""


def checked(kind: Kind, address: str, *, may_be_private: bool) -> str:
    """``address`` as it is kept; raises ``Refused``.

    ``may_be_private`` allows machines of one's own network, and addresses without TLS.
    """
    if len(address) > LONGEST:
        raise _refused(address, "is too long", f"use at most {LONGEST} characters")
    return _mail(address) if kind == "email" else _url(address, may_be_private=may_be_private)


def shown(kind: Kind, address: str) -> str:
    """As much as may be read: what follows the host of an address is often a secret."""
    if kind == "email":
        local, _, host = address.rpartition("@")
        return f"{local[:1]}…@{host}"
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}/…"


def is_public(text: str) -> bool:
    """Whether an IP address is one of the internet's: no loopback, private network or metadata."""
    address: IPv4Address | IPv6Address = ip_address(text.partition("%")[0])
    if isinstance(address, IPv6Address):
        inner = _inside(address)
        if inner is not None:
            return is_public(str(inner))
    return address.is_global and not (
        any(address in network for network in _RESERVED)
        or address.is_multicast
        or address.is_reserved
        or address.is_loopback
        or address.is_link_local
        or address.is_unspecified
        or (isinstance(address, IPv6Address) and address.is_site_local)
    )


def _inside(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that is reached through an IPv6 one."""
    if address in _TRANSLATED or (address in _COMPATIBLE and int(address) > 0xFFFF):
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None)


def _mail(address: str) -> str:
    found = normalise(f"email:{address}", region="US")
    if isinstance(found, Problem):
        raise _refused(address, found.problem, "write it like team@example.org")
    value = found[1]
    # Between angle brackets a name could bring other recipients along.
    if (
        value.count("@") != 1
        or any(sign in value for sign in ' ,;:<>"()[]\\')
        or not value.isprintable()
    ):
        raise _refused(address, "is not one plain e-mail address", "write it like team@example.org")
    return value


def _url(address: str, *, may_be_private: bool) -> str:
    parts, host = _split(address)
    if parts.scheme != "https" and not (may_be_private and parts.scheme == "http"):
        raise _refused(
            address, "does not begin with https://",
            "what is sent must not be read on its way; use https:// (http:// is for trying out, "
            "where TOUCHLINE_ALLOW_PRIVATE_TARGETS is true)",
        )  # fmt: skip
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise _refused(
            address, "has a user, a password or a fragment",
            "leave them out: what is sent is signed, which says who sends it",
        )  # fmt: skip
    if not may_be_private and _is_private(host):
        raise _refused(
            address, "is a machine of a private network",
            "name one of the internet, or set TOUCHLINE_ALLOW_PRIVATE_TARGETS=true",
        )  # fmt: skip
    return address


def _split(address: str) -> tuple[SplitResult, str]:
    remedy = "write it like https://example.org/hook, other characters percent-encoded"
    if not address.isascii() or not address.isprintable() or " " in address or "\\" in address:
        raise _refused(address, "has characters that no address has", remedy)
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname or "", parts.port
    except ValueError as cause:
        raise _refused(address, f"is no address: {cause}".lower(), remedy) from cause
    if not host:
        raise _refused(address, "names no host", remedy)
    return parts, host


def _is_private(host: str) -> bool:
    """As far as the name alone says it."""
    try:
        return not is_public(host)
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _refused(address: str, problem: str, remedy: str) -> Refused:
    # A secret may be in it: only where it leads is told.
    try:
        host = urlsplit(address).hostname or ""
    except ValueError:
        host = ""
    return Refused(problem, remedy, field="address", value=host[:80])
