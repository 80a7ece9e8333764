"""``POST /v1/events`` over a real socket: statuses, headers, keys, limits, and what is recorded."""

import base64
import gzip
import json
from collections.abc import Iterator
from typing import Final

import httpx
import msgspec
import pytest
from prometheus_client import generate_latest
from structlog.testing import capture_logs

from schemas.envelope import Unsealed
from services.log.position import decode
from services.vault.seal import unseal
from tests.integration.door import NOW, Served, serving
from tests.integration.wrong_events import body, bought

UNKNOWN: Final = "this key is not known or no longer valid"


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serving() as served:
        yield served


class TestAnswers:
    """200, 207 and 422, and where the position points."""

    def test_all_accepted_is_200_with_a_position(self, served: Served) -> None:
        before = served.log.ends()

        response = served.post(body([bought(id="ok-1"), bought(id="ok-2")]))

        assert response.status_code == 200
        position = response.json()["position"]
        assert response.json() == {
            "accepted": 2,
            "position": position,
            "rejected": [],
            "warnings": [],
        }
        assert response.headers["Touchline-Position"] == position
        [(partition, offset)] = decode(position).items()
        assert offset == before[partition] + 2

    def test_the_position_covers_every_partition_touched(self, served: Served) -> None:
        events = [bought(id=f"p-{n}", identifiers=[f"user:{n}"]) for n in range(100)]
        before = served.log.ends()

        response = served.post(body(events))

        grown = {at: end for at, end in served.log.ends().items() if end > before[at]}
        assert decode(response.json()["position"]) == grown

    def test_some_accepted_is_207(self, served: Served) -> None:
        response = served.post(body([bought(id="some-1"), bought(id="some-2", identifiers=[])]))

        assert response.status_code == 207
        assert response.json()["accepted"] == 1
        assert [entry["id"] for entry in response.json()["rejected"]] == ["some-2"]

    def test_none_accepted_is_422_in_the_same_shape(self, served: Served) -> None:
        response = served.post(body(bought(identifiers=[])))

        assert response.status_code == 422
        assert response.json()["accepted"] == 0
        assert decode(response.json()["position"]) == {}

    def test_an_empty_array_is_all_accepted(self, served: Served) -> None:
        response = served.post(b"[]")

        assert (response.status_code, response.json()["accepted"]) == (200, 0)

    def test_an_array_of_forbidden_types_only_is_403_with_the_reason(self, served: Served) -> None:
        response = served.post(b'{"id":"c","type":"tier.changed","identifiers":["user:42"]}')

        assert response.status_code == 403
        assert response.json()["problem"] == "is recorded by Touchline itself, never by a key"
        assert response.json()["accepted"] == 0

    def test_a_blocked_identifier_is_left_out_and_told(self, served: Served) -> None:
        event = bought(id="blocked", identifiers=["user:null", "email:Ada@Example.org"])

        response = served.post(body(event))

        assert response.status_code == 200
        assert response.json()["warnings"] == [
            {
                "index": 0,
                "id": "blocked",
                "field": "identifiers.0",
                "value": "user:null",
                "problem": "names nobody and was left out",
                "remedy": "send it only when it is known",
            }
        ]
        assert len(served.find("blocked")[0].identifiers) == 1

    def test_a_repeated_event_is_accepted_again(self, served: Served) -> None:
        first, again = served.post(body(bought(id="again"))), served.post(body(bought(id="again")))

        assert first.json()["accepted"] == again.json()["accepted"] == 1
        assert len({event.digest for event in served.find("again")}) == 1

    def test_the_same_id_with_another_body_is_accepted_for_the_projector_to_decide(
        self, served: Served
    ) -> None:
        served.post(body(bought(id="twice", cause="one")))
        response = served.post(body(bought(id="twice", cause="two")))

        assert response.json()["accepted"] == 1
        assert len({event.digest for event in served.find("twice")}) == 2


class TestForms:
    """What a body may look like."""

    @pytest.mark.parametrize("content_type", ["application/x-ndjson", "application/json"])
    def test_ndjson_is_taken_by_either_name(self, content_type: str, served: Served) -> None:
        lines = b"\r\n".join(body(bought(id=f"n-{number}")) for number in range(3))

        response = served.post(lines + b"\n", **{"Content-Type": content_type})

        assert (response.status_code, response.json()["accepted"]) == (200, 3)

    def test_gzip_is_taken(self, served: Served) -> None:
        content = gzip.compress(body([bought(id=f"z-{number}") for number in range(500)]))

        response = served.post(content, **{"Content-Encoding": "gzip"})

        assert (response.status_code, response.json()["accepted"]) == (200, 500)

    def test_a_body_in_chunks_is_taken(self, served: Served) -> None:
        chunks = [body(bought(id="chunks"))[at : at + 20] for at in range(0, 400, 20)]

        response = httpx.post(
            f"{served.url}/v1/events",
            content=iter(chunks),
            headers={"Authorization": "Bearer write-key"},
        )

        assert (response.status_code, response.json()["accepted"]) == (200, 1)


