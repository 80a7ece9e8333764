"""Simulated touches around real baskets: visits, mail, calls, chats, feedback, cases, refunds.

Pure: the same basket, household and seed give the same touches, which all come after the basket.
The shares are ours, chosen so that a year has some 120,000 touches and each kind is seen; whether a
customer is content has no bearing on the baskets, which are real.
"""

from collections.abc import Iterator
from typing import Final

from services.ingest.samples.event import Event, Value
from services.ingest.samples.occasion import DAY_S, HOUR_S, MINUTE_S, Occasion
from services.ingest.samples.service import service
from services.ingest.samples.texts import remark

VISITS: Final = 0.15
FEEDBACK: Final = 0.06
RECEIPT: Final = 0.05
REFUND: Final = 0.012
NEWSLETTER_CONSENT: Final = 0.7
WITHDRAWAL: Final = 0.002
KIOSK: Final = 0.04
"""Share of visits made at a store's tablet, which many people use."""
PAGES: Final = ("home", "offers", "recipes", "store_finder", "loyalty", "search", "product")
CHANNELS: Final = ("direct", "organic", "paid", "email", "social")


def touches(occasion: Occasion) -> Iterator[Event]:
    """What follows ``occasion``, in no order."""
    if occasion.is_first:
        yield from introduction(occasion)
    if occasion.happens(VISITS):
        yield from visit(occasion)
    if occasion.happens(RECEIPT):
        yield from receipt(occasion)
    if occasion.amount_minor and occasion.happens(REFUND):
        yield refund(occasion)
    if occasion.happens(FEEDBACK):
        yield feedback(occasion)
    if occasion.happens(WITHDRAWAL):
        yield consent(occasion, "withdrawn", occasion.after(HOUR_S, 30 * DAY_S))
    yield from service(occasion)


def introduction(occasion: Occasion) -> Iterator[Event]:
    """The household joins the loyalty programme: a name, its identifiers, what it consents to."""
    person = occasion.person
    at = occasion.after(MINUTE_S, HOUR_S)
    known = occasion.touch(
        "customer.identified",
        at,
        (person.user, person.email, person.phone, person.card),
        {"traits": {"programme": "loyalty_card", "home_store": occasion.store_id}},
        name="crm",
        source="crm",
    )
    yield known._replace(
        personal={
            "name": person.name,
            "first_name": person.first_name,
            "last_name": person.last_name,
            "email": person.email.removeprefix("email:"),
            "phone": person.phone.removeprefix("phone:"),
            "language": person.language,
        }
    )
    if occasion.happens(NEWSLETTER_CONSENT):
        yield consent(occasion, "given", at + MINUTE_S)


def consent(occasion: Occasion, verb: str, at: int) -> Event:
    """Marketing by e-mail, given or withdrawn."""
    data: dict[str, Value] = {
        "purpose": "marketing",
        "channel": "email",
        "method": "preference_centre",
    }
    return occasion.touch(
        f"consent.{verb}", at, (occasion.person.user,), data, name=f"consent-{verb}", source="crm"
    )


def visit(occasion: Occasion) -> Iterator[Event]:
    """Some pages without a login; half of the visits log in, which joins device and customer."""
    person, random = occasion.person, occasion.random
    is_kiosk = occasion.happens(KIOSK)
    device = f"anonymous:kiosk-{occasion.store_id}" if is_kiosk else person.device
    session = f"s-{occasion.key}"
    at = occasion.after(HOUR_S, 5 * DAY_S)
    channel = random.choice(CHANNELS)
    for number in range(random.choice((1, 1, 2, 2, 3))):
        page = random.choice(PAGES)
        data: dict[str, Value] = {
            "page": page,
            "url": f"https://shop.example.org/{page}",
            "session_id": session,
            "duration_s": random.randint(3, 240),
            "channel": channel,
            "device": "tablet" if is_kiosk else random.choice(("mobile", "desktop")),
        }
        yield occasion.touch(
            "web.visited", at, (device,), data, name=f"page-{number}", source="web"
        )
        at += random.randint(5, 300)
    if occasion.happens(0.5):
        data = {"action": "login", "page": "account", "session_id": session}
        yield occasion.touch(
            "web.acted", at, (device, person.user), data, name="login", source="web"
        )
    elif occasion.products and occasion.happens(0.3):
        data = {"action": "view_product", "page": "product", "session_id": session}
        data["sku"] = str(random.choice(occasion.products))
        yield occasion.touch("web.acted", at, (device,), data, name="product", source="web")


