"""A server in a thread, on a port that stays the same when it is stopped and started again."""

import socket
import threading
import time

import uvicorn

from sentir.serving.app import create_app


class LiveServer:
    """Serves models until it is stopped."""

    def __init__(self, recognizers, settings):
        self._recognizers, self._settings = recognizers, settings
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]

    @property
    def address(self):
        return f"http://127.0.0.1:{self.port}/"

    def start(self):
        """Serve, and return when requests are taken."""
        config = uvicorn.Config(
            create_app(self._recognizers, self._settings),
            port=self.port,
            log_level="error",
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        while not self._server.started:
            time.sleep(0.02)
        return self

    def stop(self):
        """End, also the connections that are open."""
        self._server.should_exit = True
        self._thread.join(20)
        assert not self._thread.is_alive()
