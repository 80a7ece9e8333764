"""Posting: one request to one address that was looked at before, and what was answered.

Connects to the very address that was checked, under the name that was asked for (Host, SNI and
certificate), follows no redirect, uses no proxy, and is done by its deadline.
"""

import socket
import ssl
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException, HTTPResponse
from importlib.metadata import version
from typing import Any, Final, cast
from urllib.parse import SplitResult, urlsplit

from services.clock import Clock
from services.scoring.deliver.deadline import BoundedSocket, Deadline
from services.scoring.deliver.resolving import NotAllowed, Resolve, connected, system

ATTEMPT_S: Final = 8.0
"""For name, connection and answer together; Standard Webhooks suggests 15 to 30, and a receiver
that works after it answered needs none of it."""
EXCERPT: Final = 4_096
"""Bytes of an answer's body that are read."""
SAID: Final = 200
"""Characters of it that are kept for whoever looks why."""
_PORTS: Final[Mapping[str, int]] = {"https": 443, "http": 80}
_USER_AGENT: Final = f"Touchline/{version('touchline')}"
_RETRIED_LATER: Final = {429, 503}


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of an attempt; it was taken where there is no ``problem``."""

    status: int | None = None
    problem: str = ""
    body: bytes = b""
    """As far as it was read."""
    asked_s: float = 0.0
    """How long we were asked to wait before the next attempt."""


class Poster:
    """Posts to the internet, and to one's own network where ``may_be_private``."""

    def __init__(
        self,
        clock: Clock,
        *,
        may_be_private: bool,
        resolve: Resolve = system,
        tls: ssl.SSLContext | None = None,
        attempt_s: float = ATTEMPT_S,
    ) -> None:
        """``tls`` verifies certificates; by default as the machine trusts them."""
        self._clock, self._may_be_private = clock, may_be_private
        self._resolve, self._attempt_s = resolve, attempt_s
        self._tls = tls or ssl.create_default_context()

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Post once; whatever goes wrong is the answer's ``problem``."""
        deadline = Deadline(self._attempt_s)
        parts = urlsplit(url)
        if parts.scheme != "https" and not self._may_be_private:
            return Answer(problem="its address is not https://, which is no longer allowed")
        try:
            with closing(self._connected(parts, deadline)) as link:
                return self._exchanged(link, parts, (headers, body), deadline)
        except ssl.SSLCertVerificationError as cause:
            return Answer(problem=f"its certificate is not to be trusted: {cause.verify_message}")
        except ssl.SSLError as cause:
            return Answer(problem=f"TLS fails: {cause.reason or cause}")
        except TimeoutError:
            return Answer(problem=f"did not answer within {self._attempt_s:g} s")
        except NotAllowed as cause:
            return Answer(problem=f"{cause}; nothing was sent")
        except (OSError, HTTPException) as cause:
            said = str(cause) or type(cause).__name__
            return Answer(problem=f"can't be reached: {said[:SAID]}")

    def _connected(self, parts: SplitResult, deadline: Deadline) -> socket.socket:
        host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
        link = connected(
            host, port, deadline, resolve=self._resolve, may_be_private=self._may_be_private
        )
        return self._secured(link, host, deadline) if parts.scheme == "https" else link

    def _secured(
        self, link: socket.socket, host: str, deadline: Deadline
    ) -> ssl.SSLSocket:  # fmt: skip
        try:
            link.settimeout(deadline.left_s())
            return self._tls.wrap_socket(link, server_hostname=host)
        except BaseException:
            link.close()
            raise

    def _exchanged(
        self,
        link: socket.socket,
        parts: SplitResult,
        request: tuple[Mapping[str, str], bytes],
        deadline: Deadline,
    ) -> Answer:
        headers, body = request
        # Its name is only for connections that it would open itself.
        connection = HTTPConnection("connected")
        connection.sock = link
        link.settimeout(deadline.left_s())
        path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        said = {
            "Host": parts.netloc,
            "User-Agent": _USER_AGENT,
            "Content-Type": "application/json",
            "Accept-Encoding": "identity",
            "Connection": "close",
            **headers,
        }
        connection.request("POST", path, body=body, headers=said)
        bounded: Any = BoundedSocket(link, deadline)
        with closing(HTTPResponse(cast("socket.socket", bounded), method="POST")) as response:
            response.begin()
            return self._answer(response)

    def _answer(self, response: HTTPResponse) -> Answer:
        status, body = response.status, response.read(EXCERPT)
        if 200 <= status < 300:
            return Answer(status, body=body)
        asked_s = self._asked_s(response) if status in _RETRIED_LATER else 0.0
        if 300 <= status < 400:
            return Answer(
                status, f"answered {status}: redirects are not followed, name where it leads", body
            )
        said = excerpt(body)
        return Answer(status, f"answered {status}{f': {said}' if said else ''}", body, asked_s)

    def _asked_s(self, response: HTTPResponse) -> float:
        """``Retry-After``: seconds, or a date."""
        value = response.headers.get("Retry-After", "").strip()
        if value.isdecimal():
            return float(value[:9])
        try:
            at = parsedate_to_datetime(value)
        except ValueError:
            return 0.0
        if at.tzinfo is None:
            return 0.0
        return max(0.0, (at - self._clock.now()).total_seconds())


def excerpt(body: bytes) -> str:
    """The beginning of an answer, on one line and printable."""
    text = body.decode("utf-8", "replace")
    shown = "".join(sign if sign.isprintable() else " " for sign in text)
    return " ".join(shown.split())[:SAID]
