"""Workspaces and keys, as the store keeps them."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import psycopg
import pytest

from schemas.rules.alerts import default_rules
from services.commands.keys import KINDS, KeyOrder, create_key, state
from services.commands.workspaces import WorkspaceOrder, create_workspace
from services.errors import Conflict, NotFound, Refused
from services.store.postgres_tenants import PostgresTenants
from services.store.urls import Urls

NOW = datetime.now(UTC)
SHOP = WorkspaceOrder("shop", "The shop", "Europe/Berlin", "EUR", "DE")


@pytest.fixture
def tenants(urls: Urls) -> Iterator[PostgresTenants]:
    found = PostgresTenants(urls.fold)
    create_workspace(SHOP, found, NOW, by="test")
    yield found
    found.close()


@pytest.fixture
def edge(urls: Urls) -> Iterator[PostgresTenants]:
    found = PostgresTenants(urls.query)
    yield found
    found.close()


def digest(key: str) -> bytes:
    return sha256(key.encode()).digest()


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_is_found_with_its_workspace_by_whoever_holds_it(
    tenants: PostgresTenants, edge: PostgresTenants, kind: str
) -> None:
    made = create_key(KeyOrder("shop", kind), tenants, NOW)

    found = edge.find(digest(made.key))

    assert made.key.startswith(f"tl_{kind}_")
    assert found == (made.row.key_id, "shop", kind, "DE", "Europe/Berlin", "EUR")
    assert edge.find(digest(made.key + "x")) is None


def test_a_key_is_kept_as_a_hash_only(tenants: PostgresTenants, urls: Urls) -> None:
    made = create_key(KeyOrder("shop", "write"), tenants, NOW)

    with psycopg.connect(urls.owner) as owner:
        stored = owner.execute("SELECT api_key::text FROM touchline.api_key").fetchall()

    assert made.key not in str(stored)


def test_hashes_can_t_be_read_by_the_role_of_queries(tenants: PostgresTenants, urls: Urls) -> None:
    with psycopg.connect(urls.query) as query, pytest.raises(psycopg.errors.InsufficientPrivilege):
        query.execute("SELECT key_hash FROM touchline.api_key")


def test_a_revoked_key_is_not_found_and_one_to_be_revoked_still_is(
    tenants: PostgresTenants, edge: PostgresTenants
) -> None:
    gone = create_key(KeyOrder("shop", "write"), tenants, NOW)
    going = create_key(KeyOrder("shop", "write"), tenants, NOW)

    tenants.revoke_key(gone.row.key_id, NOW)
    row = tenants.revoke_key(going.row.key_id, NOW + timedelta(hours=1))

    assert edge.find(digest(gone.key)) is None
    assert edge.find(digest(going.key)) is not None
    assert state(row, NOW) == "in force"
    assert state(row, NOW + timedelta(hours=1)) == "revoked"


def test_revoking_again_never_prolongs(tenants: PostgresTenants) -> None:
    made = create_key(KeyOrder("shop", "write"), tenants, NOW)
    tenants.revoke_key(made.row.key_id, NOW)

    row = tenants.revoke_key(made.row.key_id, NOW + timedelta(days=1))

    assert row.revoked_at == NOW


def test_an_expired_key_is_not_found(tenants: PostgresTenants, edge: PostgresTenants) -> None:
    order = KeyOrder("shop", "secret", expires_at=NOW + timedelta(microseconds=1))

    made = create_key(order, tenants, NOW)

    assert edge.find(digest(made.key)) is None
    assert state(made.row, NOW + timedelta(seconds=1)) == "expired"


@pytest.mark.parametrize(
    ("order", "field"),
    [
        (KeyOrder("shop", "root"), "kind"),
        (KeyOrder("shop", "write", "n" * 201), "name"),
        (KeyOrder("shop", "write", expires_at=NOW), "expires_at"),
    ],
)
def test_what_can_t_be_a_key_is_refused(
    tenants: PostgresTenants, order: KeyOrder, field: str
) -> None:
    with pytest.raises(Refused) as refused:
        create_key(order, tenants, NOW)

    assert refused.value.problem.field == field
    assert list(tenants.keys(None)) == []


def test_a_key_of_no_workspace_is_refused(tenants: PostgresTenants) -> None:
    with pytest.raises(NotFound, match="workspaces create"):
        create_key(KeyOrder("nowhere", "write"), tenants, NOW)


def test_one_workspace_can_t_list_or_revoke_the_keys_of_another(
    tenants: PostgresTenants, edge: PostgresTenants
) -> None:
    create_workspace(WorkspaceOrder("other"), tenants, NOW, by="test")
    mine, theirs = (
        create_key(KeyOrder(workspace, "admin"), tenants, NOW).row
        for workspace in ("shop", "other")
    )

    assert list(edge.keys("shop")) == [mine]
    assert list(tenants.keys(None)) == [theirs, mine]
    with pytest.raises(NotFound):
        edge.revoke_key(theirs.key_id, NOW, workspace="shop")


POLICIES = ["default", "default", "crm", "journey", *default_rules()]
"""What every workspace begins with: a loyalty programme, and three machines."""


def test_a_workspace_is_told_to_the_log(tenants: PostgresTenants, urls: Urls) -> None:
    with psycopg.connect(urls.fold) as fold:
        rows = fold.execute(
            "SELECT workspace, event FROM touchline.outbox ORDER BY outbox_id"
        ).fetchall()

    (workspace, event), *policies = rows
    told = json.loads(event)
    assert workspace == "shop"
    assert (told["type"], told["identifiers"]) == ("workspace.created", [])
    assert told["data"] == {
        "name": "The shop",
        "time_zone": "Europe/Berlin",
        "currency": "EUR",
        "region": "DE",
        "by": "test",
    }
    assert [json.loads(policy)["data"].get("name", "default") for _, policy in policies] == POLICIES


def test_a_workspace_is_opened_once(tenants: PostgresTenants, urls: Urls) -> None:
    with pytest.raises(Conflict):
        create_workspace(SHOP, tenants, NOW, by="test")

    assert [row.workspace for row in tenants.workspaces()] == ["shop"]
    with psycopg.connect(urls.fold) as fold:
        assert fold.execute("SELECT count(*) FROM touchline.outbox").fetchone() == (
            1 + len(POLICIES),
        )


@pytest.mark.parametrize(
    ("order", "field"),
    [
        (WorkspaceOrder("No Spaces"), "workspace"),
        (WorkspaceOrder("-x"), "workspace"),
        (WorkspaceOrder("x", "n" * 201), "name"),
        (WorkspaceOrder("x", time_zone="Berlin"), "time_zone"),
        (WorkspaceOrder("x", currency="EURO"), "currency"),
        (WorkspaceOrder("x", region="XX"), "region"),
    ],
)
def test_what_can_t_be_a_workspace_is_refused(
    tenants: PostgresTenants, order: WorkspaceOrder, field: str
) -> None:
    with pytest.raises(Refused) as refused:
        create_workspace(order, tenants, NOW, by="test")

    assert refused.value.problem.field == field


def test_a_lost_connection_is_opened_again(
    tenants: PostgresTenants, edge: PostgresTenants, urls: Urls
) -> None:
    made = create_key(KeyOrder("shop", "write"), tenants, NOW)
    edge.find(digest(made.key))
    with psycopg.connect(urls.owner) as owner:
        owner.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
            " WHERE usename = 'touchline_query'"
        )

    assert edge.find(digest(made.key)) is not None
