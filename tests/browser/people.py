"""The people whom the tests of the pages look at, one of them no friend."""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Final

Json = dict[str, Any]

BEGAN: Final = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2)
HOSTILE: Final = "<img src=x onerror=\"window.ran='yes'\"><script>window.ran='yes'</script>"
_NUMBERS: Final = count(1)


def told(type_: str, *identifiers: str, **more: Any) -> Json:
    """An event, a second after the one before; ``more`` is its data, but for the envelope's."""
    number = next(_NUMBERS)
    envelope: Json = {name: more.pop(name) for name in ("personal", "id", "source") if name in more}
    return {
        "id": f"b-{number}",
        "source": "shop",
        "type": type_,
        "occurred_at": (BEGAN + timedelta(seconds=number)).isoformat(),
        "identifiers": list(identifiers),
        "data": more,
        **envelope,
    }


def bought(order_id: str, amount_minor: int, currency: str, *identifiers: str, **more: Any) -> Json:
    data = {"order_id": order_id, "amount_minor": amount_minor, "currency": currency}
    return told("purchase.completed", *identifiers, **data, **more)


CROWD: Final = [
    told("customer.identified", f"user:crowd-{number:02}", personal={"name": f"Person {number:02}"})
    for number in range(60)
]
HOSTILES: Final = [
    told(
        "customer.identified",
        "user:hostile",
        personal={"name": HOSTILE, "city": HOSTILE},
        source=HOSTILE,
    ),
    bought(HOSTILE, 100, "EUR", "user:hostile"),
    told("message.received", "user:hostile", personal={"text": HOSTILE}, channel="sms"),
    told("custom.img_src_x_onerror", "user:hostile", **{HOSTILE: HOSTILE}),
]
LETTER: Final = [
    bought("L-1", 100, "EUR", "user:letter", id="letter"),
    bought("L-2", 200, "EUR", "user:letter", id="letter"),
]
# Touched last.
ADA: Final = [
    told(
        "customer.identified",
        "user:ada",
        "email:ada@example.org",
        personal={"name": "Ada Lovelace", "city": "London"},
        source="crm",
    ),
    bought("A-1", 123456, "EUR", "user:ada"),
    bought("A-2", 5000, "JPY", "user:ada"),
    told("email.opened", "user:ada"),
    told("message.received", "user:ada", personal={"text": "Where is my order?"}, channel="sms"),
    # A tablet that another login uses too.
    told("web.visited", "user:bob", "anonymous:tablet", page="/account"),
    told("web.visited", "user:ada", "anonymous:tablet", page="/account"),
]
PEOPLE: Final = [*CROWD, *HOSTILES, *LETTER, *ADA]
