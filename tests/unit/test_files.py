"""Files of events: what they are taken for, what becomes of their rows, where a reader goes on."""

import gzip
import json
import os
from pathlib import Path

import pytest

from schemas.problems import Problem
from services.errors import Misconfigured, Refused
from services.ingest.files.convert import event_of
from services.ingest.files.load import import_file, items, preview, understand
from services.ingest.files.read import MAX_LINE
from services.ingest.load import Item, Mark
from tests.files import ORDERS, events, mapped, written
from tests.loading import Memory


def test_a_mapping_makes_events_of_rows(tmp_path: Path) -> None:
    bought, _, refunded = events(written(tmp_path, ORDERS), mapping=mapped(tmp_path))

    assert bought == {
        "id": "7001",
        "source": "till",
        "type": "purchase.completed",
        "identifiers": ["user:42", "email:Ada@Example.org"],
        "occurred_at": "2026-11-21T09:00:00Z",
        "data": {"order_id": "7001", "amount_minor": 1250, "currency": "EUR"},
        "personal": {"name": "Ada"},
    }
    assert refunded["type"] == "purchase.refunded"
    assert refunded["data"]["amount_minor"] == 300


def test_identifiers_whose_columns_are_empty_are_left_out(tmp_path: Path) -> None:
    _, second, _ = events(written(tmp_path, ORDERS), mapping=mapped(tmp_path))

    assert second["identifiers"] == ["user:43"]
    assert second["data"]["amount_minor"] == 120_000


def test_a_row_without_an_id_gets_one_from_its_content_wherever_it_stands(tmp_path: Path) -> None:
    first = events(written(tmp_path, "user_id,page\n1,home\n2,offers\n", "visits.csv"))
    again = events(written(tmp_path, "user_id,page\n2,offers\n1,home\n", "visits.csv"))
    other = events(written(tmp_path, "user_id,page\n1,home\n", "visits.csv"), source="other")

    assert [event["id"] for event in first] == [event["id"] for event in reversed(again)]
    assert other[0]["id"] not in {event["id"] for event in first}


def test_a_file_that_says_what_it_holds_needs_no_mapping(tmp_path: Path) -> None:
    text = "OrderNo,CustomerID,InvoiceDate,Amount\n9,42,2026-11-21,12.50\n10,42,2026-11-22,-2.5\n"
    text = text.replace("OrderNo", "Order Number")

    bought, refunded = events(written(tmp_path, text), currency="USD")

    assert bought["type"] == "purchase.completed"
    assert bought["identifiers"] == ["user:42"]
    assert bought["occurred_at"] == "2026-11-21T00:00:00Z"
    assert bought["data"] == {"order_id": "9", "amount_minor": 1250, "currency": "USD"}
    assert refunded["type"] == "purchase.refunded"
    assert refunded["data"]["amount_minor"] == 250


def test_rows_of_one_of_our_types_are_typed_by_what_their_cells_look_like(tmp_path: Path) -> None:
    text = "type,email,survey,score\nfeedback.given,ada@example.org,nps,9\n"

    shown = preview(understand(written(tmp_path, text)))

    assert shown[0].problems == ()
    assert json.loads(shown[0].item.raw)["data"] == {"survey": "nps", "score": 9}


def test_json_that_is_not_ours_is_mapped_by_its_nested_names(tmp_path: Path) -> None:
    line = {
        "event_id": "b-1",
        "customer_id": "cj-7",
        "type": "purchase",
        "occurred_at": "2017-01-01T13:28:35Z",
        "source": "completejourney",
        "properties": {"order_id": "1", "amount": 13.600000000000001, "currency": "USD"},
    }
    contact = {**line, "event_id": "c-1", "type": "campaign_contact", "properties": {"n": 2}}
    text = "\n".join(map(json.dumps, (line, contact)))

    bought, other = events(written(tmp_path, text, "extract.jsonl"))

    assert bought["data"] == {"order_id": "1", "amount_minor": 1360, "currency": "USD"}
    assert bought["id"] == "b-1"
    assert other["type"] == "custom.campaign_contact"
    assert other["data"]["n"] == 2


