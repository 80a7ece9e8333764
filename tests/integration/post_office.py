"""A mail server for tests: takes what is sent over TLS, but for whom it is told to refuse."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from typing import Final

_OK: Final = b"250 OK\r\n"


@dataclass
class PostOffice:
    """What came, and how it came."""

    port: int = 0
    has_starttls: bool = True
    is_tls: bool = False
    refuses: str = ""
    """A recipient."""
    silent_at: str | None = None
    """Says nothing more from this command on; from the first word on where it is none."""
    letters: list[Message] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    """Commands, and ``TLS`` where that began."""


@contextmanager
def post_office(
    tls: ssl.SSLContext,
    *,
    is_tls: bool = False,
    has_starttls: bool = True,
    silent_at: str | None = None,
) -> Iterator[PostOffice]:
    """One on a free port, for the time of the block."""
    office = PostOffice(has_starttls=has_starttls, is_tls=is_tls, silent_at=silent_at)
    listener = socket.create_server(("127.0.0.1", 0))
    office.port = listener.getsockname()[1]

    def work() -> None:
        while True:
            try:
                connected, _ = listener.accept()
            except OSError:
                return
            connected.settimeout(10)
            with suppress(OSError):
                _served(connected, office, tls)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield office
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)


def _served(connected: socket.socket, office: PostOffice, tls: ssl.SSLContext) -> None:
    try:
        if office.is_tls:
            connected = _secured(connected, office, tls)
        _serve(connected, office, tls)
    finally:
        connected.close()


def _secured(
    connected: socket.socket, office: PostOffice, tls: ssl.SSLContext
) -> ssl.SSLSocket:  # fmt: skip
    secured = tls.wrap_socket(connected, server_side=True, do_handshake_on_connect=False)
    try:
        secured.do_handshake()
    except BaseException:
        secured.close()
        raise
    office.said.append("TLS")
    return secured


def _serve(connected: socket.socket, office: PostOffice, tls: ssl.SSLContext) -> None:
    if office.silent_at != "":
        connected.sendall(b"220 here\r\n")
    _talk(connected, office, tls)


def _talk(connected: socket.socket, office: PostOffice, tls: ssl.SSLContext) -> None:
    lines = connected.makefile("rb")
    while line := lines.readline():
        verb = line.split(maxsplit=1)[0].upper().decode()
        office.said.append(verb)
        if verb == office.silent_at:
            continue
        if verb == "EHLO":
            extension = b"250-STARTTLS\r\n" if office.has_starttls else b""
            connected.sendall(
                b"250-here\r\n" + extension + b"250-AUTH PLAIN\r\n250 SIZE 1000000\r\n"
            )
        elif verb == "STARTTLS":
            connected.sendall(b"220 go on\r\n")
            lines.close()
            with _secured(connected, office, tls) as secured:
                _talk(secured, office, tls)
            return
        elif verb == "AUTH":
            connected.sendall(b"235 welcome\r\n")
        elif verb == "RCPT" and office.refuses and office.refuses.encode() in line:
            connected.sendall(b"550 no such mailbox\r\n")
        elif verb == "DATA":
            connected.sendall(b"354 go on\r\n")
            letter = b""
            while (text := lines.readline()) not in {b".\r\n", b""}:
                letter += text
            office.letters.append(message_from_bytes(letter))
            connected.sendall(_OK)
        elif verb == "QUIT":
            connected.sendall(b"221 bye\r\n")
            return
        else:
            connected.sendall(_OK)
