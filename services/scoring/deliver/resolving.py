"""Resolving: which addresses a name leads to now, and which of them may be connected to."""

import socket
import threading
from collections.abc import Callable, Sequence
from typing import Final, TypeAlias, TypeVar

from services.commands.target_address import is_public
from services.scoring.deliver.deadline import Deadline

MOST_TRIED: Final = 3
"""Addresses of one name: a machine without IPv6 finds the others behind it."""
CONNECT_S: Final = 3.0
"""For each address, so that one that is dead leaves time for the next."""

Resolve: TypeAlias = Callable[[str, int], Sequence[str]]
"""IP addresses of a host, best first; raises ``OSError``."""
Found = TypeVar("Found")


class NotAllowed(OSError):
    """The name leads to a machine that nothing is sent to."""


def system(host: str, port: int) -> Sequence[str]:
    """As the machine resolves names."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(place[0]) for *_, place in found))


def resolved(
    host: str, port: int, deadline: Deadline, *, resolve: Resolve, may_be_private: bool
) -> Sequence[str]:
    """The addresses to connect to; raises ``OSError``, of which ``NotAllowed``."""
    found = within(deadline, lambda: resolve(host, port))
    allowed = found if may_be_private else [one for one in found if is_public(one)]
    if not allowed:
        raise NotAllowed(
            f"{host} leads to {', '.join(found[:MOST_TRIED])}, which is no address of the internet"
        )
    return allowed[:MOST_TRIED]


def connected(
    host: str, port: int, deadline: Deadline, *, resolve: Resolve, may_be_private: bool
) -> socket.socket:
    """A connection to one of the host's addresses, as they are now; raises as ``resolved``."""
    failed = OSError("has no address")
    for place in resolved(host, port, deadline, resolve=resolve, may_be_private=may_be_private):
        try:
            return socket.create_connection(
                (place, port), timeout=min(CONNECT_S, deadline.left_s())
            )
        except OSError as cause:
            failed = cause
    raise failed


def within(deadline: Deadline, work: Callable[[], Found]) -> Found:
    """What ``work`` gives; the system's resolver takes no timeout, and is left to itself then."""
    found: list[Found] = []
    failed: list[OSError] = []

    def attempt() -> None:
        try:
            found.append(work())
        except (OSError, UnicodeError) as cause:
            failed.append(cause if isinstance(cause, OSError) else OSError(str(cause)))

    thread = threading.Thread(target=attempt, name="resolve", daemon=True)
    thread.start()
    thread.join(deadline.left_s())
    if failed:
        raise failed[0]
    if not found:
        raise TimeoutError
    return found[0]
