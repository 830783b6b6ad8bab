"""A small local web server that serves one file, with or without failures."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Served:
    """What the server sends, and how.

    Attributes:
        cuts: after how many bytes each of the first responses breaks off.
        codes: status codes of the first responses, instead of the file.
        ranges: whether it supports range requests.
        sends_size: whether it sends the length of the file.
        requested_ranges: the ``Range`` header of every request.
    """

    content: bytes
    cuts: list[int] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)
    ranges: bool = True
    sends_size: bool = True
    requested_ranges: list[str | None] = field(default_factory=list)
    url: str = ""


@contextmanager
def serving(served: Served):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            requested = self.headers.get("Range")
            served.requested_ranges.append(requested)
            if served.codes:
                self.send_error(served.codes.pop(0))
                return
            start = int(requested.removeprefix("bytes=").rstrip("-")) if requested and served.ranges else 0
            size = len(served.content)
            if start >= size:
                self.send_error(416)
                return
            body = served.content[start:]
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
            if served.sends_size:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: served.cuts.pop(0)] if served.cuts else body)

        def log_message(self, *_arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    served.url = f"http://127.0.0.1:{server.server_port}/corpus.tar.gz"
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
