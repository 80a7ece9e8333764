"""The sender: a delivery in the form that its target takes, sent once."""

from datetime import datetime
from typing import Final, assert_never

import msgspec

from services.commands.message import decode
from services.commands.target_secrets import Secrets, open_secrets
from services.errors import BadRecord
from services.scoring.deliver.chats import feishu, slack
from services.scoring.deliver.mail import Mailer
from services.scoring.deliver.post import Answer, Poster, excerpt
from services.scoring.deliver.signing import feishu_fields, webhook_headers
from services.scoring.deliver.texts import Text, text_of
from services.store.deliveries import Due
from services.vault.port import Vault

_ENCODE: Final = msgspec.json.Encoder().encode


class _Said(msgspec.Struct):
    """What Feishu answers, with status 200 whatever it thinks of it."""

    code: int = 0
    msg: str = ""


class Sender:
    """Sends to targets of every kind."""

    def __init__(self, vault: Vault, poster: Poster, mailer: Mailer, *, console: str) -> None:
        """``console`` is the address that links begin with."""
        self._vault, self._poster, self._mailer = vault, poster, mailer
        self._console = console

    def send(self, due: Due, at: datetime) -> Answer:
        """Send it once; whatever goes wrong is the answer's ``problem``."""
        try:
            secrets = open_secrets(due.sealed, due.workspace, due.target_id, self._vault)
        except BadRecord as cause:
            return Answer(problem=f"its address can't be opened: {cause}")
        match due.kind:
            case "webhook":
                headers = webhook_headers(due.event_id, due.body, secrets.signing(at), at)
                return self._poster.post(secrets.address, headers, due.body)
            case "slack":
                return self._poster.post(secrets.address, {}, _ENCODE(slack(self._text(due))))
            case "feishu":
                return self._to_feishu(secrets, due, at)
            case "email":
                # The right side names us, not a machine: the same wherever it is sent from.
                message_id = f"<{due.event_id}.{due.target_id}@touchline.invalid>"
                return self._mailer.send(secrets.address, self._text(due), message_id)
            case _:
                assert_never(due.kind)

    def _to_feishu(self, secrets: Secrets, due: Due, at: datetime) -> Answer:
        signed = feishu_fields(secrets.secret, at) if secrets.secret else {}
        body = _ENCODE(feishu(self._text(due), signed))
        answer = self._poster.post(secrets.address, {}, body)
        if answer.problem:
            return answer
        try:
            said = msgspec.json.decode(answer.body, type=_Said)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return Answer(answer.status, f"is no Feishu bot: {excerpt(answer.body)}")
        if said.code:
            problem = f"Feishu answered {said.code}: {excerpt(said.msg.encode())}"
            return Answer(answer.status, problem)
        return answer

    def _text(self, due: Due) -> Text:
        return text_of(decode(due.body), due.language, self._console)
