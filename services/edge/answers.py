"""Answers: every error as the same four fields with its HTTP status, whoever raised it."""

from collections.abc import Mapping
from typing import Final

import msgspec
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from schemas.problems import Problem
from services.edge.trace import note
from services.errors import Limited, Refused, Timeout, TooSlow, Unauthorised, Unavailable

JSON: Final = "application/json"
RETRY_UNAVAILABLE_S: Final = 1


def answer(status: int, content: object, headers: Mapping[str, str] | None = None) -> Response:
    """``content`` as JSON; what UTF-8 can't carry (half a surrogate pair) is shown as ``?``."""
    try:
        body = msgspec.json.encode(content)
    except UnicodeEncodeError:
        body = msgspec.json.encode(_carriable(msgspec.to_builtins(content)))
    return Response(body, status, headers, JSON)


def as_fields(problem: Problem) -> dict[str, object]:
    """The four fields that every error has."""
    return {
        "problem": problem.problem,
        "field": problem.field,
        "value": problem.value,
        "remedy": problem.remedy,
    }


def refusal(error: Refused) -> Response:
    """The answer to a caller who must change something, or come back later."""
    return answer(error.status, as_fields(error.problem), _headers(error))


def unavailable() -> Response:
    """503: nothing was done, or doing it again is harmless; the caller should."""
    problem = Problem("", None, "storage does not answer", "send the same request again")
    return answer(503, as_fields(problem), {"Retry-After": str(RETRY_UNAVAILABLE_S)})


def handle_errors(app: FastAPI) -> None:
    """Render every error of ``app`` in the one shape; call once, where the app is composed."""
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(Unavailable, _unavailable)
    app.add_exception_handler(Timeout, _timeout)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(ClientDisconnect, _gone)
    app.add_exception_handler(Exception, _crashed)


def _headers(error: Refused) -> dict[str, str]:
    match error:
        case Limited():
            return {"Retry-After": str(error.retry_after_s)}
        case Unauthorised():
            return {"WWW-Authenticate": 'Bearer realm="touchline"'}
        case TooSlow():
            # The rest of the body may still arrive: it must not be read as the next request.
            return {"Connection": "close"}
        case _:
            return {}


async def _refused(_: Request, error: Exception) -> Response:
    return refusal(error) if isinstance(error, Refused) else unavailable()


async def _unavailable(request: Request, error: Exception) -> Response:
    note(request.scope, error=str(error))
    return unavailable()


async def _timeout(_: Request, error: Exception) -> Response:
    return answer(504, as_fields(Problem("", None, str(error) or "took too long", "ask again")))


async def _http(_: Request, error: Exception) -> Response:
    # FastAPI wraps what is raised while it reads a body in an HTTPException of its own.
    if isinstance(error.__cause__, Refused):
        return refusal(error.__cause__)
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = error.headers if isinstance(error, HTTPException) else None
    detail = str(error.detail) if isinstance(error, HTTPException) else "failed"
    return answer(status, as_fields(Problem("", None, detail.lower(), "see /docs")), headers)


async def _invalid(_: Request, error: Exception) -> Response:
    found = error.errors() if isinstance(error, RequestValidationError) else []
    first = found[0] if found else {"loc": (), "msg": "is not valid", "input": None}
    path = first["loc"] or ()
    field = ".".join(str(part) for part in path if part not in {"body", "query", "path"})
    shown = repr(first.get("input"))[:100]
    return answer(422, as_fields(Problem(field, shown, str(first["msg"]), "see /docs")))


async def _gone(_: Request, __: Exception) -> Response:
    # Nobody reads this; it only tells the log line apart from a crash.
    return Response(status_code=499)


async def _crashed(_: Request, __: Exception) -> Response:
    # Starlette raises the error again behind this answer: the server logs it with its traceback.
    return answer(500, as_fields(Problem("", None, "failed on our side", "send it again later")))


def _carriable(value: object) -> object:
    match value:
        case str():
            return value.encode("utf-8", "replace").decode()
        case list():
            return [_carriable(item) for item in value]
        case dict():
            return {_carriable(name): _carriable(item) for name, item in value.items()}
        case _:
            return value
