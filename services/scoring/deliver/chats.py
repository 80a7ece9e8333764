"""Chats: a message as Slack's and Feishu's incoming webhooks show it (pure).

Every value is plain text there: nothing that a customer or producer wrote is markup.
"""

from collections.abc import Mapping
from typing import Any, Final

from services.scoring.deliver.texts import Text, Tone

_HEADER: Final = 150
"""Characters that Slack's header block takes."""
_COLOURS: Final[Mapping[Tone, str]] = {
    "plain": "blue", "good": "green", "warning": "orange", "critical": "red",
}  # fmt: skip
_SIGNS: Final[Mapping[Tone, str]] = {
    "plain": "", "good": "", "warning": "⚠️ ", "critical": "🚨 ",
}  # fmt: skip


def slack(text: Text) -> Mapping[str, Any]:
    """Blocks: https://docs.slack.dev/reference/block-kit/blocks."""
    title = f"{_SIGNS[text.tone]}{text.title}"
    blocks: list[Mapping[str, Any]] = [{"type": "header", "text": _plain(title[:_HEADER])}]
    if text.facts:
        fields = [_plain(f"{label}\n{value}") for label, value in text.facts]
        blocks.append({"type": "section", "fields": fields})
    if text.link:
        link = f"<{text.link}|{text.link_label}>"
        blocks.append({"type": "section", "text": {"type": "mrkdwn", "text": link}})
    blocks.append({"type": "context", "elements": [_plain(text.note)]})
    # Shown in notifications; there it is markup.
    return {"text": _escaped(title), "blocks": blocks}


def feishu(text: Text, signed: Mapping[str, str]) -> Mapping[str, Any]:
    """An interactive card of a custom bot; ``signed`` are the fields that prove who sends it."""
    elements: list[Mapping[str, Any]] = []
    if text.facts:
        fields = [
            {"is_short": len(value) < 40, "text": _card_text(f"{label}\n{value}")}
            for label, value in text.facts
        ]
        elements.append({"tag": "div", "fields": fields})
    if text.link:
        button = {
            "tag": "button",
            "text": _card_text(text.link_label),
            "url": text.link,
            "type": "primary",
        }
        elements.append({"tag": "action", "actions": [button]})
    elements.append({"tag": "note", "elements": [_card_text(text.note)]})
    header = {"title": _card_text(text.title), "template": _COLOURS[text.tone]}
    card = {"config": {"wide_screen_mode": True}, "header": header, "elements": elements}
    return {**signed, "msg_type": "interactive", "card": card}


def _plain(text: str) -> Mapping[str, Any]:
    return {"type": "plain_text", "text": text, "emoji": False}


def _card_text(text: str) -> Mapping[str, str]:
    return {"tag": "plain_text", "content": text}


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
