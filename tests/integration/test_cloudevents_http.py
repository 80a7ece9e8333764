"""``POST /v1/cloudevents``: any producer of CloudEvents posts in the mode that it knows."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.ingest.cloudevents import events_of
from tests.feature import Scenario, scenarios
from tests.integration.door import Served, serving

FEATURE = (
    Path(__file__).parents[3]
    / "shared/cases/cloudevents_conformance/features/http-protocol-binding.feature"
)
SCENARIOS = [*scenarios(FEATURE)] if FEATURE.exists() else []
EVENT: dict[str, Any] = {
    "specversion": "1.0",
    "id": "1",
    "source": "/till",
    "type": "purchase.completed",
    "time": "2026-11-22T10:00:00Z",
    "subject": "user:42",
    "data": {"order_id": "1", "amount_minor": 1250, "currency": "EUR"},
}


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serving() as served:
        yield served


def post(served: Served, content: object, **headers: str) -> httpx.Response:
    return served.client.post(
        f"{served.url}/v1/cloudevents",
        content=json.dumps(content).encode(),
        headers={
            "Authorization": "Bearer write-key",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        },
    )


@pytest.mark.skipif(not SCENARIOS, reason="shared/cases has no conformance features here")
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: one.name)
def test_a_request_is_read_as_the_specification_says(scenario: Scenario) -> None:
    head, _, payload = scenario.step("an HTTP request").text.partition("\n\n")
    lines = [line.partition(":") for line in head.splitlines()[1:]]
    headers = {name.lower(): value.strip() for name, _, value in lines}
    expected = scenario.step("attributes are").pairs

    (found,) = events_of(headers, payload.encode(), 1)

    assert found.problem is None
    assert json.loads(found.raw) == {
        "id": expected["id"],
        "source": expected["source"],
        "type": f"custom.{expected['type']}",
        "occurred_at": expected["time"],
        "identifiers": [],
        "data": json.loads(scenario.step("following JSON").text),
    }


def test_the_same_event_in_each_mode_is_a_repetition(served: Served) -> None:
    attributes = {f"ce_{name}": value for name, value in EVENT.items() if name != "data"}

    answers = [
        post(served, EVENT, content_type="application/cloudevents+json; charset=utf-8"),
        post(served, EVENT["data"], content_type="application/json", **attributes),
        post(served, [EVENT], content_type="application/cloudevents-batch+json"),
        post(served, EVENT, content_type="application/json"),
    ]

    assert [answer.status_code for answer in answers] == [200] * 4
    found = [record for record in served.recorded() if record.source == "/till"]
    assert len(found) == 4
    assert len({record.digest for record in found}) == 1
    assert {(record.id, record.type) for record in found} == {("1", "purchase.completed")}


def test_values_in_headers_are_percent_encoded(served: Served) -> None:
    answer = post(
        served,
        {},
        content_type="application/json",
        ce_specversion="1.0",
        ce_id="2",
        ce_source="/h%C3%A4user",
        ce_type="io.example.seen",
        ce_subject="email:ada%40example.org",
    )

    assert answer.status_code == 200
    (record,) = [one for one in served.recorded() if one.id == "2"]
    assert (record.source, record.type) == ("/häuser", "custom.io.example.seen")


def test_of_a_batch_the_bad_ones_alone_are_refused_each_by_its_place(served: Served) -> None:
    batch = [
        EVENT | {"id": "b0", "specversion": "0.3"},
        EVENT | {"id": "b1"},
        EVENT | {"id": "b2", "subject": "nobody"},
        EVENT | {"id": "b3"},
    ]

    answer = post(served, batch, content_type="application/cloudevents-batch+json")

    assert (answer.status_code, answer.json()["accepted"]) == (207, 2)
    told = [(one["index"], one["id"], one["field"]) for one in answer.json()["rejected"]]
    assert told == [(0, "b0", "specversion"), (2, "b2", "identifiers")]


def test_a_format_that_is_not_read_is_415_and_no_key_401(served: Served) -> None:
    avro = post(served, EVENT, content_type="application/cloudevents+avro")
    form = post(served, EVENT, content_type="application/x-www-form-urlencoded")
    nobody = httpx.post(f"{served.url}/v1/cloudevents", json=EVENT, trust_env=False)

    assert (avro.status_code, form.status_code, nobody.status_code) == (415, 415, 401)
    assert avro.json()["field"] == "Content-Type"
