"""Simulated contacts with customer service, by every medium, and the cases they lead to."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from services.ingest.samples.event import Event, Value
from services.ingest.samples.occasion import DAY_S, HOUR_S, MINUTE_S, Occasion
from services.ingest.samples.texts import COMPLAINTS, QUESTIONS, REPLIES, TOPICS, remark

CONTENT: Final = 0.06
"""Share of baskets after which a content household contacts us; others do up to thrice as often."""
CENTRE: Final = "contact-centre"


@dataclass(frozen=True, slots=True)
class Matter:
    """What somebody contacts us about, and the case that it leads to, if it does."""

    at: int
    topic: str
    text: str
    case_id: str | None = None


def service(occasion: Occasion) -> Iterator[Event]:
    """Perhaps a contact; a complaint that it does not settle becomes a case."""
    if not occasion.happens(CONTENT * (2 - occasion.person.mood)):
        return
    is_complaint = occasion.happens(0.35 - 0.3 * occasion.person.mood)
    has_case = is_complaint and occasion.happens(0.7)
    matter = raised(
        occasion,
        occasion.after(HOUR_S, 6 * DAY_S),
        is_complaint=is_complaint,
        case_id=f"case-{occasion.key}" if has_case else None,
    )
    yield contact(occasion, matter)
    if has_case:
        yield from followed_up(occasion, matter)


def raised(
    occasion: Occasion, at: int, *, is_complaint: bool, case_id: str | None = None
) -> Matter:
    """Something to ask or to complain about."""
    random = occasion.random
    text = random.choice(COMPLAINTS if is_complaint else QUESTIONS)
    return Matter(at, random.choice(TOPICS), text, case_id)


def contact(occasion: Occasion, matter: Matter) -> Event:
    """The matter comes up by one of the media."""
    return occasion.random.choice(MEDIA)(occasion, matter)


def _call(occasion: Occasion, matter: Matter) -> Event:
    """Known by the caller's number; one in eight hangs up while waiting."""
    random = occasion.random
    is_abandoned = matter.case_id is None and occasion.happens(0.12)
    data: dict[str, Value] = {"queue": "service", "queue_s": int(random.expovariate(1 / 90))}
    if is_abandoned:
        data["outcome"] = "abandoned"
    else:
        data |= {
            "topic": matter.topic,
            "duration_s": 30 + int(random.expovariate(1 / 200)),
            "agent_id": occasion.agent(),
        }
    who = (occasion.person.phone,)
    text = None if is_abandoned else matter.text
    return occasion.touch(
        "call.ended", matter.at, who, data | _of(matter), name="call", source=CENTRE, text=text
    )


def _chat(occasion: Occasion, matter: Matter) -> Event:
    """On the web page, after a login; a third with a bot alone."""
    random = occasion.random
    is_bot_only = matter.case_id is None and occasion.happens(0.33)
    written = random.randint(2, 12)
    outcomes = ("handed_over",) if matter.case_id else ("resolved", "resolved", "unresolved")
    data: dict[str, Value] = {
        "duration_s": random.randint(60, 1200),
        "messages": 2 * written,
        "customer_messages": written,
        "outcome": random.choice(outcomes),
        "is_bot_only": is_bot_only,
        "channel": "web",
        "topic": matter.topic,
    }
    if not is_bot_only:
        data |= {"queue_s": random.randint(0, 180), "agent_id": occasion.agent()}
    return _written(occasion, matter, "chat.ended", data)


def _message(occasion: Occasion, matter: Matter) -> Event:
    data: dict[str, Value] = {"channel": occasion.random.choice(("sms", "whatsapp"))}
    return _written(occasion, matter, "message.received", data)


def _mail(occasion: Occasion, matter: Matter) -> Event:
    data: dict[str, Value] = {"message_id": f"sim-{occasion.key}-email"}
    return _written(occasion, matter, "email.received", data)


def _written(occasion: Occasion, matter: Matter, kind: str, data: dict[str, Value]) -> Event:
    medium = kind.partition(".")[0]
    person = occasion.person
    who = {"chat": person.user, "message": person.phone, "email": person.email}[medium]
    return occasion.touch(
        kind,
        matter.at,
        (who,),
        data | _of(matter),
        name=medium,
        source=CENTRE,
        text=matter.text,
    )


def _of(matter: Matter) -> dict[str, Value]:
    return {"case_id": matter.case_id} if matter.case_id else {}


MEDIA: Final[tuple[Callable[[Occasion, Matter], Event], ...]] = (
    _call,
    _call,
    _chat,
    _chat,
    _message,
    _mail,
)


def followed_up(occasion: Occasion, matter: Matter) -> Iterator[Event]:
    """The case: opened, answered, sometimes escalated, mostly resolved, then rated."""
    random = occasion.random
    opened_at = matter.at + random.randint(MINUTE_S, 20 * MINUTE_S)
    agent: dict[str, Value] = {"agent_id": occasion.agent()}
    reply_s = int(random.expovariate(1 / (8 * HOUR_S))) + 10 * MINUTE_S

    def step(verb: str, after_s: int, data: dict[str, Value], text: str | None = None) -> Event:
        return occasion.touch(
            f"case.{verb}",
            opened_at + after_s,
            (occasion.person.user,),
            _of(matter) | data,
            name=verb,
            source=CENTRE,
            text=text,
        )

    priority = random.choice(("normal", "normal", "high", "urgent"))
    about: dict[str, Value] = {"category": matter.topic, "order_id": occasion.order_id}
    yield step("opened", 0, about | {"kind": "complaint", "priority": priority})
    yield step("replied", reply_s, {**agent, "reply_s": reply_s}, random.choice(REPLIES))
    if occasion.happens(0.15):
        yield step("escalated", reply_s + HOUR_S, {"level": 2, "reason": "no_solution"})
    if occasion.happens(0.88):
        took_s = reply_s + random.randint(2 * HOUR_S, 5 * DAY_S)
        yield step("resolved", took_s, {**agent, "resolution_s": took_s})
        if occasion.happens(0.4):
            yield _rated(occasion, opened_at + took_s + HOUR_S, matter)


def _rated(occasion: Occasion, at: int, matter: Matter) -> Event:
    content = min(1.0, max(0.0, occasion.random.gauss(0.45 + occasion.person.mood / 3, 0.25)))
    data: dict[str, Value] = {"survey": "csat", "score": 1 + round(4 * content), "topic": "service"}
    text = remark(occasion.random, content) if occasion.happens(0.3) else None
    return occasion.touch(
        "feedback.given",
        at,
        (occasion.person.user,),
        data | _of(matter),
        name="rated",
        source="survey",
        text=text,
    )
