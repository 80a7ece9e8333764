"""Pages: the console's files, read once and served under a policy that runs nothing but them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Final

from fastapi import APIRouter, Request, Response

from services.errors import NotFound

STATIC: Final = Path(__file__).parent / "static"
INDEX: Final = "index.html"
TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
POLICY: Final[Mapping[str, str]] = {
    "default-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
    "object-src": "'none'",
    # Whoever would make markup of text is stopped by the browser, too.
    "require-trusted-types-for": "'script'",
    "trusted-types": "'none'",
}
HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in POLICY.items()),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    # Asked for each time and answered by 304: a new version is never mixed with an old one.
    "Cache-Control": "no-cache",
}


@dataclass(frozen=True, slots=True)
class Page:
    """A file as it is served."""

    content: bytes
    media_type: str
    etag: str


def router() -> APIRouter:
    """``/``, and its files below ``/console``; they hold nothing personal and need no key."""
    routes = APIRouter(include_in_schema=False)
    pages = dict(found(STATIC))

    @routes.api_route("/", methods=["GET", "HEAD"])
    async def show_console(request: Request) -> Response:
        return served(pages[INDEX], request.headers.get("if-none-match"))

    @routes.api_route("/console/{path:path}", methods=["GET", "HEAD"])
    async def show_file(request: Request, path: str) -> Response:
        if path not in pages:
            raise NotFound("is no file of the console", "open /", field="path", value=path[:80])
        return served(pages[path], request.headers.get("if-none-match"))

    return routes


def found(folder: Path) -> Iterator[tuple[str, Page]]:
    """Every file in ``folder`` that a browser may ask for, by its path there."""
    for path in sorted(folder.rglob("*")):
        if path.suffix in TYPES:
            content = path.read_bytes()
            etag = f'"{blake2b(content, digest_size=16).hexdigest()}"'
            yield path.relative_to(folder).as_posix(), Page(content, TYPES[path.suffix], etag)


def served(page: Page, known: str | None) -> Response:
    """``page``, or 304 to a browser that sends its tag in ``If-None-Match``."""
    headers = {**HEADERS, "ETag": page.etag}
    if known is not None and page.etag in {
        tag.strip().removeprefix("W/") for tag in known.split(",")
    }:
        return Response(status_code=304, headers=headers)
    return Response(page.content, headers=headers, media_type=page.media_type)
