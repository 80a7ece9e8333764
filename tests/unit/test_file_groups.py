"""Files whose rows make up one event together: invoices of several lines."""

import json
from pathlib import Path

from services.ingest.files.load import items, understand
from services.ingest.load import Mark
from tests.files import mapped, written

INVOICES = """Invoice,Sku,Pieces,Price,Customer
1,A,2,1.10,42
2,C,3,2.00,43
1,B,1,0.999,42
C3,A,-1,1.10,42
C3,B,-1,0.50,42
"""
LINES = """
group_by = "Invoice"
[[events]]
when = [{ column = "Invoice", starts_with = "C" }]
type = "purchase.refunded"
identifiers = ["user:{Customer}"]
data.order_id = { column = "Invoice" }
data.amount_minor.column = "Price"
data.amount_minor.as = "minor"
data.amount_minor.times = "Pieces"
data.amount_minor.currency = "GBP"
data.amount_minor.sum = true
data.amount_minor.absolute = true
data.currency = { value = "GBP" }
[[events]]
type = "purchase.completed"
id = "{Invoice}"
identifiers = ["user:{Customer}"]
[events.data]
order_id = { column = "Invoice" }
amount_minor = { column = "Price", as = "minor", times = "Pieces", currency = "GBP", sum = true }
currency = { value = "GBP" }
[events.lines]
sku = { column = "Sku" }
quantity = { column = "Pieces", as = "integer" }
amount_minor = { column = "Price", as = "minor", times = "Pieces", currency = "GBP" }
"""


def test_rows_of_one_invoice_are_one_order_with_lines(tmp_path: Path) -> None:
    understood = understand(written(tmp_path, INVOICES), mapping=mapped(tmp_path, LINES))

    first, second, refund = (json.loads(item.raw) for item in items(understood))

    assert first["data"] == {
        "order_id": "1",
        "amount_minor": 320,
        "currency": "GBP",
        "lines": [
            {"sku": "A", "quantity": 2, "amount_minor": 220},
            {"sku": "B", "quantity": 1, "amount_minor": 100},
        ],
    }
    assert second["id"] == "2"
    assert refund["type"] == "purchase.refunded"
    assert refund["data"]["amount_minor"] == 160
    assert understood.unused == ()


def test_reading_goes_on_between_two_invoices(tmp_path: Path) -> None:
    understood = understand(written(tmp_path, INVOICES), mapping=mapped(tmp_path, LINES))
    every = [item.raw for item in items(understood)]

    for taken in range(4):
        assert [item.raw for item in items(understood, Mark(records=taken))] == every[taken:]