def test_our_own_events_pass_as_they_are_and_get_a_source_where_they_name_none(
    tmp_path: Path,
) -> None:
    text = (
        b'{"id":"1","type":"web.visited","identifiers":["user:1"],"data":{}}\n\n'
        b'{"id":"2","source":"shop","type":"web.visited","identifiers":["user:1"],"data":{}}\r\n'
    )

    first, second = items(understand(written(tmp_path, text, "e.ndjson"), source="old-crm"))

    assert json.loads(first.raw)["source"] == "old-crm"
    assert second.raw == text.split(b"\n")[2].strip()
    assert (first.number, second.number, second.end) == (1, 2, len(text))


def test_gzip_is_opened(tmp_path: Path) -> None:
    packed = written(tmp_path, gzip.compress(ORDERS.encode()), "orders.csv.gz")

    assert len(events(packed, mapping=mapped(tmp_path))) == 3


@pytest.mark.parametrize("kind", ["csv", "csv.gz", "ndjson", "ndjson.gz"])
def test_reading_goes_on_from_any_mark_without_loss_or_repetition(
    tmp_path: Path, kind: str
) -> None:
    if kind.startswith("csv"):
        text = "id,user_id,page\n" + "".join(f'{n},1,"a\nb"\n' for n in range(9))
    else:
        text = "".join(f'{{"id":"{n}","identifiers":["user:1"]}}\n\n' for n in range(9))
    content = gzip.compress(text.encode()) if kind.endswith("gz") else text.encode()
    understood = understand(written(tmp_path, content, f"e.{kind}"))
    every = list(items(understood))

    for taken in range(10):
        mark = Mark(records=taken, end=every[taken - 1].end if taken else 0)
        assert [item.raw for item in items(understood, mark)] == [it.raw for it in every[taken:]]


def test_rows_that_can_not_be_read_are_refused_one_by_one(tmp_path: Path) -> None:
    content = b"user_id,page\n1,home\n2\n3,\xff\xfe\n4,offers\n"

    read = list(items(understand(written(tmp_path, content))))

    assert [item.number for item in read] == [2, 3, 4, 5]
    assert [item.problem is None for item in read] == [True, False, False, True]
    assert read[1].problem == Problem(
        "", "2", "has 1 cells under 2 headings", "quote cells that hold the delimiter"
    )


def test_a_line_without_end_is_refused_without_being_held(tmp_path: Path) -> None:
    good = b'{"id":"1","identifiers":["user:1"]}\n'
    content = good + b"x" * (3 * MAX_LINE) + b"\n" + good

    first, long, last = items(understand(written(tmp_path, content, "e.ndjson")))

    assert first.problem is last.problem is None
    assert long.problem is not None
    assert len(long.raw) == 1000


def test_gzip_that_breaks_off_gives_what_was_in_it(tmp_path: Path) -> None:
    line = b'{"id":"%d","type":"web.visited","identifiers":["user:1"],"data":{},"cause":"%s"}\n'
    text = b"".join(line % (n, os.urandom(40).hex().encode()) for n in range(5000))
    broken = written(tmp_path, gzip.compress(text)[:-9000], "e.ndjson.gz")
    memory = Memory()

    loaded = import_file(understand(broken), memory.destination, progress=memory)

    assert loaded.broke_off is not None
    assert 1000 < loaded.mark.accepted < 5000
    assert loaded.mark.accepted == len(memory.recorded())


