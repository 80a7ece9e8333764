"""Feature files: the steps of each scenario, outlines filled in; as much of Gherkin as is used."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path


@dataclass(slots=True)
class Step:
    """A line of a scenario, with the text and the table below it."""

    words: str
    text: str = ""
    table: list[list[str]] = field(default_factory=list)

    @property
    def pairs(self) -> Mapping[str, str]:
        """The table as what it is: names and values under a head."""
        return {row[0]: row[1] for row in self.table[1:]}


@dataclass(slots=True)
class Scenario:
    """What is given, done and expected."""

    name: str
    steps: list[Step] = field(default_factory=list)

    def step(self, words: str) -> Step:
        """The step that ends with ``words``."""
        return next(step for step in self.steps if step.words.endswith(words))


def scenarios(path: Path) -> Iterator[Scenario]:
    """Every scenario of a feature file; of an outline one for each of its examples."""
    for block in re.split(r"^\s*Scenario(?: Outline)?: ", path.read_text(), flags=re.MULTILINE)[1:]:
        scenario, _, examples = block.partition("Examples:")
        rows = [_cells(line) for line in examples.splitlines() if line.strip().startswith("|")]
        for values in rows[1:] or [[]]:
            filled = scenario
            for name, value in zip(rows[0] if rows else [], values, strict=True):
                filled = filled.replace(f"<{name}>", value)
            yield _scenario(filled)


def _scenario(text: str) -> Scenario:
    lines = iter(text.splitlines())
    found = Scenario(next(lines).strip())
    for line in lines:
        said = line.strip()
        if said == '"""':
            inside = [*takewhile(lambda one: one.strip() != '"""', lines)]
            found.steps[-1].text = "\n".join(one.removeprefix(" " * 8) for one in inside)
        elif said.startswith("|"):
            found.steps[-1].table.append(_cells(said))
        elif said:
            found.steps.append(Step(said.rstrip(":")))
    return found


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]
