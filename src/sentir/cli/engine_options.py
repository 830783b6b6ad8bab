"""Options of the commands whose work an engine does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from sentir.i18n import _

if TYPE_CHECKING:
    from sentir.api.part_files import PartsRun
    from sentir.engines.shards import Engine

ResumeOption = Annotated[
    bool, typer.Option("--resume", help=_("Go on with a run that was interrupted, or with all shares of a work."))
]
EngineOption = Annotated[str, typer.Option(help=_("Where the work is done: local, or ray for a Ray cluster."))]
AddressOption = Annotated[
    str | None, typer.Option(help=_("Address of the Ray cluster; default: that of the environment."))
]
GpusOption = Annotated[
    float, typer.Option(min=0.0, help=_("GPUs, or the share of one, of each worker on a Ray cluster."))
]
ShareOption = Annotated[
    str | None,
    typer.Option("--shard", metavar="I/N", help=_("Do only part I of N of the work, as a job of an array.")),
]
PartWorkersOption = Annotated[
    int, typer.Option(min=1, help=_("Worker processes; default: none but this process."))
]


def make_parts_run(
    resume: bool, workers: int, engine: str, address: str | None, num_gpus: float, shard: str | None
) -> PartsRun | None:
    """Return how a file is written in parts; ``None`` if no option was given.

    Raises:
        SentirError: if an option has an invalid value.
    """
    if not resume and (workers, engine, address, num_gpus, shard) == (1, "local", None, 0.0, None):
        return None
    from sentir.api.part_files import PartsRun
    from sentir.engines.running import make_engine
    from sentir.engines.shards import Share

    made = make_engine(engine, workers=workers, address=address, num_gpus=num_gpus)
    return PartsRun(made, Share.parse(shard), resume)


def make_other_engine(engine: str, address: str | None, num_gpus: float) -> Engine | None:
    """Return an engine other than this machine's; ``None`` for that one.

    Raises:
        SentirError: as `make_parts_run`.
    """
    from sentir.engines.running import make_engine

    made = make_engine(engine, address=address, num_gpus=num_gpus)
    return None if engine == "local" else made
