"""What a load tells people and scripts: what a file was taken for, what became of its events."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Final

import msgspec
from rich.console import Console
from rich.markup import escape

from schemas.problems import Problem
from services.ingest.files.load import Understood, preview
from services.ingest.load import Loaded

MOST: Final = 5
"""Reasons shown, beside as many examples."""


def explain(understood: Understood, console: Console) -> None:
    """Show what a file is taken for, and its first events as they would be posted."""
    file = understood.file
    packed = ", gzip" if file.is_gzip else ""
    console.print(
        f"[bold]{escape(str(file.path))}[/bold]: {file.kind}{packed}, {file.size:,} bytes"
    )
    if understood.mapping is None:
        source = escape(understood.source)
        console.print(f"  each line is an event; source where it names none: {source}")
    else:
        tree = understood.mapping.model_dump(exclude_defaults=True, by_alias=True)
        console.print_json(msgspec.json.encode(tree).decode())
        if understood.unused:
            console.print(f"  not used: {escape(', '.join(understood.unused))}")
    for shown in preview(understood):
        console.print(escape(shown.item.raw.decode("utf-8", "replace")), soft_wrap=True)
        for problem in shown.problems:
            console.print(f"  [red]{escape(sentence(problem))}[/red]")


def report(name: str, loaded: Loaded, console: Console) -> None:
    """Say what was accepted and what not, and why."""
    mark = loaded.mark
    state = "loaded" if mark.is_done else "loaded in part"
    console.print(f"{escape(name)}: {state}, {mark.accepted:,} accepted, {mark.rejected:,} refused")
    if loaded.broke_off is not None:
        console.print(f"  [red]{escape(sentence(loaded.broke_off))}[/red]")
    for reason, count in loaded.reasons.most_common(MOST):
        console.print(f"  {count:,} × {escape(reason)}")
    for origin, problem in loaded.examples:
        console.print(f"  {escape(origin)}: {escape(sentence(problem))}", soft_wrap=True)
    if mark.rejected:
        console.print("  what was refused is kept: touchline dead-letters list")


def sentence(problem: Problem) -> str:
    """A problem as one line."""
    value = "" if problem.value is None else f" {problem.value!r}"
    return f"{problem.field}{value} {problem.problem}; {problem.remedy}".strip()


def outcome(loads: Sequence[tuple[str, Loaded]]) -> dict[str, object]:
    """The same for scripts."""
    return {
        "loads": [
            {
                "name": name,
                "is_done": loaded.mark.is_done,
                "accepted": loaded.mark.accepted,
                "rejected": loaded.mark.rejected,
                "reasons": dict(loaded.reasons),
                "examples": [
                    {"origin": origin, **asdict(problem)} for origin, problem in loaded.examples
                ],
                "broke_off": loaded.broke_off and asdict(loaded.broke_off),
            }
            for name, loaded in loads
        ]
    }
