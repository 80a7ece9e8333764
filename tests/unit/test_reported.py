"""The report on faults: every fault has a row, runs are added up, and what is missing is said."""

from datetime import UTC, datetime

from tests.reported import Counted, Fault, Row, report

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
TEST = "tests/cluster/test_campaign.py::test_it_holds"


def row(
    fault: Fault = Fault.KILLS, outcome: str = "passed", seed: str = "1", kills: int = 0
) -> Row:
    """One run of a test."""
    return Row(str(fault), TEST, seed, Counted(kills=kills, events=600_000), 90.0, outcome)


def test_runs_with_one_seed_are_one_row_and_the_totals_are_of_all() -> None:
    said = report([row(kills=2), row(kills=3), row(seed="2", kills=1_000)], "a machine", AT, 60)

    assert "Seeds: 1, 2." in said
    assert "**1,005 kills, 1,800,000 events, 0 lost, 0 doubled; no tests failed.**" in said
    assert (
        "[it holds](../tests/cluster/test_campaign.py) | 1 | 5 | 1,200,000 | 0 | 0 | 180 |" in said
    )


def test_a_fault_that_nothing_came_through_is_named() -> None:
    shown = [fault for fault in Fault if fault is not Fault.LINES]

    said = report([*map(row, shown), row(Fault.LINES, outcome="failed")], "a machine", AT, 60)

    assert "1 test failed" in said
    assert [line for line in said.splitlines() if line.startswith("Not shown")] == [
        f"Not shown in this run: {Fault.LINES}."
    ]
