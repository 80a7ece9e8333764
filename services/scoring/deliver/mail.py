"""Mail: a message as an e-mail, handed to the operator's own server by SMTP over TLS."""

import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from typing import Final
from urllib.parse import unquote, urlsplit

from services.clock import Clock
from services.errors import Misconfigured
from services.scoring.deliver.post import Answer, excerpt
from services.scoring.deliver.texts import Text

TIMEOUT_S: Final = 8.0
"""For each step of the conversation."""
_PORTS: Final = {"smtps": 465, "smtp": 587}
_HERE: Final = {"localhost", "127.0.0.1", "::1"}


@dataclass(frozen=True, slots=True, repr=False)
class Server:
    """The operator's mail server."""

    host: str
    port: int
    user: str
    password: str
    is_tls: bool
    """From the first byte on; else by STARTTLS, and without it to this machine only."""
    sender: str

    @classmethod
    def of(cls, url: str, sender: str) -> "Server | None":
        """``smtps://user:password@host:465`` or ``smtp://…:587``; None where none is set.

        Raises ``Misconfigured``.
        """
        if not url:
            return None
        parts = urlsplit(url)
        if "@" not in parseaddr(sender)[1]:
            raise Misconfigured(
                "TOUCHLINE_SMTP_FROM is no e-mail address; write it like "
                "Touchline <touchline@example.org>"
            )
        return cls(
            host=parts.hostname or "",
            port=parts.port or _PORTS[parts.scheme],
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            is_tls=parts.scheme == "smtps",
            sender=sender,
        )


class Mailer:
    """Sends through one server; each message opens a connection of its own."""

    def __init__(
        self, server: Server | None, clock: Clock, *, tls: ssl.SSLContext | None = None
    ) -> None:  # fmt: skip
        self._server, self._clock = server, clock
        self._tls = tls or ssl.create_default_context()

    def send(self, to: str, text: Text, message_id: str) -> Answer:
        """Send once; whatever goes wrong is the answer's ``problem``."""
        if self._server is None:
            return Answer(problem="no mail server is set; set TOUCHLINE_SMTP_URL")
        mail = composed(text, (self._server.sender, to), message_id, clock=self._clock)
        try:
            with self._connected(self._server) as connection:
                if self._server.user:
                    connection.login(self._server.user, self._server.password)
                connection.send_message(mail)
        except smtplib.SMTPResponseException as cause:
            said = cause.smtp_error if isinstance(cause.smtp_error, bytes) else b""
            return Answer(problem=f"the mail server answered {cause.smtp_code}: {excerpt(said)}")
        except smtplib.SMTPRecipientsRefused:
            return Answer(problem="the mail server refuses the recipient")
        except ssl.SSLCertVerificationError as cause:
            return Answer(problem=f"the mail server's certificate: {cause.verify_message}")
        except (OSError, smtplib.SMTPException) as cause:
            return Answer(problem=f"the mail server can't be used: {cause}")
        return Answer()

    def _connected(self, server: Server) -> smtplib.SMTP:
        if server.is_tls:
            return smtplib.SMTP_SSL(
                server.host, server.port, timeout=TIMEOUT_S, context=self._tls
            )  # fmt: skip
        connection = smtplib.SMTP(server.host, server.port, timeout=TIMEOUT_S)
        try:
            connection.ehlo()
            if connection.has_extn("starttls") or server.host not in _HERE:
                connection.starttls(context=self._tls)
                connection.ehlo()
        except BaseException:
            connection.close()
            raise
        return connection


def composed(
    text: Text, between: tuple[str, str], message_id: str, *, clock: Clock
) -> EmailMessage:
    """The e-mail from one to another, with the same id whenever it is sent again."""
    mail = EmailMessage()
    mail["From"], mail["To"] = between
    mail["Subject"] = text.title
    mail["Date"] = format_datetime(clock.now())
    mail["Message-ID"] = message_id
    # No holiday notes in return.
    mail["Auto-Submitted"] = "auto-generated"
    facts = "\n".join(f"{label}: {value}" for label, value in text.facts)
    body = [text.title, facts, f"{text.link_label}: {text.link}" if text.link else "", text.note]
    mail.set_content("\n\n".join(part for part in body if part) + "\n")
    return mail
