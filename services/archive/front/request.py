"""A request as ClickHouse's HTTP interface reads it: who asks, for what, and how."""

import hmac
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesParser
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from services.archive.front.engine import DATABASE, Asked
from services.archive.front.failure import (
    AUTHENTICATION_FAILED,
    BAD_ARGUMENTS,
    NOT_IMPLEMENTED,
    REQUIRED_PASSWORD,
    refused,
)

# Of the transport, not of the query: taken and ignored, but for what is read below.
_TRANSPORT: Final = frozenset(
    """query user password database default_format query_id quota_key role stacktrace
    session_id session_check session_timeout client_protocol_version compress decompress
    enable_http_compression wait_end_of_query buffer_size add_http_cors_header
    send_progress_in_http_headers http_headers_progress_interval_ms
    cancel_http_readonly_queries_on_client_close http_write_exception_in_output_format""".split()
)
_PARAMETER: Final = "param_"


@dataclass(frozen=True, slots=True)
class Credentials:
    """The one user of an archive."""

    user: str
    password: str


@dataclass(frozen=True, slots=True)
class Request:
    """One request's head: target and headers; form fields, if any, have joined ``fields``."""

    method: str
    path: str
    fields: Mapping[str, str]
    headers: Message

    @property
    def query(self) -> str:
        return self.fields.get("query", "")

    @property
    def default_format(self) -> str | None:
        return self.fields.get("default_format") or self.headers.get("X-ClickHouse-Format")

    @property
    def is_awaited_whole(self) -> bool:
        return self.fields.get("wait_end_of_query", "0") not in {"", "0"}

    @property
    def query_id(self) -> str:
        return self.fields.get("query_id", "")

    @property
    def asked(self) -> Asked:
        settings = {
            name: value
            for name, value in self.fields.items()
            if name not in _TRANSPORT and not name.startswith(_PARAMETER)
        }
        if self.method == "GET":
            settings.setdefault("readonly", "2")
        parameters = {
            name.removeprefix(_PARAMETER): value
            for name, value in self.fields.items()
            if name.startswith(_PARAMETER)
        }
        database = self.fields.get("database") or self.headers.get("X-ClickHouse-Database")
        return Asked(database or DATABASE, settings, parameters)

    def authenticate(self, expected: Credentials) -> None:
        """Raise ``Failure`` (516, or 194 without a password) unless this is ``expected``."""
        user, password = self._credentials()
        is_user = hmac.compare_digest(user.encode(), expected.user.encode())
        is_password = hmac.compare_digest(password.encode(), expected.password.encode())
        if is_user and is_password:
            return
        if not password:
            raise refused(REQUIRED_PASSWORD, f"{user}: a user and a password are required")
        raise refused(
            AUTHENTICATION_FAILED,
            f"{user}: Authentication failed: password is incorrect, "
            "or there is no user with such name.",
        )

    def refuse_native_packing(self) -> None:
        """ClickHouse's own block compression is for its own clients; others use gzip or none."""
        for name in ("compress", "decompress"):
            if self.fields.get(name, "0") not in {"", "0", "false"}:
                raise refused(
                    NOT_IMPLEMENTED, f"{name}=1 is not offered here; set {name}=0 in the client"
                )

    def _credentials(self) -> tuple[str, str]:
        scheme, _, encoded = self.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "basic":
            try:
                user, _, password = (
                    b64decode(encoded.strip(), validate=True).decode().partition(":")
                )
            except ValueError:
                return "", ""
            return user, password
        user = self.headers.get("X-ClickHouse-User") or self.fields.get("user", "default")
        return user, self.headers.get("X-ClickHouse-Key") or self.fields.get("password", "")


def head(method: str, target: str, headers: Message) -> Request:
    """The request whose line says ``method`` and ``target``."""
    parts = urlsplit(target)
    fields = dict(parse_qsl(parts.query, keep_blank_values=True))
    return Request(method, parts.path, fields, headers)


def with_form(request: Request, body: bytes) -> Request:
    """``request`` with the text fields of its multipart ``body``; raises ``Failure`` for a file."""
    kind = request.headers.get("Content-Type", "")
    form = BytesParser().parsebytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + body)
    fields = dict(request.fields)
    for part in form.walk():
        name = part.get_param("name", header="Content-Disposition")
        if part.is_multipart() or not isinstance(name, str):
            continue
        if part.get_filename():
            raise refused(NOT_IMPLEMENTED, "external tables are not offered here")
        content = part.get_payload(decode=True)
        if not isinstance(content, bytes):
            raise refused(BAD_ARGUMENTS, f"the form field {name} can't be read")
        fields[name] = content.decode()
    return Request(request.method, request.path, fields, request.headers)


def is_form(request: Request) -> bool:
    return request.headers.get("Content-Type", "").startswith("multipart/form-data")
