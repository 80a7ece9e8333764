"""What a failed command says, and its exit code: 1 it failed, 2 it was asked for wrongly."""

import sys
from typing import Any, Final

from typer.core import TyperGroup

FAILED: Final = 1
WRONG_USE: Final = 2


class Group(TyperGroup):
    """Commands whose errors of ours end in one line on standard error, never in a traceback."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except Exception as error:
            code = _exit_code(error)
            if code is None:
                raise
            sys.stderr.write(f"touchline: {error}\n")
            ctx.exit(code)


def _exit_code(error: Exception) -> int | None:
    """None for what we didn't raise on purpose."""
    from services.errors import Misconfigured, Refused, TouchlineError

    match error:
        case Misconfigured():
            return WRONG_USE
        case Refused(status=422):
            return WRONG_USE
        case TouchlineError():
            return FAILED
        case _:
            return None
