"""The commands that load: what they say before and after, and their exit codes."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from services.ingest.load import Destination
from services.main import app, loading
from tests.loading import Memory


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> Memory:
    """A platform in memory that the commands load into."""
    memory = Memory()

    @contextmanager
    def opened(_workspace: str, _data_dir: Path | None = None) -> Iterator[Destination]:
        yield memory.destination

    monkeypatch.setattr(loading, "open_destination", opened)
    return memory


def ran(*arguments: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    return result.exit_code, result.stdout


@pytest.fixture
def visits(tmp_path: Path) -> Path:
    path = tmp_path / "visits.csv"
    path.write_text("user_id,page\n1,home\n2,offers\nnull,home\n")
    return path


def test_a_dry_run_shows_what_a_file_is_taken_for_and_loads_nothing(
    memory: Memory, visits: Path
) -> None:
    code, said = ran("import", "--dry-run", visits)

    assert code == 0
    assert '"custom.visits"' in said
    assert '"identifiers":["user:1"]' in said
    assert memory.recorded() == []


def test_an_import_tells_what_it_accepted_and_why_it_refused_the_rest(
    memory: Memory, visits: Path
) -> None:
    code, said = ran("import", visits, "--json")

    (load,) = msgspec.json.decode(said)["loads"]
    assert code == 0
    assert (load["name"], load["accepted"], load["rejected"]) == ("visits.csv", 2, 1)
    assert load["examples"][0]["origin"].startswith("visits.csv#")
    assert load["examples"][0]["origin"].endswith(":4")
    assert len(memory.recorded()) == 2


@pytest.mark.usefixtures("memory")
def test_an_import_of_which_nothing_can_be_read_fails(tmp_path: Path) -> None:
    refused, empty = tmp_path / "refused.csv", tmp_path / "empty.csv"
    refused.write_text("user_id\nnull\n")
    empty.touch()

    assert ran("import", refused)[0] == 1
    assert ran("import", empty)[0] == 1
    assert ran("import", tmp_path / "missing.csv")[0] == 2


@pytest.mark.usefixtures("memory")
def test_one_good_file_is_enough(tmp_path: Path, visits: Path) -> None:
    empty = tmp_path / "empty.csv"
    empty.touch()

    assert ran("import", empty, visits)[0] == 0
