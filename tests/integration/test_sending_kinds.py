"""Slack, Feishu and mail: what each is sent over a real socket, and when that counts as taken."""

import base64
import hmac
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from services.clock import SystemClock
from services.errors import Misconfigured
from services.scoring.deliver import mail
from services.scoring.deliver.mail import Mailer, Server
from services.scoring.deliver.texts import Text
from services.settings import load
from services.store.urls import Urls
from tests.integration.dispatch import Dispatch, dispatching
from tests.integration.post_office import PostOffice, post_office
from tests.integration.receiving import Authority, answering, authority, receiving
from tests.integration.spending import WORKSPACE

TEXT = Text("Became at risk", [("Customer", "1")], "warning", "", "", "")


@pytest.fixture
def dispatch(urls: Urls) -> Iterator[Dispatch]:
    with dispatching(urls) as dispatch:
        yield dispatch


@pytest.fixture
def issuer(tmp_path: Path) -> Authority:
    return authority(tmp_path)


def told(dispatch: Dispatch) -> None:
    dispatch.decide("d1")
    dispatch.feed()
    dispatch.send()


def problem(dispatch: Dispatch) -> str:
    (row,) = dispatch.rows()
    assert row.state == "waiting"
    return str(row.problem)


def test_slack_is_sent_blocks(dispatch: Dispatch) -> None:
    with receiving(answering(200, b"ok")) as receiver:
        dispatch.target(receiver.url, "slack")

        told(dispatch)

        (request,) = receiver.received
    assert request.json["blocks"][0]["text"]["text"] == "⚠️ Became at risk"
    assert "webhook-id" not in request.headers
    assert dispatch.states() == ["delivered"]


def test_feishu_is_sent_a_card_signed_with_the_bot_s_secret(dispatch: Dispatch) -> None:
    with receiving(answering(200, b'{"code":0,"msg":"success"}')) as receiver:
        dispatch.target(receiver.url, "feishu", secret="bot", language="zh")

        told(dispatch)

        sent = receiver.received[0].json
    key = f"{sent['timestamp']}\nbot".encode()
    assert base64.b64decode(sent["sign"]) == hmac.new(key, b"", sha256).digest()
    assert sent["card"]["header"]["title"]["content"] == "客户进入阶段：有流失风险"
    assert dispatch.states() == ["delivered"]


def test_a_feishu_bot_s_new_secret_signs_at_once(dispatch: Dispatch) -> None:
    with receiving(answering(200, b'{"code":0}')) as receiver:
        row = dispatch.target(receiver.url, "feishu", secret="old").row
        dispatch.targets.rotate(WORKSPACE, row.target_id, "new")

        told(dispatch)

        sent = receiver.received[0].json
    key = f"{sent['timestamp']}\nnew".encode()
    assert base64.b64decode(sent["sign"]) == hmac.new(key, b"", sha256).digest()


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (b'{"code":19021,"msg":"sign match fail"}', "Feishu answered 19021: sign match fail"),
        (b"<html>hello</html>", "is no Feishu bot: <html>hello</html>"),
    ],
)
def test_what_feishu_refuses_with_status_200_is_refused(
    dispatch: Dispatch, body: bytes, complaint: str
) -> None:
    with receiving(answering(200, body)) as receiver:
        dispatch.target(receiver.url, "feishu")

        told(dispatch)

        assert problem(dispatch) == complaint


@pytest.mark.parametrize("is_tls", [False, True])
def test_mail_goes_over_tls_under_one_id(urls: Urls, issuer: Authority, is_tls: bool) -> None:
    with post_office(issuer.server("127.0.0.1"), is_tls=is_tls) as office:
        scheme = "smtps" if is_tls else "smtp"
        server = Server.of(
            f"{scheme}://us:p%40ss@127.0.0.1:{office.port}", "Touchline <touchline@example.org>"
        )
        with dispatching(urls, tls=issuer.trust, server=server) as dispatch:
            row = dispatch.target("Team@example.org", "email").row

            told(dispatch)
            dispatch.deliveries.redeliver(WORKSPACE, dispatch.rows()[0].delivery_id)
            dispatch.send()

            first, second = office.letters
            assert dispatch.states() == ["delivered"]
    assert office.said.index("TLS") < office.said.index("AUTH") < office.said.index("MAIL")
    assert first["To"] == "team@example.org"
    assert first["Subject"] == "Became at risk"
    assert first["Message-ID"] == second["Message-ID"] == f"<d1.{row.target_id}@touchline.invalid>"


