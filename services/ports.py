"""Ports of this machine that are free to listen on."""

import socket
from contextlib import suppress

from services.errors import Conflict, Unavailable


def free_port(preferred: int = 0) -> int:
    """``preferred`` if nobody of this machine listens on it, else any that is free."""
    for port in (preferred, 0):
        with suppress(OSError):
            return _bound("127.0.0.1", port)
    raise Unavailable("there is no free port on 127.0.0.1")


def claimed_port(host: str, port: int) -> int:
    """``port`` of ``host``, or any free one for 0; raises ``Conflict`` when it is taken."""
    try:
        return _bound(host, port)
    except OSError as cause:
        raise Conflict(
            f"{host}:{port} can't be listened on ({cause.strerror or cause})",
            "stop what listens there, or name another with --port or TOUCHLINE_PORT",
        ) from cause


def _bound(host: str, port: int) -> int:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))
        chosen: int = probe.getsockname()[1]
        return chosen
