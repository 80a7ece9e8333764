"""The HTTP side: one request in, one answer out, as ClickHouse words it."""

import json
import re
import socket
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from itertools import chain
from typing import IO, Final, cast
from uuid import uuid4

from services.archive.front.body import Body, Incomplete
from services.archive.front.engine import Engine, Into
from services.archive.front.failure import SYNTAX_ERROR, Failure, refused
from services.archive.front.request import Credentials, Request, head, is_form, with_form
from services.archive.front.statement import Insert, Statement, read, read_insert

IDLE_S: Final = 120
"""How long a connection may rest, and how long a piece of a body may take."""
_LOOK_AHEAD: Final = 1 << 16
"""Within which an INSERT says what it inserts."""
_MAX_STATEMENT: Final = 4 << 20
_DRAINED: Final = 64 << 20
_ALIVE: Final = frozenset({"/ping", "/replicas_status"})
# Their blocks can be put one after the other; other formats have a head or a foot.
_FRAMELESS: Final = frozenset(
    "Native TabSeparated TSV TSVRaw TabSeparatedRaw CSV RowBinary JSONEachRow".split()
)
_KINDS: Final = {
    "TabSeparated": "text/tab-separated-values; charset=UTF-8",
    "CSV": "text/csv; charset=UTF-8; header=absent",
    "JSON": "application/json; charset=UTF-8",
    "JSONCompact": "application/json; charset=UTF-8",
    "JSONEachRow": "application/x-ndjson; charset=UTF-8",
    "Native": "application/octet-stream",
}
_QUERY_ID = re.compile(r"[\x21-\x7e]{1,200}")


class Handler(BaseHTTPRequestHandler):
    """A connection; subclassed with its ``engine`` and ``credentials`` by the server."""

    protocol_version = "HTTP/1.1"
    timeout = IDLE_S
    rbufsize = 1 << 17
    engine: Engine
    credentials: Credentials

    def setup(self) -> None:
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_HEAD(self) -> None:
        self._send(200, {}, b"")

    def log_message(self, format: str, *args: object) -> None:
        """No line a request; what fails is told to who asked."""

    def _serve(self) -> None:
        request = head(self.command, self.path, self.headers)
        body = Body(cast(IO[bytes], self.rfile), self.headers)
        try:
            self._route(request, body)
        except Failure as failure:
            self._fail(failure, body)
        except (Incomplete, ConnectionError, TimeoutError):
            self.close_connection = True

    def _route(self, request: Request, body: Body) -> None:
        if request.path in _ALIVE or (
            request.path == "/" and request.method == "GET" and not request.query
        ):
            self._send(200, {"Content-Type": "text/html; charset=UTF-8"}, b"Ok.\n")
        elif request.path != "/":
            self._send(404, {}, f"There is no handle {request.path}\n".encode())
        else:
            request.authenticate(self.credentials)
            request.refuse_native_packing()
            if is_form(request):
                request = with_form(request, body.whole(_MAX_STATEMENT))
            self._run(request, body)

    def _run(self, request: Request, body: Body) -> None:
        begun = request.query.encode() + b"\n" if request.query else b""
        begun += body.begin(_LOOK_AHEAD)
        # One character a byte, so that places in the text are places in the body.
        insert = read_insert(begun.decode("latin-1"))
        if insert:
            self._insert(request, insert, begun, body)
        else:
            text = begun + body.whole(_MAX_STATEMENT)
            self._query(request, read(text.decode("latin-1")), text)

    def _insert(self, request: Request, insert: Insert, begun: bytes, rest: Body) -> None:
        data = chain([begun[insert.data_at :]], rest)
        target = _text(begun[: insert.settings_at])
        settings = _text(begun[insert.settings_at : insert.ends_at])
        written = self.engine.insert(
            Into(target, settings, insert.input_format), data, request.asked
        )
        summary = {
            "written_rows": written.rows,
            "written_bytes": written.bytes,
            "elapsed_ns": written.elapsed_s * 1e9,
        }
        self._send(200, self._headers(request, None, summary), b"")

    def _query(self, request: Request, statement: Statement, text: bytes) -> None:
        sql = _text(text[: statement.ends_at])
        output_format = statement.output_format or request.default_format or "TabSeparated"
        shown = output_format if statement.gives_rows else None
        if shown in _FRAMELESS and not request.is_awaited_whole:
            self._stream(
                self._headers(request, shown, {}),
                self.engine.stream(sql, output_format, request.asked),
            )
            return
        answer = self.engine.query(sql, output_format, request.asked)
        summary = {
            "read_rows": answer.rows_read,
            "read_bytes": answer.bytes_read,
            "elapsed_ns": answer.elapsed_s * 1e9,
        }
        self._send(200, self._headers(request, shown, summary), answer.body)

    def _headers(
        self, request: Request, shown: str | None, summary: Mapping[str, float]
    ) -> dict[str, str]:
        headers = {
            "Content-Type": _KINDS.get(shown or "", "text/plain; charset=UTF-8"),
            "X-ClickHouse-Query-Id": request.query_id
            if _QUERY_ID.fullmatch(request.query_id)
            else str(uuid4()),
            "X-ClickHouse-Timezone": self.engine.timezone,
            "X-ClickHouse-Server-Display-Name": "touchline",
            "X-ClickHouse-Summary": json.dumps(
                {name: str(int(value)) for name, value in summary.items()}
            ),
        }
        if shown:
            headers["X-ClickHouse-Format"] = shown
        return headers

    def _stream(self, headers: Mapping[str, str], blocks: Iterator[bytes]) -> None:
        # The first block decides between answer and failure; a later one can only break off.
        first = next(blocks, b"")
        self._write(200, {**headers, "Transfer-Encoding": "chunked"}, b"")
        try:
            for block in chain([first], blocks):
                if block:
                    self.wfile.write(b"%x\r\n%b\r\n" % (len(block), block))
            self.wfile.write(b"0\r\n\r\n")
        except Failure as failure:
            text = f"\n{failure}\n".encode()
            self.wfile.write(b"%x\r\n%b\r\n" % (len(text), text))
            self.close_connection = True

    def _fail(self, failure: Failure, body: Body) -> None:
        headers = {
            "Content-Type": "text/plain; charset=UTF-8",
            "X-ClickHouse-Exception-Code": str(failure.code),
            "X-ClickHouse-Server-Display-Name": "touchline",
        }
        if failure.status == 401:
            headers["WWW-Authenticate"] = 'Basic realm="ClickHouse server HTTP API"'
        # A client in the middle of its body reads no answer; a body without end is not waited for.
        if not body.drain(_DRAINED):
            self.close_connection = True
        self._send(failure.status, headers, f"{failure} (version {self.engine.version})\n".encode())

    def _send(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self._write(
            status,
            {**headers, "Content-Length": str(len(body))},
            b"" if self.command == "HEAD" else body,
        )

    def _write(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        kept = "close" if self.close_connection else "Keep-Alive"
        lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", f"Connection: {kept}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self.wfile.write("\r\n".join([*lines, "\r\n"]).encode("latin-1") + body)


def _text(statement: bytes) -> str:
    try:
        return statement.decode()
    except UnicodeDecodeError as cause:
        raise refused(SYNTAX_ERROR, f"the statement is not UTF-8 at byte {cause.start}") from cause
