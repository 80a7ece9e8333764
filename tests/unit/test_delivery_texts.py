"""What people read: each decision in two languages, as Slack, Feishu and mail show it."""

import base64
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pytest
from standardwebhooks import Webhook

from schemas import TYPES
from services.commands.message import Message, decode, encode, trial
from services.commands.target_secrets import new_secret
from services.commands.targets import TYPES as SENT
from services.scoring.deliver.chats import feishu, slack
from services.scoring.deliver.mail import composed
from services.scoring.deliver.signing import feishu_fields, webhook_headers
from services.scoring.deliver.texts import Text, text_of
from services.store.targets import Language

AT = datetime(2026, 11, 22, 12, 30, tzinfo=UTC)
CUSTOMER = "0" * 31 + "a"
CONSOLE = "https://touchline.example.org"
EVIDENCE = {"days_silent": 41, "own_rhythm": 12.5, "said": "<!channel> *bold*\n[x](y) & more"}
DATA: Mapping[str, Mapping[str, Any]] = {
    "lifecycle.changed": {"machine": "default", "stage": "at_risk", "previous_stage": "loyal"},
    "tier.changed": {"tier": "gold", "previous_tier": "silver", "points": 5_000},
    "points.expiring": {"points": 120, "expires_at": "2026-12-01T00:00:00Z"},
    "score.computed": {
        "score": "churn_risk", "value": 0.81234, "band": "high", "model": "churn",
        "model_version": "3",
    },
    "alert.raised": {"alert_id": "a1", "rule": "quiet_too_long", "severity": "critical"},
    "alert.acknowledged": {"alert_id": "a1", "by": "key:k_1"},
    "alert.closed": {"alert_id": "a1", "by": "key:k_1", "reason": "contacted"},
}  # fmt: skip
ENGLISH = {
    "lifecycle.changed": "Became at risk from loyal",
    "tier.changed": "Reached tier gold",
    "points.expiring": "120 points will expire from 2026-12-01 on",
    "score.computed": "Scored 0.8123 in churn risk (high)",
    "alert.raised": "Raised a critical alert: quiet too long",
    "alert.acknowledged": "Acknowledged an alert",
    "alert.closed": "Closed an alert",
    "touchline.test": "Touchline reaches this target",
}
CHINESE = {
    "lifecycle.changed": "客户进入阶段：有流失风险",
    "tier.changed": "客户等级变为 gold",
    "points.expiring": "120 积分将从 2026-12-01 起到期",
    "score.computed": "分数 churn_risk 0.8123 · high",
    "alert.raised": "严重预警：quiet too long",
    "alert.acknowledged": "预警已确认",
    "alert.closed": "预警已关闭",
    "touchline.test": "Touchline 已连通此目标",
}


def message(type_: str) -> Message:
    """As it is kept and read back."""
    if type_ == "touchline.test":
        return decode(encode(trial("test-1", "shop", AT)))
    fields = set(TYPES[type_].__dataclass_fields__)
    common = {"customer_id": CUSTOMER, "policy_version": 3, "evidence": EVIDENCE}
    data = {**DATA[type_], **{name: common[name] for name in fields & common.keys()}}
    whole = Message(
        id="d1",
        type=type_,
        timestamp=AT,
        workspace="shop",
        occurred_at=AT,
        recorded_at=AT,
        customer_id=data.get("customer_id"),
        data=data,
    )
    return decode(encode(whole))


def text(type_: str, language: Language = "en") -> Text:
    return text_of(message(type_), language, CONSOLE)


def test_every_type_that_can_be_sent_is_tried_here() -> None:
    assert set(SENT) == set(DATA)


@pytest.mark.parametrize(("language", "titles"), [("en", ENGLISH), ("zh", CHINESE)])
def test_each_decision_has_a_title_in_each_language(
    language: Language, titles: Mapping[str, str]
) -> None:
    assert {type_: text(type_, language).title for type_ in titles} == titles


def test_a_text_names_customer_evidence_and_where_more_is_seen() -> None:
    found = text("lifecycle.changed", "zh")

    assert found.facts[0] == ("客户", CUSTOMER)
    assert ("days silent", "41") in found.facts
    assert ("own rhythm", "12.5") in found.facts
    assert found.link == f"{CONSOLE}/#/customers/{CUSTOMER}"
    assert found.note == "lifecycle.changed · 2026-11-22 12:30 UTC · 工作区 shop"


@pytest.mark.parametrize("type_", ENGLISH)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_slack_takes_the_blocks(type_: str, language: Language) -> None:
    shown = slack(text(type_, language))

    header, *_ = shown["blocks"]
    assert header["type"] == "header"
    assert 0 < len(header["text"]["text"]) <= 150
    assert len(shown["blocks"]) <= 50
    for block in shown["blocks"]:
        assert len(block.get("fields", ())) <= 10
        assert all(0 < len(field["text"]) <= 2_000 for field in block.get("fields", ()))
    json.dumps(shown)


def test_nothing_that_was_written_elsewhere_is_markup_in_slack() -> None:
    shown = slack(text("lifecycle.changed"))

    markup = [
        block["text"]["text"]
        for block in shown["blocks"]
        if block.get("text", {}).get("type") == "mrkdwn"
    ]
    assert markup == [f"<{CONSOLE}/#/customers/{CUSTOMER}|Open in Touchline>"]
    assert "<!channel>" not in shown["text"]
    fields = [field for block in shown["blocks"] for field in block.get("fields", ())]
    assert {field["type"] for field in fields} == {"plain_text"}


@pytest.mark.parametrize("type_", ENGLISH)
def test_feishu_takes_the_card(type_: str) -> None:
    shown = feishu(text(type_, "zh"), feishu_fields("secret", AT))

    card = shown["card"]
    assert shown["msg_type"] == "interactive"
    assert card["header"]["title"] == {"tag": "plain_text", "content": CHINESE[type_]}
    assert card["header"]["template"] in {"blue", "green", "orange", "red"}
    assert "lark_md" not in json.dumps(shown)


def test_feishu_is_signed_as_its_documentation_has_it() -> None:
    fields = feishu_fields("secret", AT)

    key = f"{int(AT.timestamp())}\nsecret".encode()
    assert fields["timestamp"] == str(int(AT.timestamp()))
    assert base64.b64decode(fields["sign"]) == hmac.new(key, b"", sha256).digest()


def test_a_webhook_is_signed_with_the_specification_s_own_example() -> None:
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    at = datetime.fromtimestamp(1_614_265_330, UTC)

    found = webhook_headers("msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}', [secret], at)

    assert found == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_the_library_verifies_what_any_of_two_secrets_signed() -> None:
    now, body = datetime.now(UTC), encode(message("alert.raised"))
    secrets = [new_secret(), new_secret()]

    headers = dict(webhook_headers("d1", body, secrets, now))

    for secret in secrets:
        assert Webhook(secret).verify(body, headers)["data"]["rule"] == "quiet_too_long"


def test_a_mail_says_it_in_both_languages_under_the_same_id() -> None:
    class Noon:
        def now(self) -> datetime:
            return AT

    mail = composed(
        text("alert.raised", "zh"),
        ("Touchline <t@example.org>", "a@example.org"),
        "<d1.t_1@touchline.invalid>",
        clock=Noon(),
    )

    assert mail["Subject"] == CHINESE["alert.raised"]
    assert mail["Message-ID"] == "<d1.t_1@touchline.invalid>"
    assert CUSTOMER in mail.get_content()
    # Words of others stay on their line.
    assert "said: <!channel> *bold* [x](y) & more\n" in mail.get_content()
