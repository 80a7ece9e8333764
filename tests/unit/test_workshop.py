"""The workshop's own promises: pins without addresses, short files, one version."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
EXTRAS = {
    "requirements.lock": {"embedded", "samples"},
    "requirements-cluster.lock": {"cluster"},
    "requirements-dev.lock": {"embedded", "samples", "report", "cluster", "dev"},
}
LOCKS = tuple(EXTRAS)
# Comes with pydantic, which works with exactly one version; standard library from Python 3.14;
# a peer, in an environment that its benchmark makes.
NEED_NO_DECLARATION = {"pydantic_core", "compression", "quixstreams"}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PIN = re.compile(r"^(?P<name>[\w.-]+)==(?P<version>\S+) (?:; .+ )?\\$")


def pins(lock: str) -> dict[str, str]:
    found = map(PIN.match, (ROOT / lock).read_text().splitlines())
    return {canonicalize_name(pin["name"]): pin["version"] for pin in found if pin}


def requirements_of(*extras: str) -> Iterator[Requirement]:
    yield from map(Requirement, PROJECT["dependencies"])
    for extra in extras:
        yield from map(Requirement, PROJECT["optional-dependencies"][extra])


def imported_by(path: Path) -> set[str]:
    """The top names that ``path`` imports, wherever in the file."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        match node:
            case ast.Import(names=aliases):
                names |= {alias.name.partition(".")[0] for alias in aliases}
            case ast.ImportFrom(module=str(module), level=0):
                names.add(module.partition(".")[0])
    return names


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_registry_and_no_machine(lock: str) -> None:
    text = (ROOT / lock).read_text()

    assert not re.findall(r".*(?:://|--index|--extra-index|--find-links|--trusted-host).*", text)
    assert not re.findall(r".*(?:/(?:opt|home|work|tmp|root)/).*", text)


@pytest.mark.parametrize("lock", LOCKS)
def test_every_requirement_of_a_lock_is_pinned_and_hashed(lock: str) -> None:
    entries = re.sub(r"^\s*#.*\n", "", (ROOT / lock).read_text(), flags=re.MULTILINE)
    requirements = [entry for entry in re.split(r"\n(?=\S)", entries.strip()) if entry]

    loose = [entry for entry in requirements if "--hash=sha256:" not in entry]

    assert len(requirements) == len(pins(lock))
    assert not loose


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_holds_every_dependency_at_a_version_the_project_allows(lock: str) -> None:
    versions = pins(lock)

    wrong = [
        str(wanted)
        for wanted in requirements_of(*EXTRAS[lock])
        if versions.get(canonicalize_name(wanted.name), "") not in wanted.specifier
    ]

    assert not wrong, "run `make lock`"


@pytest.mark.parametrize("lock", LOCKS)
def test_what_is_tested_is_what_runs(lock: str) -> None:
    assert pins(lock).items() <= pins("requirements-dev.lock").items()


@pytest.mark.parametrize("folder", ["schemas", "services", "tests", "bench"])
def test_no_file_is_longer_than_300_lines(folder: str) -> None:
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text().splitlines())
        for path in (ROOT / folder).rglob("*.py")
    }

    assert not {path: lines for path, lines in lengths.items() if lines > 300}


@pytest.mark.parametrize(
    ("folder", "extras"),
    [
        ("schemas", ()),
        ("services", ("embedded", "samples", "cluster")),
        ("tests", ("embedded", "samples", "cluster", "dev")),
        ("bench", ("embedded", "samples", "report", "cluster", "dev")),
    ],
)
def test_every_library_that_is_imported_is_declared(folder: str, extras: tuple[str, ...]) -> None:
    declared = {canonicalize_name(wanted.name) for wanted in requirements_of(*extras)}
    distributions = packages_distributions()
    own = {"schemas", "services", "tests", "bench"} | NEED_NO_DECLARATION | sys.stdlib_module_names

    undeclared = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in (ROOT / folder).rglob("*.py")
        for name in imported_by(path) - own
        if not declared & set(map(canonicalize_name, distributions.get(name, [name])))
    }

    assert not undeclared


def test_the_changelog_tells_of_the_version_that_is_built() -> None:
    headings = re.findall(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)

    assert headings
    assert headings[0] in {"Unreleased", PROJECT["version"]}
