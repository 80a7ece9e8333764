"""The API's documentation page, without a single request to anybody else.

Its policy lets the browser run, show and ask nothing but ours. A key that somebody enters lives as
long as the page.
"""

import re
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from fastapi import APIRouter
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.responses import FileResponse, HTMLResponse, Response

from services.errors import Misconfigured, NotFound
from services.query.dashboards.pages import HEADERS

FILES: Final = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
}
_PARAMETERS: Final = {
    # The page would else ask a validator of the internet about us.
    "validatorUrl": "none",
    "tryItOutEnabled": True,
    "displayRequestDuration": True,
    "defaultModelsExpandDepth": 0,
}
_ICON: Final = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E"
    "%3Cpath d='M1 8h14M10 3l5 5-5 5' fill='none' stroke='%23167a5b' stroke-width='2'/%3E%3C/svg%3E"
)
_INLINE: Final = re.compile(r"<script>(.*?)</script>", re.DOTALL)


def router(openapi_url: str = "/openapi.json") -> APIRouter:
    """``/docs`` and its files."""
    routes = APIRouter(include_in_schema=False)
    folder = _folder()
    page = bytes(
        get_swagger_ui_html(
            openapi_url=openapi_url,
            title="Touchline API",
            swagger_js_url="/docs/swagger-ui-bundle.js",
            swagger_css_url="/docs/swagger-ui.css",
            swagger_favicon_url=_ICON,
            swagger_ui_parameters=_PARAMETERS,
        ).body
    )
    headers = {**HEADERS, "Content-Security-Policy": _policy(page.decode())}

    @routes.get("/docs")
    async def show_docs() -> HTMLResponse:
        return HTMLResponse(page, headers=headers)

    @routes.get("/docs/{name}")
    async def show_file(name: str) -> Response:
        if name not in FILES:
            raise NotFound("is no file of this page", "see /docs", field="name", value=name[:80])
        headers = {"Cache-Control": "public, max-age=86400"}
        return FileResponse(folder / name, media_type=FILES[name], headers=headers)

    return routes


def _policy(page: str) -> str:
    """Scripts are our file and, by its digest, the one inside ``page`` that starts it."""
    inline = [
        b64encode(sha256(script.encode()).digest()).decode() for script in _INLINE.findall(page)
    ]
    policy: Mapping[str, str] = {
        "default-src": "'none'",
        "script-src": " ".join(["'self'", *(f"'sha256-{digest}'" for digest in inline)]),
        "style-src": "'self'",
        "img-src": "'self' data:",
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in policy.items())


def _folder() -> Path:
    spec = find_spec("fastapi_offline")
    if spec is None or spec.origin is None:
        raise Misconfigured("package fastapi-offline is missing: install touchline anew")
    return Path(spec.origin).parent / "static"
