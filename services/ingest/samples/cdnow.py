"""CDNOW: what 23,570 first-time buyers of early 1997 bought at a music shop until mid 1998.

Data of Fader and Hardie, from the text file inside the package lifetimes, which is never imported.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from services.ingest.samples.event import Event, Value
from services.ingest.samples.package import data_file

SOURCE: Final = "cdnow"
PURCHASES: Final = 69_659
ENDS_AT: Final = datetime(1998, 6, 30, tzinfo=UTC)


def events() -> Iterator[Event]:
    """Every purchase in time order."""
    path = data_file("lifetimes", "datasets/CDNOW_master.txt", install="lifetimes==0.11.3")
    with path.open(encoding="ascii") as lines:
        return iter(sorted(purchases(lines)))


def purchases(lines: Iterable[str]) -> Iterator[Event]:
    """Purchases as the file has them: customer, day, number of CDs, dollars, below a heading.

    It has days only and no order numbers: a customer's purchases of one day are numbered as they
    stand.
    """
    orders: Counter[tuple[str, str]] = Counter()
    for line in lines:
        fields = line.split()
        if len(fields) != 4 or not fields[0].isdigit():
            continue
        customer, day, discs, dollars = fields
        orders[customer, day] += 1
        number = orders[customer, day]
        order = f"cdnow-{customer}-{day}-{number}"
        amount_minor = int(Decimal(dollars) * 100)
        sold: dict[str, str | int] = {
            "sku": "CD",
            "quantity": int(discs),
            "amount_minor": amount_minor,
        }
        data: dict[str, Value] = {
            "order_id": order,
            "amount_minor": amount_minor,
            "currency": "USD",
            "lines": [sold],
            "channel": "web",
        }
        at = int(datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC).timestamp())
        yield Event(at, order, SOURCE, "purchase.completed", (f"user:cdnow-{customer}",), data)
