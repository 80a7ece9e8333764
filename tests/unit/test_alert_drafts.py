"""Alert rules as policies: read from files, checked, printed and read again."""

from importlib import resources

import pytest

from schemas.rules import alerts
from services.commands.drafts import read
from services.commands.policies import check
from services.main.toml import dumps

ONE = b"[[when]]\nsilent = { days = 30 }\n"


def test_the_file_that_ships_is_a_policy_a_rule() -> None:
    text = (resources.files("schemas.rules") / "defaults" / "alerts.toml").read_bytes()

    drafts = read(text)

    assert {(one.kind, one.name) for one in drafts} == {
        ("alert", name) for name in alerts.default_rules()
    }
    assert [problem for one in drafts for problem in check(one.kind, one.rules)] == []


def test_one_rule_of_the_file_can_be_chosen() -> None:
    text = (resources.files("schemas.rules") / "defaults" / "alerts.toml").read_bytes()

    assert [one.name for one in read(text, name="silence")] == ["silence"]


def test_a_file_may_hold_one_rule() -> None:
    [draft] = read(ONE, name="quiet")

    assert (draft.kind, draft.name, draft.rules) == (
        "alert", "quiet", {"when": [{"silent": {"days": 30}}]}
    )  # fmt: skip


@pytest.mark.parametrize("name", alerts.default_rules())
def test_what_is_printed_of_a_rule_is_read_again(name: str) -> None:
    rules = alerts.default_rules()[name]

    [draft] = read(dumps({"kind": "alert", "name": name, **rules}).encode())

    assert alerts.parse(draft.rules) == alerts.default_alerts()[name]


def test_a_rule_that_contradicts_itself_is_no_policy() -> None:
    [problem] = check("alert", {"when": [{"silent": {}}]})

    assert (problem.field, problem.problem) == ("when.0.silent", "does not say for how long")
