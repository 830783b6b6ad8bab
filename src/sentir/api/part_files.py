"""Files written part by part: each shard is a part in the folder ``NAME.parts``; together they become it."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sentir.api.loading import as_model, hash_model, load
from sentir.engines.local import LocalEngine
from sentir.engines.running import run_shards
from sentir.engines.shards import Engine, Receipt, Shard, Share, Work
from sentir.i18n import get_language
from sentir.io import make_writable_folder, write_errors
from sentir.paths import PathLike
from sentir.preflight import read_saved_table_settings, require_files, require_model
from sentir.recognizer.hub import find_model
from sentir.recognizer.input_shards import InputReader, plan_shards
from sentir.recognizer.inputs import InputColumns

if TYPE_CHECKING:
    from sentir.api.loading import Model

_VERSION = 1  # of parts: raised when what they hold changes


@dataclass(frozen=True)
class PartsRun:
    """How a file is written in parts.

    Attributes:
        engine: does the work.
        share: of the work that is done; unless it is all, parts are written, but no file.
        resume: whether finished parts of an earlier run with the same inputs, model and settings are kept.
    """

    engine: Engine = field(default_factory=LocalEngine)
    share: Share = field(default_factory=Share)
    resume: bool = False


@dataclass(frozen=True)
class ModelWork:
    """What the parts of predictions and embeddings have in common.

    Attributes:
        model: folder of the model.
        reader: reads the inputs of shards.
        available: the modalities of all inputs.
        folder: of the parts.
        provider: execution provider of an exported model.
    """

    model: Path
    reader: InputReader
    available: frozenset[str]
    folder: Path
    provider: str = "cpu"

    def load(self) -> Model:
        """Return the model."""
        return as_model(self.model) if self.provider == "cpu" else load(self.model, provider=self.provider)

    def count_units(self, shard: Shard) -> int:
        """Return the number of dialogues and single inputs of a whole shard."""
        return self.reader.count_units(shard)


MakeWork = Callable[[Path, InputReader, frozenset[str], Path], Work]
"""Makes the work for a model, a reader of inputs, their modalities and the folder of parts."""


def run_in_parts(
    model: PathLike,
    items: Sequence[object],
    path: Path,
    make_work: MakeWork,
    *,
    columns: InputColumns | Mapping[str, Any] | None,
    settings: Any,
    run: PartsRun,
    description: str,
    is_whole: bool = False,
) -> list[Receipt]:
    """Write the parts of a file, and return their receipts, in order.

    Args:
        model: folder or hub id.
        items: see `sentir.recognizer.input_shards.plan_shards`.
        path: the file.
        make_work: see `MakeWork`.
        columns: of tables.
        settings: what else the parts depend on.
        run: how they are written.
        description: of the progress bar.
        is_whole: whether all inputs must be in one part.
    """
    folder = find_model(model)
    require_model(folder)
    require_files([item for item in items if isinstance(item, Path)])
    reader = InputReader(InputColumns.of(columns), read_saved_table_settings(folder))
    facts = (_VERSION, hash_model(folder), reader, settings, get_language())
    shards = plan_shards(items, reader, facts)
    available = reader.list_modalities(shards)
    if is_whole and len(shards) > 1:
        digest = hashlib.sha256("".join(shard.id for shard in shards).encode()).hexdigest()[:32]
        shards = [Shard(digest, tuple(one for shard in shards for one in shard.references))]
    parts = parts_folder(path)
    if run.share.is_all and not run.resume:
        shutil.rmtree(parts, ignore_errors=True)
    with write_errors(path):
        make_writable_folder(parts)
    try:
        return run_shards(
            run.engine, run.share.of(shards), make_work(folder, reader, available, parts), description
        )
    finally:
        if not any(os.scandir(parts)):
            parts.rmdir()


def parts_folder(path: Path) -> Path:
    """Return the folder of the parts of a file."""
    return path.with_name(f"{path.name}.parts")


def group_pieces(receipts: Iterable[Receipt]) -> Iterator[list[Receipt]]:
    """Yield the receipts of each shard: one, or those of its pieces if it was cut."""
    for _root, pieces in groupby(receipts, lambda receipt: receipt.shard.partition(".")[0]):
        yield list(pieces)