class TestKeys:
    """Who may, and what is recorded of it."""

    @pytest.mark.parametrize(("key", "problem"), [("unknown", UNKNOWN), (None, "no key was sent")])
    def test_only_a_known_key_may(self, key: str | None, problem: str, served: Served) -> None:
        response = served.post(body(bought()), key)

        assert response.status_code == 401
        assert response.headers["WWW-Authenticate"] == 'Bearer realm="touchline"'
        assert response.json()["problem"] == problem

    @pytest.mark.parametrize("header", ["Basic", "Basic !!!", "Basic Og==", "Digest a=b", "Bearer"])
    def test_a_header_that_holds_no_key_is_401(self, header: str, served: Served) -> None:
        response = served.post(body(bought()), None, Authorization=header)

        assert response.status_code == 401
        assert response.json()["field"] == "Authorization"

    def test_a_key_may_come_as_basic_user_name(self, served: Served) -> None:
        credentials = base64.b64encode(b"write-key:").decode()

        response = served.post(body(bought()), None, Authorization=f"Basic {credentials}")

        assert response.status_code == 200

    @pytest.mark.parametrize("kind", ["write", "secret", "admin"])
    def test_a_server_key_records_source_and_kind_as_they_are(
        self, kind: str, served: Served
    ) -> None:
        served.post(body(bought(id=f"of {kind}", source="till")), f"{kind}-key")

        event = served.find(f"of {kind}")[0]
        assert (event.source, event.key_kind, event.workspace) == ("till", kind, "shop")

    def test_a_browser_keys_purchase_is_kept_under_a_marked_source(self, served: Served) -> None:
        response = served.post(body(bought(id="web", source="shop")), "browser-key")

        assert response.status_code == 200
        event = served.find("web")[0]
        assert (event.source, event.key_kind) == ("browser/k_browser/shop", "browser")

    def test_a_key_writes_to_its_own_workspace_whatever_the_body_says(self, served: Served) -> None:
        served.post(body(bought(id="whose")), "write-key")
        served.post(body(bought(id="whose")), "other-key")
        named = served.post(body(bought(id="whose", workspace="shop")), "other-key")

        ours, others = sorted(served.find("whose"), key=lambda event: event.workspace, reverse=True)
        assert (ours.workspace, others.workspace) == ("shop", "bank")
        assert not set(ours.identifiers) & set(others.identifiers)
        assert named.status_code == 422


class TestRecorded:
    """What the log then holds."""

    def test_what_names_a_person_is_sealed_and_opens_again(self, served: Served) -> None:
        event = bought(id="sealed", personal={"name": "Ada"}, identifiers=["email:Ada@Example.org"])

        served.post(body(event))

        recorded = served.find("sealed")[0]
        assert recorded.has_traits
        assert recorded.sealed is not None
        secret = served.vault.secrets([recorded.sealed.key_id])[recorded.sealed.key_id]
        plain = unseal(secret, recorded.sealed, bound_to=b"shop\0api\0sealed")
        assert msgspec.json.decode(plain, type=Unsealed) == Unsealed(
            identifiers=("email:ada@example.org",), personal={"name": "Ada"}
        )

    def test_an_event_without_a_time_happened_at_receipt(self, served: Served) -> None:
        served.post(body(bought(id="now")))

        event = served.find("now")[0]
        assert event.occurred_at == event.received_at == NOW

    def test_the_log_line_tells_counts_and_no_person(self, served: Served) -> None:
        event = bought(identifiers=["email:ada@example.org"], personal={"name": "Ada Lovelace"})

        with capture_logs() as lines:
            served.post(body([event, bought(occurred_at="1900-01-01T00:00:00Z")]))

        assert len(lines) == 1
        assert {**lines[0], "duration_ms": 0} == {
            "event": "request", "log_level": "info", "method": "POST", "route": "/v1/events",
            "status": 207, "duration_ms": 0, "workspace": "shop", "key_id": "k_write",
            "accepted": 1, "rejected": 1,
        }  # fmt: skip

    def test_metrics_count_events_and_requests_with_few_labels(self) -> None:
        with serving() as served:
            served.post(body([bought(), bought(source="touchline"), bought(type="tier.changed")]))
            httpx.get(f"{served.url}/nowhere/{'x' * 50}")
            metrics = generate_latest(served.registry).decode()

        assert "touchline_ingest_accepted_events_total 1.0" in metrics
        assert 'touchline_ingest_rejected_events_total{reason="source"} 1.0' in metrics
        assert 'touchline_ingest_rejected_events_total{reason="forbidden"} 1.0' in metrics
        assert 'method="POST",route="/v1/events",status="207"} 1.0' in metrics
        assert 'method="GET",route="unmatched",status="404"} 1.0' in metrics


class TestPages:
    """Schemas and documentation."""

    def test_every_type_that_can_be_posted_has_its_schema(self, served: Served) -> None:
        items = httpx.get(f"{served.url}/v1/schemas").json()["items"]

        for item in items:
            schema = httpx.get(f"{served.url}{item['href']}".replace("<name>", "seen")).json()
            assert set(schema["required"]) >= {"id", "type"}
        assert len(items) > 40
        assert "tier.changed" not in [item["type"] for item in items]

    @pytest.mark.parametrize("type_", ["purchase.complete", "tier.changed", "custom."])
    def test_a_type_that_can_not_be_posted_has_none(self, type_: str, served: Served) -> None:
        response = httpx.get(f"{served.url}/v1/schemas/{type_}")

        assert response.status_code == 404
        assert response.json()["value"] == type_

    def test_every_documented_example_is_accepted(self, served: Served) -> None:
        spec = httpx.get(f"{served.url}/openapi.json").json()
        operation = spec["paths"]["/v1/events"]["post"]

        for content_type, media in operation["requestBody"]["content"].items():
            for example in media["examples"].values():
                value = example["value"]
                content = value.encode() if isinstance(value, str) else json.dumps(value).encode()
                response = served.post(content, **{"Content-Type": content_type})
                assert response.status_code == 200
        assert operation["security"] == [{"key": []}]
