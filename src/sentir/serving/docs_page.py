"""``/docs``: the addresses of the server as a plain page, made of its OpenAPI document, without scripts."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import HTMLResponse

from sentir.serving.page_routes import page_headers

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Sentir: addresses</title>
<link rel="icon" href="page/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="page/docs.css">
</head>
<body>
<main>
<h1>Addresses</h1>
<p>The <a href="openapi.json">OpenAPI document</a> describes requests and responses. Back to <a href="./">the page</a>.</p>
<table>
<thead><tr><th scope="col">address</th><th scope="col">does</th><th scope="col">takes</th></tr></thead>
<tbody>
{rows}
</tbody>
</table>
</main>
</body>
</html>
"""  # noqa: E501
_STREAM = ("WS", "/v1/stream", "Predict live audio", "Audio in binary messages; JSON events come back.", "")


def add_docs(app: FastAPI) -> None:
    """Add the page to an app; like the OpenAPI document, it is in English."""

    @app.get("/docs", include_in_schema=False)
    async def get_docs(request: Request) -> HTMLResponse:
        rows = "\n".join(_render(*one) for one in _list_operations(request.app))
        return HTMLResponse(_PAGE.format(rows=rows), headers=page_headers())


def _list_operations(app: FastAPI) -> Iterator[tuple[str, str, str, str, str]]:
    """Yield the method, path, summary, description and media types of bodies of each operation."""
    for path, operations in app.openapi()["paths"].items():
        for method, one in operations.items():
            kinds = ", ".join(one.get("requestBody", {}).get("content", ()))
            yield method.upper(), path, one.get("summary", ""), one.get("description", ""), kinds
    yield _STREAM


def _render(method: str, path: str, summary: str, description: str, kinds: str) -> str:
    method, path, summary, description, kinds = map(escape, (method, path, summary, description, kinds))
    about = f"{summary}<br><small>{description}</small>"
    return f'<tr><th scope="row"><code>{method} {path}</code></th><td>{about}</td><td>{kinds}</td></tr>'
