"""What the routes of an app share."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends
from starlette.requests import HTTPConnection

from sentir.serving.jobs import Jobs
from sentir.serving.metrics import Metrics
from sentir.serving.models import ServedModel
from sentir.serving.settings import ServerSettings


@dataclass
class ServerState:
    """The state of a server.

    Attributes:
        models: by name.
        settings: of the server.
        metrics: that it measures.
        decoders: threads that decode audio.
        jobs: that make timelines.
        streamers: threads of streams.
        is_ready: whether it takes requests; it does not while it shuts down.
        num_streams: that are open.
    """

    models: dict[str, ServedModel]
    settings: ServerSettings
    metrics: Metrics
    decoders: ThreadPoolExecutor
    jobs: Jobs
    streamers: ThreadPoolExecutor
    is_ready: bool = False
    num_streams: int = 0


def get_state(connection: HTTPConnection) -> ServerState:
    """Return the state of the app that handles a request."""
    return cast(ServerState, connection.app.state.server)


State = Annotated[ServerState, Depends(get_state)]
