"""The Complete Journey as events: what really happened, in the words of the catalogue.

A mailing (by post, in truth) becomes ``email.sent``, a redeemed coupon ``reward.granted`` and,
where a basket of that day was reduced by one, a coupon of that basket; demographics become traits.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Final

from services.ingest.samples import completejourney as journey
from services.ingest.samples.completejourney import Basket, Households, Product
from services.ingest.samples.event import Event, Value
from services.ingest.samples.people import card, user

SOURCE: Final = "completejourney"
MAILING: Final = "completejourney-mailing"
CURRENCY: Final = "USD"
SECONDS_BETWEEN_LETTERS: Final = 7

Coupons = Mapping[int, tuple[str, ...]]
"""Codes of the coupons redeemed with a basket."""


def purchase(basket: Basket, products: Mapping[int, Product], coupons: Coupons) -> Event:
    """The basket as ``purchase.completed``; a household's first also names its loyalty card."""
    identifiers: tuple[str, ...] = (user(basket.household),)
    if basket.is_first:
        identifiers += (card(basket.household),)
    data: dict[str, Value] = {
        "order_id": str(basket.id),
        "amount_minor": basket.amount_minor,
        "currency": CURRENCY,
        "lines": _positions(basket, products),
        "channel": "store",
        "store_id": str(basket.store),
    }
    if basket.discount_minor:
        data["discount_minor"] = basket.discount_minor
    if codes := coupons.get(basket.id):
        data["coupons"] = list(codes)
    return Event(basket.at, basket.event_id, SOURCE, "purchase.completed", identifiers, data)


def _positions(basket: Basket, products: Mapping[int, Product]) -> list[dict[str, str | int]]:
    positions = []
    for product, quantity, amount_minor in zip(
        basket.products, basket.quantities, basket.amounts_minor, strict=True
    ):
        if not quantity and not amount_minor:
            # Taken off the bill again: 8,820 of 1,469,307 lines.
            continue
        # Some products were sold and never listed.
        sku, category, is_fuel = products.get(product) or Product(str(product), None, is_fuel=False)
        position: dict[str, str | int] = {
            "sku": sku,
            # 49 lines have money but no quantity.
            "quantity": 1 if is_fuel else quantity or 1,
            "amount_minor": amount_minor,
        }
        if category:
            position["category"] = category
        positions.append(position)
    return positions


def described(households: Households | None) -> Iterator[Event]:
    """What is known of 801 households, as of the first day: bands and sizes, no names."""
    at = journey.local_noon(journey.BEGINS) - 12 * 3600
    for row in journey.table("demographics").to_pylist():
        household = row.pop("household_id")
        if households is None or household in households:
            traits = {name: value for name, value in row.items() if value is not None}
            yield Event(
                at,
                f"cj-d-{household}",
                SOURCE,
                "customer.identified",
                (user(household),),
                {"traits": traits},
            )


def mailings(households: Households | None) -> list[tuple[Event, int]]:
    """Every campaign mailing with its household, from noon of its campaign's first day on."""
    rows = journey.table("campaign_descriptions").to_pylist()
    begins = {row["campaign_id"]: row["start_date"].date() for row in rows}
    sent: dict[int, int] = defaultdict(int)
    letters = []
    for row in journey.table("campaigns").to_pylist():
        campaign, household = row["campaign_id"], row["household_id"]
        at = journey.local_noon(begins[campaign]) + SECONDS_BETWEEN_LETTERS * sent[campaign]
        sent[campaign] += 1
        if households is None or household in households:
            letter = f"cj-c-{campaign}-{household}"
            data: dict[str, Value] = {"message_id": letter, "campaign_id": f"cj-{campaign}"}
            event = Event(at, letter, MAILING, "email.sent", (user(household),), data)
            letters.append((event, household))
    return sorted(letters)


def redemptions(households: Households | None) -> tuple[list[Event], Coupons]:
    """Redeemed coupons as rewards without points, and the same by basket."""
    reduced = journey.reduced_baskets()
    rewards, coupons = [], defaultdict(list)
    for row in journey.table("coupon_redemptions").to_pylist():
        household, code = row["household_id"], str(row["coupon_upc"])
        if households is not None and household not in households:
            continue
        day: date = row["redemption_date"].date()
        basket, at = reduced.get((household, day), (None, journey.local_noon(day)))
        if basket is not None:
            coupons[basket].append(code)
        reward = f"cj-r-{household}-{row['campaign_id']}-{code}-{day:%Y%m%d}"
        data: dict[str, Value] = {
            "reward_id": reward,
            "benefit": f"coupon_{code}",
            "reason": "coupon",
            "campaign_id": f"cj-{row['campaign_id']}",
        }
        cause = None if basket is None else f"cj-b-{basket}"
        rewards.append(
            Event(at, reward, SOURCE, "reward.granted", (user(household),), data, cause=cause)
        )
    return sorted(rewards), {basket: tuple(codes) for basket, codes in coupons.items()}
