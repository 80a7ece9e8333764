"""Cancellation intent, found by keywords in English and Chinese."""

import pytest

from services.scoring.model.history import Entry
from services.scoring.rules import Intent, Keywords, said


@pytest.mark.parametrize(
    "text",
    [
        "I want to cancel my subscription.",
        "Please CANCEL the   subscription we have",
        "I’d like to cancel",
        "How do I close my account?",
        "Why can't I cancel my contract on the page?",
        "We are switching to another provider next month",
        "I will not renew",
        "we won't renew this year",
        "I'll take my business elsewhere",
        "The delivery was fine, but I want to terminate my membership",
        "I don't like it. Cancel my plan",
        "我想取消订阅",
        "请帮我注销账号。",
        "我要退订",
        "下个月不再续费了",
        "我们打算换一家供应商",
        "請幫我終止合約",
        "不想用了，帮我解约",
    ],
)
def test_who_wants_to_leave_is_heard(text: str) -> None:
    assert [one.name for one in Keywords().intents(text)] == ["cancel"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Thank you, all is well",
        "Please cancel my order 17",
        "I'd like to cancel my appointment tomorrow",
        "I need to cancel the delivery of today",
        "I don't want to cancel my subscription",
        "Don’t close my account please",
        "No need to cancel my plan, all good",
        "I have no intention to cancel my membership",
        "I am not going to cancel my contract",
        "我不想取消会员",
        "我没有要注销账号",
        "要退订酒店",
        "请取消订单",
        "这个服务很好",
    ],
)
def test_who_cancels_a_thing_or_does_not_want_to_is_not(text: str) -> None:
    assert Keywords().intents(text) == []


def test_what_is_kept_is_our_keyword_and_never_their_words() -> None:
    chat = Entry(5, "chat.ended", "crm", "e1", "chat-9")
    text = "This is Ann Smith, I want to cancel my damned subscription at once"

    [kept] = said(chat, text, Keywords())

    assert kept == Entry(5, "said.cancel", "crm", "e1", "chat-9", 0.8, "cancel subscription")


@pytest.mark.parametrize(
    ("type_", "unit", "is_heard"),
    [
        ("chat.ended", "", True),
        ("call.ended", "inbound answered", True),
        ("note.written", "", True),
        ("email.received", "", True),
        ("case.replied", "customer", True),
        ("case.replied", "agent", False),
        ("email.sent", "", False),
    ],
)
def test_only_what_customers_say_and_what_is_noted_of_it_counts(
    type_: str, unit: str, is_heard: bool
) -> None:
    found = said(Entry(5, type_, "crm", "e1", unit=unit), "cancel my account", Keywords())

    assert bool(found) is is_heard


def test_another_classifier_may_take_its_place() -> None:
    class Sure:
        def intents(self, text: str) -> list[Intent]:
            return [Intent("cancel", 0.99, "model 3")]

    [kept] = said(Entry(5, "chat.ended", "crm", "e1"), "…", Sure())

    assert (kept.type, kept.value, kept.unit) == ("said.cancel", 0.99, "model 3")


def test_a_text_of_a_hundred_thousand_characters_is_read_quickly() -> None:
    assert Keywords().intents("do not " * 50_000 + "cancel my plan") == []
