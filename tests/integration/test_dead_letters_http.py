"""Dead letters over HTTP: shown opened, corrected, sent again, and sent only once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from schemas.codec import decode as decode_record
from schemas.problems import Problem
from services.clock import SystemClock
from services.commands.dead_letters import DeadLetters, Quarantine, refused
from services.errors import Conflict, NotFound
from services.log.port import Entry, Position
from services.log.position import decode
from services.store.decisions import PostgresDecisions
from services.store.letters import PostgresLetters
from services.store.urls import Urls
from tests.integration.house import House, bought, serving, waiting_for


@pytest.fixture
def house(urls: Urls, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    with serving(urls, monkeypatch) as house:
        yield house


def test_a_conflict_is_shown_corrected_and_sent_again_once(house: House) -> None:
    house.told(bought("o1", 100, "user:1", id="e", personal={"name": "Ada"}))
    house.told(bought("o2", 999, "user:1", "email:a@x.org", id="e", personal={"name": "Eve"}))

    (letter,) = house.found("/v1/dead-letters?state=open")["items"]
    path = f"/v1/dead-letters/{letter['letter_id']}"
    shown = house.found(path)
    again = house.post(f"{path}/resubmit")
    corrected = shown["event"] | {"id": "e-corrected"}
    first = house.post(f"{path}/resubmit", corrected)
    second = house.post(f"{path}/resubmit", corrected | {"id": "e-3"})
    house.fold()

    assert shown["reason"].startswith("its id was recorded before")
    assert shown["event"]["identifiers"] == ["user:1", "email:a@x.org"]
    assert shown["event"]["personal"] == {"name": "Eve"}
    assert shown["event"]["data"]["amount_minor"] == 999
    assert (again.status_code, first.status_code, second.status_code) == (409, 200, 200)
    assert first.json() == second.json()
    assert first.json()["id"] == "e-corrected"
    customer = house.found(f"/v1/customers/{house.id_of('user:1')}")
    assert customer["spend_minor"] == {"EUR": 1099}
    assert house.found("/v1/dead-letters?state=open")["items"] == []
    assert house.found(path)["state"] == "resubmitted"


def test_a_correction_that_is_wrong_leaves_the_letter_open(house: House) -> None:
    house.told(bought("o1", 1, "user:1", id="e"))
    house.told(bought("o1", 2, "user:1", id="e"))
    (letter,) = house.found("/v1/dead-letters")["items"]
    path = f"/v1/dead-letters/{letter['letter_id']}/resubmit"

    wrong = house.post(path, bought("o1", -1, "user:1"))
    garbage = house.client.post(path, content=b"{", headers=house._headers("secret"))

    assert (wrong.status_code, wrong.json()["field"]) == (422, "data.amount_minor")
    assert garbage.status_code == 422
    assert house.found("/v1/dead-letters")["items"][0]["state"] == "open"


def test_a_record_that_is_none_is_nobodys_letter(house: House) -> None:
    house.log.append([Entry(1, b"not an event")])
    house.fold()

    assert house.found("/v1/dead-letters")["items"] == []
    letters = PostgresLetters(house.urls.fold)
    (row,) = letters.page(None, limit=10)
    letters.close()
    assert house.get(f"/v1/dead-letters/{row.letter_id}").status_code == 404


def test_what_ingest_refused_elsewhere_is_kept_once_and_can_be_sent(house: House) -> None:
    raw = b'{"id":"r","type":"purchase.completed","identifiers":["user:1"],"data":{"order_id":"1"}}'
    problem = Problem("data.currency", None, "is missing", "send an ISO 4217 code")
    now = datetime.now(UTC)
    letter = refused("shop", "orders.csv:17", raw, problem, vault=house.vault, at=now)
    letters = PostgresLetters(house.urls.query)
    letters.keep(letter)
    letters.keep(letter)
    letters.close()

    (item,) = house.found("/v1/dead-letters")["items"]
    path = f"/v1/dead-letters/{item['letter_id']}"
    shown = house.found(path)
    as_it_is = house.post(f"{path}/resubmit")
    corrected = house.post(f"{path}/resubmit", bought("1", 5, "user:1"))

    assert (item["origin"], item["field"]) == ("orders.csv:17", "data.currency")
    assert shown["event"]["id"] == "r"
    assert as_it_is.status_code == 422
    assert corrected.status_code == 200
    position = corrected.headers["Touchline-Position"]
    with house.running():
        assert len(house.found("/v1/customers", **waiting_for(position))["items"]) == 1


def test_what_a_browser_sent_is_sent_again_as_that_browsers_and_never_counts(
    house: House,
) -> None:
    house.tell(bought("o1", 1, "user:1", id="e", source="page"), key="browser")
    house.tell(bought("o1", 99_00, "user:1", id="e", source="page"), key="browser")
    house.fold()
    (letter,) = house.found("/v1/dead-letters")["items"]
    path = f"/v1/dead-letters/{letter['letter_id']}"
    shown = house.found(path)["event"]

    pretended = house.post(f"{path}/resubmit", shown | {"id": "e-2", "source": letter["source"]})
    done = house.post(f"{path}/resubmit", shown | {"id": "e-2"})
    house.fold()

    assert shown["source"] == "page"
    assert (pretended.status_code, pretended.json()["field"]) == (422, "source")
    assert done.status_code == 200
    ((partition, end),) = decode(done.json()["position"]).items()
    (stored,) = house.log.read(partition, end - 1, 1)
    recorded = decode_record(stored.payload)
    assert (recorded.id, recorded.key_kind, recorded.source) == ("e-2", "browser", letter["source"])
    assert house.found(f"/v1/customers/{house.id_of('user:1')}")["spend_minor"] == {}


def test_a_record_of_a_browser_that_nobody_can_read_is_corrected_as_that_browsers(
    house: House,
) -> None:
    house.fold()
    event = bought("o1", 1, "user:1", id="e", source="page")
    ((partition, end),) = decode(house.tell(event, key="browser")).items()
    (stored,) = house.log.read(partition, end - 1, 1)
    unknown = stored.payload.replace(b'"purchase.completed"', b'"purchase.dreamt"')
    house.log.append([Entry(partition, unknown)])
    house.fold()
    letters = PostgresLetters(house.urls.fold)
    (row,) = letters.page(None, limit=10)
    letters.close()
    sent: list[str | None] = []

    def send(workspace: str, raw: bytes, *, browser: str | None) -> tuple[str, Position]:
        sent.append(browser)
        return "e-2", {partition: end}

    letters = PostgresLetters(house.urls.fold)
    desk = DeadLetters(letters, house.vault, house.log)
    desk.resubmit(None, row.letter_id, send, corrected=b"{}")
    letters.close()

    assert row.letter.source is None
    assert sent == [decode_record(stored.payload).source.split("/")[1]]


def test_a_letter_of_another_workspace_is_not_there(house: House) -> None:
    house.told(bought("o1", 1, "user:1", id="e"))
    house.told(bought("o1", 2, "user:1", id="e"))
    (letter,) = house.found("/v1/dead-letters")["items"]

    assert house.found("/v1/dead-letters", "other")["items"] == []
    assert house.get(f"/v1/dead-letters/{letter['letter_id']}", "other").status_code == 404
    path = f"/v1/dead-letters/{letter['letter_id']}/resubmit"
    assert house.post(path, bought("o1", 2, "user:1"), "other").status_code == 404


def test_a_quarantined_record_is_left_out_and_counts_once_it_is_sent_again(house: House) -> None:
    house.fold()
    position = decode(house.tell(bought("o1", 700, "user:1", id="q")))
    ((partition, end),) = position.items()
    decisions = PostgresDecisions(house.urls.query)
    quarantine = Quarantine(decisions, house.log, SystemClock())

    quarantine.quarantine(partition, end - 1, by="test", reason="breaks a fold")
    quarantine.quarantine(partition, end - 1, by="test")
    house.fold()
    (letter,) = house.found("/v1/dead-letters")["items"]
    path = f"/v1/dead-letters/{letter['letter_id']}"
    left_out = house.found("/v1/customers")["items"]
    again = house.post(f"{path}/resubmit")
    house.fold()
    with pytest.raises(Conflict):
        quarantine.quarantine(partition, end - 1, by="test")
    with pytest.raises(NotFound):
        quarantine.quarantine(partition, 10_000, by="test")
    decisions.close()

    assert left_out == []
    assert letter["reason"] == "was quarantined by an operator"
    assert house.found(path)["event"]["data"]["amount_minor"] == 700
    assert again.status_code == 200
    assert house.found(f"/v1/customers/{house.id_of('user:1')}")["spend_minor"] == {"EUR": 700}
    house.told(bought("o1", 700, "user:1", id="q"))
    assert len(house.found("/v1/dead-letters")["items"]) == 1, "its producer may repeat it"


def test_two_who_send_a_letter_again_at_once_get_one_answer(house: House) -> None:
    house.told(bought("o1", 1, "user:1", id="e"))
    house.told(bought("o1", 2, "user:1", id="e"))
    (letter,) = house.found("/v1/dead-letters")["items"]
    path = f"/v1/dead-letters/{letter['letter_id']}/resubmit"

    with ThreadPoolExecutor(4) as threads:
        answers = list(
            threads.map(lambda n: house.post(path, bought("o2", n, "user:1", id=f"c{n}")), range(4))
        )
    house.fold()

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    assert house.found(f"/v1/customers/{house.id_of('user:1')}")["orders"] == 2
