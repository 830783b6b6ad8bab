"""``/``: the web page, its files, and its texts; it requests nothing from any other host."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Any

from fastapi import APIRouter, FastAPI
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from sentir.i18n import LANGUAGES, get_language, use_language
from sentir.serving.page_texts import make_catalog

PAGE_FOLDER = Path(__file__).parent / "page"
PAGE_PREFIX = "/page/"
_MEDIA_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}

router = APIRouter(include_in_schema=False)


def page_headers(nonce: str = "") -> Mapping[str, str]:
    """Return the headers of the page and of its files.

    Args:
        nonce: of the one style element that wavesurfer.js writes for its waveform.
    """
    styles = f"'self' 'nonce-{nonce}'" if nonce else "'self'"
    policy = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": styles,
        "img-src": "'self' data: blob:",
        "media-src": "blob:",
        "connect-src": "'self'",
        "worker-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    return {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-cache",
    }


@router.get("/")
async def get_page() -> HTMLResponse:
    """Return the page in the language of the request."""
    nonce = secrets.token_urlsafe(16)
    template = Template((PAGE_FOLDER / "index.html").read_text(encoding="utf-8"))
    page = template.substitute(nonce=nonce, language=get_language())
    return HTMLResponse(page, headers=page_headers(nonce))


@router.get("/page/texts/{language}.json")
async def get_texts(language: str) -> dict[str, Any]:
    """Return what the page says in a language, English if there is no such language."""
    with use_language(language if language in LANGUAGES else LANGUAGES[0]):
        return make_catalog()


class _PageFiles(StaticFiles):
    """The files of the page, with its headers, and media types that do not depend on the system."""

    def file_response(self, full_path: Any, stat_result: Any, scope: Scope, status_code: int = 200) -> Response:
        """Return a file, or that it has not changed."""
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers.update(page_headers())
        if (suffix := Path(full_path).suffix) in _MEDIA_TYPES:
            response.headers["Content-Type"] = f"{_MEDIA_TYPES[suffix]}; charset=utf-8"
        return response


def add_page(app: FastAPI) -> None:
    """Add the page to an app."""
    app.include_router(router)
    app.mount(PAGE_PREFIX.rstrip("/"), _PageFiles(directory=PAGE_FOLDER))