def sent_by(office: PostOffice, urls: Urls, issuer: Authority) -> str:
    """What became of a mail through this server."""
    server = Server.of(f"smtp://127.0.0.1:{office.port}", "touchline@example.org")
    with dispatching(urls, tls=issuer.trust, server=server) as dispatch:
        dispatch.target("team@example.org", "email")
        told(dispatch)
        return problem(dispatch)


def test_a_mail_server_elsewhere_without_tls_is_told_nothing(
    urls: Urls, issuer: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.scoring.deliver.mail._HERE", set())
    with post_office(issuer.server("127.0.0.1"), has_starttls=False) as office:
        assert "STARTTLS extension not supported" in sent_by(office, urls, issuer)
        assert {*office.said} <= {"EHLO", "STARTTLS", "QUIT"}


def test_a_mail_server_with_a_bad_certificate_is_told_nothing(
    urls: Urls, issuer: Authority
) -> None:
    with post_office(issuer.server("elsewhere.test")) as office:
        assert "certificate" in sent_by(office, urls, issuer)
        assert "MAIL" not in office.said


@pytest.mark.parametrize("silent_at", ["", "EHLO", "DATA"])
def test_a_mail_server_that_falls_silent_is_left_at_the_deadline(
    issuer: Authority, silent_at: str
) -> None:
    with post_office(issuer.server("127.0.0.1"), silent_at=silent_at) as office:
        server = Server.of(f"smtp://127.0.0.1:{office.port}", "touchline@example.org")
        mailer = Mailer(server, SystemClock(), tls=issuer.trust, attempt_s=0.5)

        answer = mailer.send("team@example.org", TEXT, "<d1@touchline.invalid>")

        assert answer.problem == "the mail server did not answer within 0.5 s"
        assert not office.letters


def test_a_server_that_took_the_mail_has_it_however_it_takes_leave(
    issuer: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail, "QUIT_S", 0.1)
    with post_office(issuer.server("127.0.0.1"), silent_at="QUIT") as office:
        server = Server.of(f"smtp://127.0.0.1:{office.port}", "touchline@example.org")

        answer = Mailer(server, SystemClock(), tls=issuer.trust).send(
            "team@example.org", TEXT, "<d1@touchline.invalid>"
        )

        assert answer.problem == ""
        assert len(office.letters) == 1


def test_a_mailbox_that_is_refused_is_tried_again(urls: Urls, issuer: Authority) -> None:
    with post_office(issuer.server("127.0.0.1")) as office:
        office.refuses = "team@example.org"

        assert sent_by(office, urls, issuer) == "the mail server refuses the recipient"


def test_without_a_mail_server_it_is_said_what_to_set(dispatch: Dispatch) -> None:
    dispatch.target("team@example.org", "email")

    told(dispatch)

    assert problem(dispatch) == "no mail server is set; set TOUCHLINE_SMTP_URL"


def test_a_sender_that_is_no_address_is_refused_at_start() -> None:
    with pytest.raises(Misconfigured, match="TOUCHLINE_SMTP_FROM"):
        Server.of("smtp://127.0.0.1:25", "nobody")
    with pytest.raises(Misconfigured, match=r"TOUCHLINE_SMTP_URL .* no mail at all"):
        load(smtp_url="https://example.org")


def test_one_bad_message_keeps_no_other_from_its_target(dispatch: Dispatch) -> None:
    with receiving(answering(200, b"ok")) as receiver:
        dispatch.target(receiver.url, "slack")
        dispatch.decide("d1", "d2")
        dispatch.feed()
        dispatch.till.rows(
            "UPDATE touchline.delivery SET body = 'no message' WHERE event_id = 'd1' RETURNING 1"
        )

        for _ in range(3):
            dispatch.send()
            dispatch.till.clock.passes(seconds=2)

        first, second = dispatch.rows()
    assert (first.state, second.state) == ("waiting", "delivered")
    assert "could not be put together" in str(first.problem)
