"""What every vault does; an adapter's tests inherit this."""

import re
import threading
from concurrent.futures import ThreadPoolExecutor

from services.vault.port import Vault
from services.vault.seal import SECRET_BYTES

DEADLINE_S = 20.0


class VaultContract:
    """The subclass gives two fixtures: ``vault``, and ``other``, as another process has it."""

    def test_the_hash_key_is_the_same_for_everybody(self, vault: Vault, other: Vault) -> None:
        assert len(vault.hash_key) == SECRET_BYTES
        assert vault.hash_key == other.hash_key

    def test_every_owner_has_a_key_of_its_own(self, vault: Vault) -> None:
        keys = vault.keys_for("default", ["ada", "grace", "ada"])

        assert set(keys) == {"ada", "grace"}
        assert len({key.key_id for key in keys.values()}) == 2
        assert len({key.secret for key in keys.values()}) == 2
        assert {len(key.secret) for key in keys.values()} == {SECRET_BYTES}

    def test_key_ids_are_short_and_safe_in_urls(self, vault: Vault) -> None:
        keys = vault.keys_for("default", [str(number) for number in range(100)])

        assert all(re.fullmatch(r"[A-Za-z0-9_-]{8,24}", key.key_id) for key in keys.values())

    def test_an_owner_keeps_its_key(self, vault: Vault, other: Vault) -> None:
        first = vault.keys_for("default", ["ada"])

        assert vault.keys_for("default", ["grace", "ada"])["ada"] == first["ada"]
        assert other.keys_for("default", ["ada"]) == first

    def test_workspaces_share_no_key(self, vault: Vault) -> None:
        ours, theirs = vault.keys_for("ours", ["ada"]), vault.keys_for("theirs", ["ada"])

        assert ours["ada"].key_id != theirs["ada"].key_id
        assert ours["ada"].secret != theirs["ada"].secret

    def test_nobody_asked_for_nothing_given(self, vault: Vault) -> None:
        assert vault.keys_for("default", []) == {}
        assert vault.secrets([]) == {}
        assert list(vault.destroy("default", [])) == []

    def test_secrets_are_found_by_key_id(self, vault: Vault, other: Vault) -> None:
        keys = vault.keys_for("default", ["ada", "grace"]).values()

        wanted = {key.key_id: key.secret for key in keys}
        assert vault.secrets([*wanted, *wanted, "unknown"]) == wanted
        assert other.secrets(list(wanted)) == wanted

    def test_what_was_forgotten_is_looked_up_again(self, vault: Vault) -> None:
        keys = vault.keys_for("default", ["ada"])
        secrets = vault.secrets([keys["ada"].key_id])

        vault.forget()

        assert vault.keys_for("default", ["ada"]) == keys
        assert vault.secrets([keys["ada"].key_id]) == secrets

    def test_a_destroyed_key_opens_nothing_any_more(self, vault: Vault, other: Vault) -> None:
        keys = vault.keys_for("default", ["ada", "grace"])

        destroyed = vault.destroy("default", ["ada", "nobody"])

        ids = [key.key_id for key in keys.values()]
        assert list(destroyed) == [keys["ada"].key_id]
        assert vault.secrets(ids) == {keys["grace"].key_id: keys["grace"].secret}
        assert other.secrets(ids) == {keys["grace"].key_id: keys["grace"].secret}
        assert list(vault.destroy("default", ["ada"])) == []

    def test_only_the_workspaces_own_keys_are_destroyed(self, vault: Vault) -> None:
        theirs = vault.keys_for("theirs", ["ada"])["ada"]

        vault.destroy("ours", ["ada"])

        assert vault.keys_for("theirs", ["ada"])["ada"] == theirs

    def test_who_comes_back_gets_another_key(self, vault: Vault, other: Vault) -> None:
        before = vault.keys_for("default", ["ada"])["ada"]
        vault.destroy("default", ["ada"])

        after = vault.keys_for("default", ["ada"])["ada"]

        assert after.key_id != before.key_id
        assert after.secret != before.secret
        assert other.keys_for("default", ["ada"])["ada"] == after
        assert other.secrets([before.key_id, after.key_id]) == {after.key_id: after.secret}

    def test_who_asks_at_once_is_given_the_same_keys(self, vault: Vault, other: Vault) -> None:
        owners, threads = [f"owner-{number}" for number in range(200)], 8
        start = threading.Barrier(threads)

        def ask(asker: int) -> set[tuple[str, str, bytes]]:
            handle = (vault, other)[asker % 2]
            # Half of them ask in the opposite order: nobody waits in a circle.
            order = owners if asker % 4 < 2 else owners[::-1]
            start.wait(DEADLINE_S)
            keys = handle.keys_for("default", order)
            return {(owner, key.key_id, key.secret) for owner, key in keys.items()}

        with ThreadPoolExecutor(threads) as pool:
            first, *others = pool.map(ask, range(threads))

        assert len(first) == len(owners)
        assert all(given == first for given in others)
