"""Builders of files to import: orders with their mapping, and what is read from such a file."""

import json
from pathlib import Path
from typing import Any

from services.ingest.files.load import items, understand
from services.ingest.files.mapping import Mapping, read_mapping

ORDERS = """Invoice;Date;Customer;Mail;Total;Name
7001;21.11.2026 10:00;42;Ada@Example.org;12,50;Ada
7002;21.11.2026 11:30;43;;1.200,00;
C7003;22.11.2026 08:00;42;;-3,00;
"""
MAPPING = """
[[events]]
when = [{ column = "Invoice", starts_with = "C" }]
type = "purchase.refunded"
identifiers = ["user:{Customer}"]
occurred_at = { column = "Date", format = "%d.%m.%Y %H:%M", zone = "Europe/Berlin" }
[events.data]
order_id = { column = "Invoice" }
amount_minor = { column = "Total", as = "minor", currency = "EUR", decimal = ",", absolute = true }
currency = { value = "EUR" }
[[events]]
type = "purchase.completed"
id = "{Invoice}"
source = "till"
identifiers = ["user:{Customer}", "email:{Mail}"]
occurred_at = { column = "Date", format = "%d.%m.%Y %H:%M", zone = "Europe/Berlin" }
[events.data]
order_id = { column = "Invoice" }
amount_minor = { column = "Total", as = "minor", currency = "EUR", decimal = "," }
currency = { value = "EUR" }
[events.personal]
name = { column = "Name" }
"""


def written(tmp_path: Path, content: str | bytes, name: str = "orders.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def mapped(tmp_path: Path, text: str = MAPPING) -> Mapping:
    return read_mapping(written(tmp_path, text, "mapping.toml"))


def events(path: Path, **how: Any) -> list[dict[str, Any]]:
    return [json.loads(item.raw) for item in items(understand(path, **how))]
