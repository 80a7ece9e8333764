"""Where deliveries go: to the address that was checked, under its name, to who proves to be it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from services.store.urls import Urls
from tests.integration.dispatch import dispatching, failing, loopback, told, verified
from tests.integration.receiving import Authority, Receiver, authority, receiving

NAME = "hooks.example.test"


@pytest.fixture
def issuer(tmp_path: Path) -> Authority:
    return authority(tmp_path)


def test_a_name_that_leads_to_this_machine_is_not_connected_to(
    urls: Urls, issuer: Authority
) -> None:
    with (
        dispatching(urls, may_be_private=False, resolve=loopback, tls=issuer.trust) as dispatch,
        receiving(tls=issuer.server(NAME)) as receiver,
    ):
        dispatch.target(f"https://{NAME}:{receiver.port}/hook")
        told(dispatch, "d1")

        dispatch.send()

        assert "leads to 127.0.0.1, which is no address of the internet" in failing(dispatch)
        assert receiver.connections == 0


def test_the_address_that_was_checked_is_the_one_that_is_asked_under_its_name(
    urls: Urls, issuer: Authority
) -> None:
    asked: list[str] = []

    def resolve(host: str, port: int) -> Sequence[str]:
        # Nobody else knows this name: whoever asked again would find nothing.
        asked.append(host)
        return ["127.0.0.1"]

    with (
        dispatching(urls, resolve=resolve, tls=issuer.trust) as dispatch,
        receiving(tls=issuer.server(NAME)) as receiver,
    ):
        made = dispatch.target(f"https://{NAME}:{receiver.port}/hook?a=b")
        told(dispatch, "d1")

        dispatch.send()

        (request,) = receiver.received
        assert asked == [NAME]
        assert (request.headers["host"], request.path) == (
            f"{NAME}:{receiver.port}",
            "/hook?a=b",
        )
        verified(request, made.secret)


@contextmanager
def presenting(case: str, issuer: Authority) -> Iterator[Receiver]:
    """A receiver whose certificate is wrong."""
    if case == "unknown issuer":
        issuer = authority(issuer.folder)
    name = "elsewhere.example.test" if case == "other name" else NAME
    with receiving(tls=issuer.server(name, expired=case == "expired")) as receiver:
        yield receiver


@pytest.mark.parametrize(
    ("case", "complaint"),
    [
        ("unknown issuer", "unable to get local issuer certificate"),
        ("other name", f"Hostname mismatch, certificate is not valid for '{NAME}'."),
        ("expired", "certificate has expired"),
    ],
)
def test_a_bad_certificate_is_told_nothing(
    urls: Urls, issuer: Authority, case: str, complaint: str
) -> None:
    with (
        dispatching(urls, resolve=loopback, tls=issuer.trust) as dispatch,
        presenting(case, issuer) as receiver,
    ):
        dispatch.target(f"https://{NAME}:{receiver.port}/hook")
        told(dispatch, "d1")

        dispatch.send()

        assert failing(dispatch) == f"its certificate is not to be trusted: {complaint}"
        assert receiver.received == []


def test_a_second_address_is_tried_where_the_first_is_dead(urls: Urls) -> None:
    def resolve(host: str, port: int) -> Sequence[str]:
        return ["127.0.0.9", "127.0.0.1"]

    with dispatching(urls, resolve=resolve) as dispatch, receiving() as receiver:
        dispatch.target(f"http://{NAME}:{receiver.port}/")
        told(dispatch, "d1")

        dispatch.send()

        assert dispatch.states() == ["delivered"]


def test_an_address_by_number_is_asked_under_it(urls: Urls, issuer: Authority) -> None:
    with (
        dispatching(urls, tls=issuer.trust) as dispatch,
        receiving(tls=issuer.server("127.0.0.1")) as receiver,
    ):
        dispatch.target(f"https://127.0.0.1:{receiver.port}/")
        told(dispatch, "d1")

        dispatch.send()

        assert receiver.received[0].headers["host"] == f"127.0.0.1:{receiver.port}"
        assert dispatch.states() == ["delivered"]


def test_what_was_once_allowed_without_tls_is_not_sent_without_it_later(urls: Urls) -> None:
    with dispatching(urls) as dispatch, receiving() as receiver:
        dispatch.target(receiver.url)
        told(dispatch, "d1")
        dispatch.sender._poster._may_be_private = False

        dispatch.send()

        assert "not https://" in failing(dispatch)
        assert receiver.connections == 0
