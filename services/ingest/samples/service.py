"""Simulated contacts with customer service: calls, chats, messages, mail and the cases they lead to."""

from collections.abc import Iterator
from typing import Final

from services.ingest.samples.event import Event, Value
from services.ingest.samples.occasion import DAY_S, HOUR_S, MINUTE_S, Occasion
from services.ingest.samples.texts import COMPLAINTS, QUESTIONS, REPLIES, TOPICS, remark

CONTENT: Final = 0.06
"""Share of baskets after which a content household contacts us; a discontented one does three times as often."""
CENTRE: Final = "contact-centre"


def service(occasion: Occasion) -> Iterator[Event]:
    """Perhaps a contact; a complaint that it does not settle becomes a case."""
    if not occasion.happens(CONTENT * (2 - occasion.person.mood)):
        return
    random = occasion.random
    is_complaint = occasion.happens(0.35 - 0.3 * occasion.person.mood)
    at = occasion.after(HOUR_S, 6 * DAY_S)
    topic = random.choice(TOPICS)
    text = random.choice(COMPLAINTS if is_complaint else QUESTIONS)
    case = f"case-{occasion.key}" if is_complaint and occasion.happens(0.7) else None
    contact = random.choice((call, call, chat, chat, message, mail))
    yield contact(occasion, at, topic, text, case)
    if case is not None:
        yield from followed_up(occasion, at, case, topic)


def call(occasion: Occasion, at: int, topic: str, text: str, case: str | None) -> Event:
    """A call, known by its number; one in eight hangs up while waiting."""
    queue_s = int(occasion.random.expovariate(1 / 90))
    data: dict[str, Value] = {"queue": "service", "queue_s": queue_s, "topic": topic}
    if case is None and occasion.happens(0.12):
        data["outcome"] = "abandoned"
    else:
        data |= {
            "outcome": "answered",
            "duration_s": 30 + int(occasion.random.expovariate(1 / 200)),
            "agent_id": occasion.agent(),
        }
    return _contact(occasion, "call.ended", at, data, name="call", text=text, case=case)


def chat(occasion: Occasion, at: int, topic: str, text: str, case: str | None) -> Event:
    """A chat on the web page, a third of them with a bot alone."""
    random = occasion.random
    is_bot_only = case is None and occasion.happens(0.33)
    written = random.randint(2, 12)
    data: dict[str, Value] = {
        "duration_s": random.randint(60, 1200),
        "messages": 2 * written,
        "customer_messages": written,
        "outcome": "handed_over" if case else random.choice(("resolved", "resolved", "unresolved")),
        "is_bot_only": is_bot_only,
        "channel": "web",
        "topic": topic,
    }
    if not is_bot_only:
        data |= {"queue_s": random.randint(0, 180), "agent_id": occasion.agent()}
    return _contact(occasion, "chat.ended", at, data, name="chat", text=text, case=case)


def message(occasion: Occasion, at: int, topic: str, text: str, case: str | None) -> Event:
    """A text message from the household's number."""
    data: dict[str, Value] = {"channel": occasion.random.choice(("sms", "whatsapp"))}
    return _contact(occasion, "message.received", at, data, name=f"message-{topic}", text=text, case=case)


def mail(occasion: Occasion, at: int, topic: str, text: str, case: str | None) -> Event:
    """A mail from the household's address."""
    data: dict[str, Value] = {"message_id": f"sim-{occasion.key}-mail-{topic}"}
    return _contact(occasion, "email.received", at, data, name=f"mail-{topic}", text=text, case=case)


def _contact(
    occasion: Occasion,
    kind: str,
    at: int,
    data: dict[str, Value],
    *,
    name: str,
    text: str,
    case: str | None,
) -> Event:
    person = occasion.person
    by = {"call.ended": person.phone, "message.received": person.phone, "email.received": person.email}
    data |= {"case_id": case} if case else {}
    who = (by.get(kind, person.user),)
    return occasion.touch(kind, at, who, data, name=name, source=CENTRE, text=text)


def followed_up(occasion: Occasion, at: int, case: str, topic: str) -> Iterator[Event]:
    """The case: opened, answered, sometimes escalated, mostly resolved, then rated."""
    random, who = occasion.random, (occasion.person.user,)
    opened_at = at + random.randint(MINUTE_S, 20 * MINUTE_S)
    agent = occasion.agent()
    opened: dict[str, Value] = {
        "case_id": case,
        "kind": "complaint",
        "priority": random.choice(("normal", "normal", "high", "urgent")),
        "category": topic,
        "order_id": occasion.order_id,
    }
    yield occasion.touch("case.opened", opened_at, who, opened, name="opened", source=CENTRE)
    reply_s = int(random.expovariate(1 / (8 * HOUR_S))) + 10 * MINUTE_S
    replied: dict[str, Value] = {"case_id": case, "agent_id": agent, "reply_s": reply_s}
    answer = random.choice(REPLIES)
    yield occasion.touch(
        "case.replied", opened_at + reply_s, who, replied, name="replied", source=CENTRE, text=answer
    )
    if occasion.happens(0.15):
        escalated: dict[str, Value] = {"case_id": case, "level": 2, "reason": "no_solution"}
        yield occasion.touch(
            "case.escalated", opened_at + reply_s + HOUR_S, who, escalated, name="escalated", source=CENTRE
        )
    if occasion.happens(0.88):
        took_s = reply_s + random.randint(2 * HOUR_S, 5 * DAY_S)
        resolved: dict[str, Value] = {"case_id": case, "agent_id": agent, "resolution_s": took_s}
        yield occasion.touch(
            "case.resolved", opened_at + took_s, who, resolved, name="resolved", source=CENTRE
        )
        if occasion.happens(0.4):
            yield _rated(occasion, opened_at + took_s + HOUR_S, case)


def _rated(occasion: Occasion, at: int, case: str) -> Event:
    content = min(1.0, max(0.0, occasion.random.gauss(0.45 + occasion.person.mood / 3, 0.25)))
    data: dict[str, Value] = {"survey": "csat", "score": 1 + round(4 * content), "topic": "service", "case_id": case}
    text = remark(occasion.random, content) if occasion.happens(0.3) else None
    who = (occasion.person.user,)
    return occasion.touch("feedback.given", at, who, data, name="rated", source="survey", text=text)
