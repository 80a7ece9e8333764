"""The bar that shows a load: how far, how fast, until when, how much was refused."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from services.ingest.load import Mark


class LoadingBar:
    """A line on standard error; ``size`` counts what marks' ends count (bytes, or events)."""

    def __init__(self, title: str, size: int, *, is_shown: bool) -> None:
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[records]:,} events · {task.fields[rate]:,}/s"),
            TimeRemainingColumn(),
            TextColumn("[red]{task.fields[refused]}[/red][dim]{task.fields[waits]}[/dim]"),
            console=Console(stderr=True),
            disable=not is_shown,
        )
        self._task = self._progress.add_task(
            title, total=size, records=0, rate=0, refused="", waits=""
        )
        self._began: Mark | None = None

    def at(self, mark: Mark) -> None:
        """The load has come to ``mark``."""
        task = self._progress.tasks[self._task]
        began = self._began = self._began or mark
        elapsed_s = task.elapsed or 0
        self._progress.update(
            self._task,
            completed=mark.end,
            records=mark.records,
            rate=int((mark.records - began.records) / elapsed_s) if elapsed_s > 0 else 0,
            refused=f"{mark.rejected:,} refused" if mark.rejected else "",
            waits="",
        )

    def waiting(self, in_flight: int) -> None:
        """The load waits for the folds, which are ``in_flight`` records behind."""
        self._progress.update(self._task, waits=f" waiting for {in_flight:,} in flight")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _value: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._progress.stop()
