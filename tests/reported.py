"""What tests of faults tell of themselves, and the report that `make faults` makes of it.

A test names its fault by a mark, ``@pytest.mark.fault(Fault.KILLS)``, and notes what it counted
through the fixture ``noted``; that travels to the process that writes the report as a property of
the test's own outcome, so it does not matter which process ran it.
"""

import os
import platform
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from time import monotonic
from typing import Any, Final

import pytest

from tests.campaign import Campaign

REPORT: Final = "TOUCHLINE_TEST_REPORT"
"""Names the file to write; without it nothing is."""
EXPLAINED: Final = """\
Written by `make faults`; what is done and asserted is in the tests named. *Events* are those that
producers were told are taken in; *lost* are those of them that count nowhere, *doubled* those that
count twice, in rows or archive. *Kills* are processes ended by SIGKILL. A row adds up all runs of a
test with one seed: `make faults TOUCHLINE_TEST_SEEDS=7,8` runs the same with others."""
_PROPERTY: Final = "fault"


class Fault(StrEnum):
    """What goes wrong; the report has at least a row of each."""

    KILLS = "`kill -9` of workers, broker, PostgreSQL, archive, ingest"
    DEATHS = "death before and after each step of the batch transaction"
    ZOMBIES = "SIGSTOP for longer than the session timeout"
    COMING_AND_GOING = "workers that join and leave"
    LINES = "connections cut, delayed, half-open"
    REPLICAS = "a broker that answers NOT_ENOUGH_REPLICAS"
    SPACE = "no space left"
    RECORDS = "records that can't be decoded"
    CLOCKS = "clocks that jump"
    SIMULATION = "simulated: dropped, repeated, reordered, delayed, half-written"


@dataclass(frozen=True, slots=True)
class Counted:
    """What one run of a test counted."""

    kills: int = 0
    """Processes that were ended by SIGKILL."""
    events: int = 0
    """Events that producers were told are taken in."""
    lost: int = 0
    """Of these, those that count nowhere."""
    doubled: int = 0
    """Of these, those that count more than once."""

    def __add__(self, other: "Counted") -> "Counted":
        mine, others = asdict(self), asdict(other)
        return Counted(**{name: mine[name] + others[name] for name in mine})


class Noted:
    """A test's notes, told with its outcome, whatever that is."""

    def __init__(self, node: pytest.Item) -> None:
        self._node, self._began_s = node, monotonic()
        self._counts = asdict(Counted())
        node.user_properties.append((f"{_PROPERTY}.counted", self._counts))

    def add(self, *, kills: int = 0, events: int = 0, lost: int = 0, doubled: int = 0) -> None:
        """Count these; what is noted without ``lost`` was asserted to be there once."""
        for name, count in asdict(Counted(kills, events, lost, doubled)).items():
            self._counts[name] += count

    def say(self, text: str) -> None:
        """A line for who watches a long test, past pytest's capture; only where one watches."""
        if REPORT not in os.environ:
            return
        capture = self._node.config.pluginmanager.getplugin("capturemanager")
        with capture.global_and_fixture_disabled():
            line = f"  {self._node.name}: {text}, {monotonic() - self._began_s:.0f} s"
            sys.stderr.write(f"{line}\n")
            sys.stderr.flush()


@dataclass(frozen=True, slots=True)
class Row:
    """The runs of one test with one seed."""

    fault: str
    test: str
    seed: str
    counted: Counted
    seconds: float
    outcome: str


class Reporter:
    """Gathers the outcomes of a run; writes them at its end."""

    def __init__(self, place: Path) -> None:
        self._place, self._rows = place, list[Row]()
        self._began_at, self._load = datetime.now(UTC), os.getloadavg()[0]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """One more outcome; a test that failed or was skipped before its call has one too."""
        told: dict[str, Any] = dict(report.user_properties)
        if _PROPERTY in told and (report.when == "call" or not report.passed):
            counts = told.get(f"{_PROPERTY}.counted", {})
            self._rows.append(
                Row(
                    str(told[_PROPERTY]),
                    report.nodeid.partition("[")[0],
                    str(told[f"{_PROPERTY}.seed"]),
                    Counted(**counts),
                    report.duration,
                    report.outcome,
                )
            )

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the report, however the run ended."""
        took_s = (datetime.now(UTC) - self._began_at).total_seconds()
        machine = f"{_machine()}, load average {self._load:.1f} as it began"
        self._place.write_text(report(self._rows, machine, self._began_at, took_s))


def report(rows: Iterable[Row], machine: str, began_at: datetime, took_s: float) -> str:
    """The report as Markdown: a row a test and seed, runs with other parameters added up."""
    merged = _merged(rows)
    sums = sum((row.counted for row in merged), Counted())
    seeds = ", ".join(sorted({row.seed for row in merged} - {"–"}))
    failed = sum(row.outcome == "failed" for row in merged)
    missing = [
        fault
        for fault in Fault
        if not any(row.outcome == "passed" for row in merged if row.fault == fault)
    ]
    when = f"{began_at:%Y-%m-%d %H:%M} UTC, {took_s / 60:.0f} minutes"
    counts = ", ".join(f"{count:,} {name}" for name, count in asdict(sums).items())
    failures = f"{failed or 'no'} test{'' if failed == 1 else 's'} failed"
    lines = [
        *("# The faults campaign", "", EXPLAINED, ""),
        *(f"{when}, on {machine}. Seeds: {seeds}.", ""),
        f"**{counts}; {failures}.**",
        "",
        "| fault | test | seed | kills | events | lost | doubled | seconds | |",
        "|---|---|---|--:|--:|--:|--:|--:|---|",
        *(_line(row) for row in merged),
        *("", *(f"Not shown in this run: {fault}.\n" for fault in missing)),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _merged(rows: Iterable[Row]) -> list[Row]:
    groups: dict[tuple[str, str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row.fault, row.test, row.seed), []).append(row)
    worst = ("failed", "skipped", "passed")
    merged = [
        Row(
            *key,
            sum((row.counted for row in some), Counted()),
            sum(row.seconds for row in some),
            min((row.outcome for row in some), key=worst.index),
        )
        for key, some in groups.items()
    ]
    order = [str(fault) for fault in Fault]
    return sorted(merged, key=lambda row: (order.index(row.fault), row.test, row.seed))


def _line(row: Row) -> str:
    path, _, name = row.test.partition("::")
    words = name.removeprefix("test_").replace("_", " ")
    test = f"[{words}](../{path})"
    numbers = [f"{getattr(row.counted, one.name):,}" for one in fields(Counted)]
    outcome = "" if row.outcome == "passed" else row.outcome
    cells = [row.fault, test, row.seed, *numbers, f"{row.seconds:.0f}", outcome]
    return f"| {' | '.join(cells)} |"


def told_of(item: pytest.Item) -> Mapping[str, Any]:
    """What a test's outcome says of it: its fault and its seed; nothing where it names none."""
    mark = item.get_closest_marker("fault")
    if mark is None:
        return {}
    callspec = getattr(item, "callspec", None)
    given = callspec.params.values() if callspec else ()
    seeds = [str(one.seed) for one in given if isinstance(one, Campaign)]
    return {_PROPERTY: str(mark.args[0]), f"{_PROPERTY}.seed": "".join(seeds) or "–"}


def _machine() -> str:
    cpu = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    memory_gib = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    return f"{cpu}, {os.cpu_count()} cores, {memory_gib:.0f} GiB, {platform.system()}"
