"""Mail: a message as an e-mail, handed to the operator's own server by SMTP over TLS.

The connection is made here, to an address that was looked up once; the conversation upon it is
aiosmtplib's, in the thread that sends, and ends with its deadline wherever it is.
"""

import asyncio
import socket
import ssl
from contextlib import closing, suppress
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from typing import Final
from urllib.parse import unquote, urlsplit

import aiosmtplib

from services.clock import Clock
from services.errors import Misconfigured
from services.scoring.deliver.deadline import Deadline
from services.scoring.deliver.post import Answer, excerpt
from services.scoring.deliver.resolving import connected, system, within
from services.scoring.deliver.texts import Text

ATTEMPT_S: Final = 15.0
"""For name, connection and conversation together: servers that look at a message before they take
it need some seconds."""
QUIT_S: Final = 1.0
"""For taking leave of a server that took the message: a success, whatever becomes of that."""
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
        self,
        server: Server | None,
        clock: Clock,
        *,
        tls: ssl.SSLContext | None = None,
        attempt_s: float = ATTEMPT_S,
    ) -> None:
        self._server, self._clock, self._attempt_s = server, clock, attempt_s
        self._tls = tls or ssl.create_default_context()

    def send(self, to: str, text: Text, message_id: str) -> Answer:
        """Send once; whatever goes wrong is the answer's ``problem``."""
        server, deadline = self._server, Deadline(self._attempt_s)
        if server is None:
            return Answer(problem="no mail server is set; set TOUCHLINE_SMTP_URL")
        mail = composed(text, (server.sender, to), message_id, clock=self._clock)
        try:
            # The operator's own server may be anywhere.
            with closing(
                connected(server.host, server.port, deadline, resolve=system, may_be_private=True)
            ) as link:
                own_name = _own_name(link, deadline)
                link.settimeout(0)
                asyncio.run(_told(mail, self._client(server, link, own_name), deadline))
        except (aiosmtplib.SMTPRecipientsRefused, aiosmtplib.SMTPRecipientRefused):
            return Answer(problem="the mail server refuses the recipient")
        except aiosmtplib.SMTPResponseException as cause:
            said = excerpt(cause.message.encode())
            return Answer(problem=f"the mail server answered {cause.code}: {said}")
        except TimeoutError:
            said = f"did not answer within {self._attempt_s:g} s"
            return Answer(problem=f"the mail server {said}")
        except (OSError, aiosmtplib.SMTPException) as cause:
            return Answer(problem=_unusable(cause))
        return Answer()

    def _client(self, server: Server, link: socket.socket, own_name: str) -> aiosmtplib.SMTP:
        must_be_tls = not server.is_tls and server.host not in _HERE
        return aiosmtplib.SMTP(
            hostname=server.host,
            sock=link,
            local_hostname=own_name,
            use_tls=server.is_tls,
            # None: where it is offered.
            start_tls=False if server.is_tls else must_be_tls or None,
            tls_context=self._tls,
            username=server.user or None,
            password=server.password or None,
            # The deadline is of all steps together.
            timeout=None,
        )


async def _told(mail: EmailMessage, client: aiosmtplib.SMTP, deadline: Deadline) -> None:
    """Hand ``mail`` over; raises ``TimeoutError``, and what aiosmtplib does."""
    transport: asyncio.BaseTransport | None = None
    try:
        async with asyncio.timeout(deadline.left_s()):
            await client.connect()
            transport = client.transport
            await client.send_message(mail)
        with suppress(aiosmtplib.SMTPException, OSError):
            await client.quit(timeout=QUIT_S)
    finally:
        client.close()
        # TLS would wait for the other side to close too, for longer than this loop lives.
        if isinstance(transport, asyncio.WriteTransport):
            transport.abort()
        await asyncio.sleep(0)


def _own_name(link: socket.socket, deadline: Deadline) -> str:
    """The name that we come by: the machine's full one, else its address (RFC 5321, 4.1.4)."""
    name = within(deadline, socket.getfqdn)
    if "." in name and name.isascii():
        return name
    address = str(link.getsockname()[0])
    return f"[IPv6:{address}]" if ":" in address else f"[{address}]"


def _unusable(cause: BaseException) -> str:
    for one in (cause, cause.__cause__):
        if isinstance(one, ssl.SSLCertVerificationError):
            return f"the mail server's certificate: {one.verify_message}"
    return f"the mail server can't be used: {cause}"


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
