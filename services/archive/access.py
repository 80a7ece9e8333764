"""Access: where the archive's server is, how its connections are secured, what cluster it is of."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import SplitResult, unquote, urlsplit

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.httputil import get_pool_manager

from services.errors import Misconfigured

DATABASE: Final = "touchline"
"""Where the tables are made when the address names no database."""
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True, repr=False)
class Access:
    """``http(s)://user:password@host:port/database``; holds a password, so it is never shown."""

    url: str
    cluster: str = ""
    """The cluster whose tables are replicated; empty is one server."""
    ca_file: str = ""
    """Who may have issued the server's certificate, in PEM; empty is who the machine trusts."""
    is_verified: bool = True
    """Whether the server has to prove that it is who the address names."""

    @property
    def database(self) -> str:
        return urlsplit(self.url).path.strip("/") or DATABASE

    def connect(self, timeout_s: int) -> Client:
        """A client, its database perhaps not made yet; raises what clickhouse-connect raises.

        And ``Misconfigured`` where there is no file of the authority.
        """
        if self.ca_file and not Path(self.ca_file).is_file():
            raise Misconfigured(f"TOUCHLINE_ARCHIVE_CA_FILE names {self.ca_file}, which is no file")
        address = urlsplit(self.url)
        client = clickhouse_connect.get_client(
            interface=address.scheme,
            host=address.hostname or "",
            port=address.port or (8443 if address.scheme == "https" else 8123),
            username=unquote(address.username or "default"),
            password=unquote(address.password or ""),
            # Made when it is opened: asking for it before would be an error.
            database="",
            compress=False,
            autogenerate_session_id=False,
            connect_timeout=5,
            send_receive_timeout=timeout_s,
            **self._transport(address),
        )
        client.database = self.database
        return client

    def _transport(self, address: SplitResult) -> dict[str, Any]:
        secured: dict[str, Any] = {}
        if address.scheme == "https":
            secured = {"verify": self.is_verified, "ca_cert": self.ca_file or None}
        if address.hostname in _LOOPBACK:
            # The machine's own proxy, if any, is not for its own front.
            return {"pool_mgr": get_pool_manager(**secured)}
        return secured