def receipt(occasion: Occasion) -> Iterator[Event]:
    """The receipt by e-mail, which most people open and some never get."""
    mail = f"sim-{occasion.key}-receipt"
    data: dict[str, Value] = {"message_id": mail, "template_id": "receipt"}
    mailbox = (occasion.person.email,)
    at = occasion.after(1, 5 * MINUTE_S)
    yield occasion.touch("email.sent", at, mailbox, data, name="receipt", source="mail")
    if occasion.happens(0.02):
        failed = data | {"kind": "soft", "code": "452 4.2.2"}
        yield occasion.touch("email.bounced", at + 5, mailbox, failed, name="bounce", source="mail")
    else:
        yield from reactions(occasion, at, mail, data, reads=0.7)


def reactions(
    occasion: Occasion, at: int, mail: str, data: dict[str, Value], *, reads: float
) -> Iterator[Event]:
    """Opened and clicked, some at once by a program that scans mail and follows every link."""
    mailbox = (occasion.person.email,)
    if occasion.happens(0.15):
        scanned = data | {"machine": True}
        yield occasion.touch(
            "email.opened", at + 2, mailbox, scanned, name="scan", source="mail", cause=mail
        )
        yield occasion.touch(
            "email.clicked", at + 3, mailbox, scanned, name="scan-click", source="mail", cause=mail
        )
    if occasion.happens(reads):
        opened_at = occasion.after(MINUTE_S, 3 * DAY_S, since=at)
        yield occasion.touch(
            "email.opened", opened_at, mailbox, data, name="open", source="mail", cause=mail
        )
        if occasion.happens(0.25):
            clicked = data | {"link": "https://shop.example.org/offers"}
            clicked_at = opened_at + occasion.random.randint(5, 90)
            yield occasion.touch(
                "email.clicked",
                clicked_at,
                mailbox,
                clicked,
                name="click",
                source="mail",
                cause=mail,
            )


def refund(occasion: Occasion) -> Event:
    """Part of a real basket is given back, or all of it."""
    share = occasion.random.choice((0.1, 0.25, 0.5, 1.0))
    data: dict[str, Value] = {
        "order_id": occasion.order_id,
        "amount_minor": max(1, int(occasion.amount_minor * share)),
        "currency": "USD",
        "reason": occasion.random.choice(("spoilt", "wrong_price", "changed_mind")),
    }
    at = occasion.after(HOUR_S, 10 * DAY_S)
    cause = f"cj-b-{occasion.order_id}"
    return occasion.touch(
        "purchase.refunded",
        at,
        (occasion.person.user,),
        data,
        name="refund",
        source="till",
        cause=cause,
    )


def feedback(occasion: Occasion) -> Event:
    """A survey about the visit, answered as the household's mood has it."""
    survey, high = occasion.random.choice((("nps", 10), ("csat", 5), ("csat", 5), ("review", 5)))
    low = 0 if survey == "nps" else 1
    content = min(1.0, max(0.0, occasion.random.gauss(0.5 + occasion.person.mood / 2, 0.2)))
    score = low + round(content * (high - low))
    data: dict[str, Value] = {
        "survey": survey,
        "score": score,
        "topic": "store",
        "channel": "email",
        "order_id": occasion.order_id,
    }
    text = remark(occasion.random, content) if occasion.happens(0.4) else None
    at = occasion.after(HOUR_S, 4 * DAY_S)
    who = (occasion.person.email,) if occasion.happens(0.5) else (occasion.person.user,)
    return occasion.touch(
        "feedback.given", at, who, data, name="survey", source="survey", text=text
    )
