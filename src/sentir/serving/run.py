"""`serve`: runs the app on a socket until it is told to stop."""

from __future__ import annotations

import os
from collections.abc import Mapping

from sentir.i18n import _
from sentir.progress import PROGRESS_VARIABLE
from sentir.recognizer.prediction_mixin import PredictionMixin
from sentir.serving.app import create_app
from sentir.serving.logging import logger, make_log_config
from sentir.serving.settings import ServerSettings, is_loopback

_STREAM_MESSAGE_BYTES = 1024 * 1024


def serve(
    recognizers: Mapping[str, PredictionMixin],
    settings: ServerSettings,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    root_path: str = "",
    graceful_timeout: int = 30,
) -> None:
    """Serve models over HTTP; on SIGTERM or Ctrl-C what was accepted is finished first.

    Args:
        recognizers: name → recognizer, or baseline.
        settings: of the server.
        host: address to listen on.
        port: to listen on; 0 for a free one.
        root_path: prefix under which a proxy serves it, which the proxy strips.
        graceful_timeout: seconds in which open requests may finish.

    Raises:
        SentirError: see `sentir.serving.app.create_app`.
    """
    import uvicorn

    os.environ[PROGRESS_VARIABLE] = "0"
    app = create_app(recognizers, settings)
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        root_path=root_path,
        log_config=make_log_config(),
        server_header=False,
        timeout_graceful_shutdown=graceful_timeout,
        ws_max_size=_STREAM_MESSAGE_BYTES,
    )
    if not is_loopback(host) and not settings.token:
        logger.warning(
            _("The server listens on {host} without a token: whoever reaches it can use it; give --token-file, "
              "or listen on 127.0.0.1 behind a proxy.", host=host)
        )  # fmt: skip
    uvicorn.Server(config).run()
