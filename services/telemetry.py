"""Telemetry: how log lines look; one a batch, request or crash, and nobody's data in any."""

import logging
import sys
from typing import Final, Literal

import msgspec
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

Format = Literal["auto", "json", "console"]

_QUIET: Final = ("uvicorn.access", "httpx", "httpcore", "urllib3", "clickhouse_connect")
"""Their lines hold addresses and bodies, and ours say the same without."""


def configure(service: str, *, level: str = "info", format: Format = "auto") -> None:
    """Send all log lines of this process to standard error, with the name of the ``service``.

    Libraries that log by Python's own ``logging`` come out alike, warnings and above.
    """
    is_console = format == "console" or (format == "auto" and sys.stderr.isatty())
    threshold = getattr(logging, level.upper())
    shared = _shared(service)
    render = _renderers(is_console=is_console)
    structlog.configure(
        processors=[*shared, *render],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *render],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(threshold, logging.WARNING))
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.ERROR)


def _shared(service: str) -> list[Processor]:
    def named(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event["service"] = service
        return event

    return [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        named,
    ]


def _renderers(*, is_console: bool) -> list[Processor]:
    # Without local variables: they hold people's data.
    if is_console:
        plain = structlog.dev.plain_traceback
        return [structlog.dev.ConsoleRenderer(exception_formatter=plain)]
    return [
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(serializer=_json),
    ]


def _json(event: EventDict, **_: object) -> str:
    return msgspec.json.encode(event, enc_hook=str).decode()
