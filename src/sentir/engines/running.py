"""Running the work on all shards, whatever is killed on the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from sentir.engines.local import LocalEngine
from sentir.engines.shards import Engine, Receipt, Shard, Work, load_receipts
from sentir.errors import SentirError
from sentir.i18n import _
from sentir.logs import logger
from sentir.progress import progress_bar

_MAX_KILLS = 2  # of a shard's worker, before the shard is halved


def make_engine(
    name: str = "local", *, workers: int = 1, address: str | None = None, num_gpus: float = 0.0
) -> Engine:
    """Return the engine of a name.

    Args:
        name: ``local`` or ``ray``.
        workers: processes of this machine, of which 1 is this one; Ray takes one per core of its cluster.
        address, num_gpus: see `sentir.engines.ray.RayEngine`.

    Raises:
        SentirError: if there is none of this name, or it takes no such options.
    """
    if name == "ray":
        from sentir.engines.ray import RayEngine

        return RayEngine(address, num_gpus=num_gpus)
    if name != "local":
        raise SentirError(_("'{name}' is no engine; use local or ray.", name=name))
    if address is not None or num_gpus:
        raise SentirError(_("--address and --num-gpus are options of --engine ray."))
    return LocalEngine(workers)


def run_shards(engine: Engine, shards: Sequence[Shard], work: Work, description: str) -> list[Receipt]:
    """Do the work of all shards that have no receipt, and return the receipts of all, in order.

    A shard whose worker was killed twice is halved, until the one unit that kills is found: it is given up and
    becomes a problem.

    Args:
        engine: does the work.
        shards: of different ids.
        work: to do.
        description: of the progress bar.
    """
    finished = {} if work.folder is None else {one.shard: one for one in load_receipts(work.folder)}
    pieces = {shard.id: [shard] for shard in shards}
    kills = Counter[str]()
    pending = [shard for shard in shards if shard.id not in finished]
    with progress_bar(description, len(shards)) as advance:
        advance(len(shards) - len(pending))
        while pending:
            killed = list[Shard]()
            for shard, receipt in engine.map(pending, work):
                if receipt is None:
                    killed.append(shard)
                else:
                    finished[shard.id] = receipt
                    advance(shard.stop is None)
            pending = []
            for shard in killed:
                kills[shard.id] += 1
                pending += _pieces_to_retry(shard, kills[shard.id], work, pieces, finished)
    return [finished[piece.id] for shard in shards for piece in pieces[shard.id]]


def _pieces_to_retry(
    shard: Shard, kills: int, work: Work, pieces: dict[str, list[Shard]], finished: dict[str, Receipt]
) -> list[Shard]:
    """Return what is tried next of a shard whose worker was killed; a single unit is given up instead."""
    if kills < _MAX_KILLS:
        return [shard]
    units = work.count_units(shard)
    if (units if shard.stop is None else shard.stop) - shard.start <= 1:
        why = _("The process that worked on it was killed twice, often for lack of memory.")
        finished[shard.id] = work.give_up(shard, why)
        logger.warning(" ".join((*finished[shard.id].problems[:1],)) or why)
        return []
    halves = [*shard.halve(units)]
    siblings = pieces[shard.id.partition(".")[0]]
    place = siblings.index(shard)
    siblings[place : place + 1] = halves
    return [half for half in halves if half.id not in finished]
