"""The archive over TLS: who is believed, and by which name."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from services.archive.access import Access
from services.archive.clickhouse import ClickHouseArchive
from services.errors import Misconfigured, Unavailable
from tests.contract.archive import piece, recorded
from tests.front import FrontProcess
from tests.integration.receiving import Authority, authority


@contextmanager
def secured(front: FrontProcess, tls: ssl.SSLContext) -> Iterator[int]:
    """``front`` behind a port that speaks TLS."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        accepting = threading.Thread(target=_accept, args=(listening, tls, front.port))
        accepting.start()
        yield int(listening.getsockname()[1])
        # Else `accept` would go on waiting.
        listening.shutdown(socket.SHUT_RDWR)
        accepting.join()


def _accept(listening: socket.socket, tls: ssl.SSLContext, port: int) -> None:
    with suppress(OSError):
        while True:
            client, _ = listening.accept()
            threading.Thread(target=_serve, args=(client, tls, port), daemon=True).start()


def _serve(client: socket.socket, tls: ssl.SSLContext, port: int) -> None:
    with (
        client,
        suppress(OSError),
        socket.create_connection(("127.0.0.1", port)) as server,
        tls.wrap_socket(client, server_side=True) as secure,
    ):
        back = threading.Thread(target=_pass_on, args=(server, secure))
        back.start()
        _pass_on(secure, server)
        back.join()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(1 << 16):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def issuer(tmp_path: Path) -> Authority:
    return authority(tmp_path)


def over_tls(
    front: FrontProcess, port: int, by: Authority | None, *, is_verified: bool = True
) -> ClickHouseArchive:
    """The archive at ``port``, whose certificate has to be ``by`` somebody."""
    ca_file = ""
    if by is not None:
        place = by.folder / "ca.pem"
        place.write_bytes(by.certificate.public_bytes(Encoding.PEM))
        ca_file = str(place)
    url = front.fresh_url().replace("http://", "https://").replace(str(front.port), str(port))
    return ClickHouseArchive(Access(url, ca_file=ca_file, is_verified=is_verified))


def test_a_server_of_the_named_authority_is_believed_and_takes_rows(
    front: FrontProcess, issuer: Authority
) -> None:
    with (
        secured(front, issuer.server("127.0.0.1")) as port,
        closing(over_tls(front, port, issuer)) as archive,
    ):
        archive.open()
        archive.insert([piece(recorded("a"))], "t")

        assert dict(archive.rows()) == {1: 1}


@pytest.mark.parametrize("wrong", ["name", "date", "issuer", "nobody named"])
def test_anybody_else_is_not(front: FrontProcess, issuer: Authority, wrong: str) -> None:
    named = None if wrong == "nobody named" else issuer
    of = authority(issuer.folder) if wrong == "issuer" else issuer
    name = "elsewhere.example" if wrong == "name" else "127.0.0.1"

    with secured(front, of.server(name, expired=wrong == "date")) as port:
        archive = over_tls(front, port, named)
        with pytest.raises(Unavailable, match=r"(?i)certificate"):
            archive.open()


def test_an_authority_without_a_file_is_a_wrong_setting(front: FrontProcess) -> None:
    with pytest.raises(Misconfigured, match=r"ARCHIVE_CA_FILE names /nowhere"):
        ClickHouseArchive(Access(front.fresh_url(), ca_file="/nowhere")).open()


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_whoever_answers_is_believed_where_that_is_wanted(
    front: FrontProcess, issuer: Authority
) -> None:
    with (
        secured(front, issuer.server("elsewhere.example")) as port,
        closing(over_tls(front, port, None, is_verified=False)) as archive,
    ):
        assert archive.open()
