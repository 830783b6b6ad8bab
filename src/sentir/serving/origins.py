"""Refuses what pages of other sites send: a browser would let them use a server on this machine."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from sentir.i18n import _
from sentir.serving.errors import RequestError
from sentir.serving.middleware import refuse
from sentir.serving.settings import is_loopback

_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


class OriginMiddleware:
    """Refuses WebSockets and unsafe requests whose ``Origin`` is neither the server itself nor allowed.

    Browsers send the header, and pages cannot change it; other clients have none. CORS does not suffice: it keeps
    a page from reading answers, but not from sending forms, and does not hold for WebSockets.

    Args:
        app: the application.
        allowed: origins such as ``https://example.org``; ``*`` for all.
        has_token: whether the server needs a token. Without one, on a loopback address, the origin must be a
            loopback address too, as any name can be made to resolve to one (DNS rebinding).
    """

    def __init__(self, app: ASGIApp, allowed: Collection[str] = (), *, has_token: bool = False) -> None:
        self._app, self._allowed, self._has_token = app, frozenset(allowed), has_token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        is_unsafe = scope["type"] == "websocket" or scope.get("method", "GET") not in _SAFE_METHODS
        if not is_unsafe or self._is_trusted(scope, Headers(scope=scope)):
            await self._app(scope, receive, send)
            return
        message = _("This request comes from a page of another site; allow its address with --cors.")
        await refuse(RequestError(403, "foreign_origin", message), scope, receive, send)

    def _is_trusted(self, scope: Scope, headers: Headers) -> bool:
        origin = headers.get("origin")
        if origin is None or origin in self._allowed or "*" in self._allowed:
            return True
        host = origin.partition("://")[2].lower()
        if not host or host != headers.get("host", "").lower():
            return False
        server, _port = scope.get("server") or ("", None)
        return self._has_token or not is_loopback(server) or is_loopback(_hostname(origin))


def _hostname(origin: str) -> str:
    """Return the host of an origin without its port."""
    try:
        return urlsplit(origin).hostname or ""
    except ValueError:
        return ""