def test_an_imported_file_is_not_read_again_unless_it_changed(tmp_path: Path) -> None:
    memory = Memory()
    path = written(tmp_path, "user_id,page\n1,home\n", "visits.csv")
    import_file(understand(path), memory.destination, progress=memory)
    same = import_file(understand(path), memory.destination, progress=memory)
    path.write_text("user_id,page\n1,home\n1,offers\n")
    longer = import_file(understand(path), memory.destination, progress=memory)

    ids = [event.id for event in memory.recorded()]

    assert same.mark.is_done
    assert longer.mark.accepted == 2
    assert len(ids) == 3
    assert len(set(ids)) == 2


@pytest.mark.parametrize(
    ("cell", "value", "problem"),
    [
        ("as = 'integer'", "many", "is no number"),
        ("as = 'integer'", "1.5", "is no whole number"),
        ("as = 'number'", "1e999999", "is too large"),
        ("as = 'boolean'", "perhaps", "is neither yes nor no"),
        ("as = 'minor', currency = 'EUR'", "NaN", "is too large"),
        ("as = 'time'", "yesterday", "is not written as ISO 8601, like 2026-11-21T10:00:00Z"),
        ("translate = { a = 1 }", "b", "is not among those that the mapping translates"),
    ],
)
def test_a_cell_that_is_not_what_the_mapping_says_is_named(
    tmp_path: Path, cell: str, value: str, problem: str
) -> None:
    rule = '[[events]]\ntype = "custom.x"\nidentifiers = ["user:1"]\n'
    mapping = mapped(tmp_path, f'{rule}data = {{ v = {{ column = "v", {cell} }} }}')

    found = event_of([{"v": value}], mapping, "test")

    assert isinstance(found, Problem)
    assert (found.field, found.value, found.problem) == ("data.v", value, problem)


def test_a_row_that_no_rule_takes_is_refused(tmp_path: Path) -> None:
    rule = 'when = [{ column = "a", equals = "1" }]\ntype = "custom.x"\nidentifiers = ["user:1"]'

    found = event_of([{"a": "2"}], mapped(tmp_path, f"[[events]]\n{rule}"), "test")

    assert isinstance(found, Problem)
    assert found.problem == "is a row that no rule takes"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("events = [", "is no TOML or JSON"),
        ('[[events]]\ntype = "x"', "events.0.identifiers"),
        ('[[events]]\ntype="x"\nidentifiers=["u"]\nwhen=[{column="a"}]', "needs one of equals"),
        ('[[events]]\ntype="x"\nidentifiers=["u"]\nexpression="1+1"', "expression"),
        (
            '[[events]]\ntype="x"\nidentifiers=["u"]\ndata={a={column="a",as="minor"}}',
            "needs the currency",
        ),
        (
            '[[events]]\ntype="x"\nidentifiers=["u"]\noccurred_at={column="a",zone="Mars"}',
            "time zone",
        ),
    ],
)
def test_a_wrong_mapping_says_what_is_wrong(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(Misconfigured, match=r"mapping\.toml") as caught:
        mapped(tmp_path, text)

    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("content", "problem"),
    [(b"", "is empty"), (b" \n", "is empty"), (b'[{"id":"1"}]', "holds a JSON array")],
)
def test_a_file_that_holds_no_lines_of_events_is_refused(
    tmp_path: Path, content: bytes, problem: str
) -> None:
    with pytest.raises(Refused) as caught:
        understand(written(tmp_path, content, "e.json"))

    assert caught.value.problem.problem == problem


def test_a_template_can_name_columns_and_nothing_else(tmp_path: Path) -> None:
    text = '[[events]]\ntype="custom.x"\nid="{a.__class__}"\nidentifiers=["user:{a}"]'

    found = event_of([{"a": "1"}], mapped(tmp_path, text), "test")

    assert isinstance(found, bytes)
    assert json.loads(found)["id"].startswith("row-")


def test_items_tell_the_bytes_read(tmp_path: Path) -> None:
    path = written(
        tmp_path, '{"id":"1","identifiers":[]}\n{"id":"2","identifiers":[]}\n', "e.ndjson"
    )

    read: list[Item] = list(items(understand(path)))

    assert [item.end for item in read] == [28, 56]
