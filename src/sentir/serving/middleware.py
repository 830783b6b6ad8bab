"""What happens to every request before it is parsed: id, language, token, limits, and one line in the log."""

from __future__ import annotations

import asyncio
import base64
import hmac
import re
import time
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders, QueryParams
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sentir.i18n import _, use_language
from sentir.serving.errors import RequestError
from sentir.serving.language import choose_language
from sentir.serving.logging import log_request
from sentir.serving.metrics import Metrics
from sentir.serving.page_routes import PAGE_PREFIX
from sentir.serving.settings import Limits

REQUEST_ID_HEADER = "X-Request-ID"
_HEALTH_PREFIX = "/v2/health/"
_SUBPROTOCOL = "sentir"
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class RequestContextMiddleware:
    """Gives a request an id and a language; measures and logs it, without anything that the user sent."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers, start = Headers(scope=scope), time.perf_counter()
        given = headers.get(REQUEST_ID_HEADER, "")
        request_id = given if _REQUEST_ID.fullmatch(given) else uuid4().hex
        status = 500

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[REQUEST_ID_HEADER] = request_id
            elif message["type"] == "websocket.accept":
                status = 101
            await send(message)

        try:
            with use_language(choose_language(_wanted_languages(scope, headers))):
                await self._app(scope, receive, send_with_id)
        finally:
            seconds = time.perf_counter() - start
            route, method = getattr(scope.get("route"), "path", "other"), scope.get("method", "WEBSOCKET")
            method = method if method in _METHODS else "other"
            self._metrics.requests.labels(route, method, str(status)).inc()
            self._metrics.seconds.labels(route).observe(seconds)
            log_request(request_id=request_id, method=method, route=route, status=status, seconds=seconds)


def _wanted_languages(scope: Scope, headers: Headers) -> str:
    """Return the languages of a request; a page cannot set headers of a WebSocket, but its address."""
    asked = QueryParams(scope["query_string"]).get("language") if scope["type"] == "websocket" else None
    return asked or headers.get("accept-language", "")


_METHODS = frozenset({"GET", "HEAD", "POST", "DELETE", "OPTIONS", "PUT", "PATCH", "WEBSOCKET"})


class TokenMiddleware:
    """Refuses requests without the bearer token, but for those of health and of the page's own files.

    A page cannot set the headers of a WebSocket: there the token may come as a subprotocol, ``sentir.bearer.``
    and the token in base64url without padding, offered beside ``sentir``, which is the one that is accepted.
    """

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app, self._expected = app, f"Bearer {token}".encode()
        encoded = base64.urlsafe_b64encode(token.encode()).decode().rstrip("=")
        self._subprotocol = f"{_SUBPROTOCOL}.bearer.{encoded}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] == "lifespan" or _is_open(scope) or self._has_header(scope):
            await self._app(scope, receive, send)
        elif self._has_subprotocol(scope):
            await self._app(scope, receive, _accept_subprotocol(send))
        else:
            message = _("This server needs a token; send the header 'Authorization: Bearer TOKEN'.")
            error = RequestError(401, "unauthorized", message, {"WWW-Authenticate": "Bearer"})
            await refuse(error, scope, receive, send)

    def _has_header(self, scope: Scope) -> bool:
        given = Headers(scope=scope).get("authorization", "")
        return hmac.compare_digest(given.encode("latin-1"), self._expected)

    def _has_subprotocol(self, scope: Scope) -> bool:
        offered = scope.get("subprotocols", ())
        return _SUBPROTOCOL in offered and any(
            hmac.compare_digest(one.encode("latin-1", "replace"), self._subprotocol) for one in offered
        )


def _is_open(scope: Scope) -> bool:
    """Return whether a request needs no token."""
    root, path = scope.get("root_path", ""), scope["path"]
    return path == f"{root}/" or path.startswith((root + _HEALTH_PREFIX, root + PAGE_PREFIX))


def _accept_subprotocol(send: Send) -> Send:
    async def accept(message: Message) -> None:
        if message["type"] == "websocket.accept":
            message = {**message, "subprotocol": _SUBPROTOCOL}
        await send(message)

    return accept


class LimitMiddleware:
    """Refuses requests beyond those that may be handled at once, and bodies that are too large or too slow."""

    def __init__(self, app: ASGIApp, limits: Limits, metrics: Metrics) -> None:
        self._app, self._limits, self._metrics = app, limits, metrics
        self._in_progress = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] != "http" or scope["path"].startswith(scope.get("root_path", "") + _HEALTH_PREFIX):
            await self._app(scope, receive, send)
            return
        error = self._check(Headers(scope=scope))
        if error is not None:
            await refuse(error, scope, receive, send)
            return
        self._in_progress += 1
        self._metrics.requests_in_progress.inc()
        try:
            await self._app(scope, _LimitedBody(receive, self._limits), send)
        finally:
            self._in_progress -= 1
            self._metrics.requests_in_progress.dec()

    def _check(self, headers: Headers) -> RequestError | None:
        if self._in_progress >= self._limits.max_concurrent_requests:
            message = _("The server handles {n} requests at once; try again later.",
                        n=self._limits.max_concurrent_requests)  # fmt: skip
            return RequestError(429, "too_many_requests", message, {"Retry-After": "1"})
        length = headers.get("content-length", "")
        if length.isdecimal() and int(length) > self._limits.max_body_bytes:
            return _body_too_large(self._limits)
        return None


class _LimitedBody:
    """Receives a body of at most a size, within a time."""

    def __init__(self, receive: Receive, limits: Limits) -> None:
        self._receive, self._limits = receive, limits
        self._bytes, self._is_complete = 0, False
        self._deadline = time.monotonic() + limits.body_timeout

    async def __call__(self) -> Message:
        if self._is_complete:  # waiting for the client to disconnect
            return await self._receive()
        try:
            async with asyncio.timeout(max(0.0, self._deadline - time.monotonic())):
                message = await self._receive()
        except TimeoutError:
            raise RequestError(
                408, "body_timeout",
                _("The body did not arrive within {seconds} s.", seconds=f"{self._limits.body_timeout:g}"),
                {"Connection": "close"},
            ) from None  # fmt: skip
        self._bytes += len(message.get("body", b""))
        self._is_complete = not message.get("more_body", False)
        if self._bytes > self._limits.max_body_bytes:
            raise _body_too_large(self._limits)
        return message


def _body_too_large(limits: Limits) -> RequestError:
    message = _("The body is larger than {n} MB; send less at once.", n=f"{limits.max_body_bytes / 1024**2:g}")
    return RequestError(413, "body_too_large", message, {"Connection": "close"})


async def refuse(error: RequestError, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a request, or a handshake of a WebSocket, with an error."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008, "reason": str(error)[:60]})
        return
    await error.to_response()(scope, receive, send)
