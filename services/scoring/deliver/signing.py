"""Signatures: of webhooks as Standard Webhooks has them, of messages to a Feishu bot as it asks."""

import base64
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256

from standardwebhooks import Webhook


def webhook_headers(
    id_: str, body: bytes, secrets: Sequence[str], at: datetime
) -> Mapping[str, str]:
    """The three headers; signed by every one of ``secrets``, so that one can be changed.

    ``at`` is the attempt's time: receivers refuse what was signed more than five minutes ago.
    """
    text = body.decode()
    return {
        "webhook-id": id_,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(Webhook(one).sign(id_, at, text) for one in secrets),
    }


def feishu_fields(secret: str, at: datetime) -> Mapping[str, str]:
    """``timestamp`` and ``sign`` of a message: HMAC-SHA256 of nothing under both, in base64."""
    timestamp = str(int(at.timestamp()))
    signed = hmac.new(f"{timestamp}\n{secret}".encode(), b"", sha256).digest()
    return {"timestamp": timestamp, "sign": base64.b64encode(signed).decode()}
