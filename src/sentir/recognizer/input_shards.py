"""What a user gives for prediction → shards of references to it, which any process can read."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sentir.engines.shards import Shard
from sentir.errors import CorpusError
from sentir.files.media_files import is_media_file
from sentir.files.remote_files import RemoteFile
from sentir.files.tables import is_dataset
from sentir.i18n import _
from sentir.recognizer.input_items import ItemReader
from sentir.recognizer.inputs import (
    InputColumns,
    PredictionInput,
    input_from_file,
    input_from_remote_file,
    list_clips,
    require_input,
)
from sentir.recognizer.table_shards import (
    SECONDS_PER_SHARD,
    TEXTS_PER_SHARD,
    TableRows,
    cut_table,
    estimate_seconds,
    weigh_file,
)

Reference = tuple[int, Any]
"""The number of an item among those of a call, and a file, rows of a table, or any other item itself."""


@dataclass(frozen=True)
class InputReader:
    """Reads the inputs of shards.

    Attributes:
        columns: of tables.
        table_settings: the section ``data.table`` of the model's recipe.
    """

    columns: InputColumns = field(default_factory=InputColumns)
    table_settings: Mapping[str, Any] = field(default_factory=dict)

    def read(self, shard: Shard) -> list[tuple[int, PredictionInput]]:
        """Return the inputs of a shard, each with its place in the whole shard.

        Raises:
            SentirError: if a table cannot be read.
        """
        inputs = list(enumerate(one for reference in shard.references for one in self._read(*reference)))
        if shard.stop is None:
            return inputs
        units = self._number_units(inputs)
        return [(n, one) for n, one in inputs if shard.start <= units[one.utterance.dialogue] < shard.stop]

    def count_units(self, shard: Shard) -> int:
        """Return the number of dialogues and single inputs of a whole shard."""
        whole = Shard(shard.id, shard.references)
        return len(self._number_units(self.read(whole)))

    def list_modalities(self, shards: Iterable[Shard]) -> frozenset[str]:
        """Return the modalities of what shards refer to: ``text``, ``audio`` or both."""
        return frozenset[str]().union(*(self._modalities(item) for one in shards for _n, item in one.references))

    def _modalities(self, item: Any) -> frozenset[str]:
        if isinstance(item, TableRows):
            return item.modalities
        return frozenset({"audio"}) if isinstance(item, Path | RemoteFile) else self._read(1, item)[0].modalities

    def _read(self, number: int, item: Any) -> list[PredictionInput]:
        if isinstance(item, TableRows):
            return item.read(self.columns, self.table_settings)
        if isinstance(item, RemoteFile):
            return [input_from_remote_file(item)]
        return [input_from_file(item) if isinstance(item, Path) else ItemReader(None).read(number, item)]

    def _number_units(self, inputs: Iterable[tuple[int, PredictionInput]]) -> dict[str, int]:
        return {key: n for n, key in enumerate(dict.fromkeys(one.utterance.dialogue for _place, one in inputs))}


def plan_shards(items: Iterable[object], reader: InputReader, facts: Any) -> list[Shard]:
    """Cut what a user gives into shards, in order.

    Args:
        items: texts, dictionaries of a text and a file, the paths of existing files, folders and tables, and
            files and folders at addresses.
        reader: reads tables.
        facts: of model and settings, which the ids of the shards depend on.

    Raises:
        CorpusError: if a file is given twice or cannot be predicted, or a table cannot be read.
    """
    shards = list[Shard]()
    pending, weight, digest = list[Reference](), 0.0, hashlib.sha256()

    def finish() -> None:
        nonlocal pending, weight, digest
        if pending:
            facts_of_shard = repr((facts, len(shards), digest.hexdigest()))
            shards.append(Shard(hashlib.sha256(facts_of_shard.encode()).hexdigest()[:32], tuple(pending)))
        pending, weight, digest = [], 0.0, hashlib.sha256()

    for number, item, own_weight, own_digest in _weigh(_list_references(items, reader)):
        if pending and weight + own_weight > 1:
            finish()
        pending.append((number, item))
        weight += own_weight
        digest.update(own_digest.encode())
    finish()
    return shards


def _list_references(items: Iterable[object], reader: InputReader) -> Iterator[Reference]:
    """Yield the references of items: the clips of folders one by one, and the parts of tables."""
    seen = Counter[str]()
    for number, item in enumerate(items, start=1):
        if not isinstance(item, Path | RemoteFile):
            yield number, item
            continue
        for one in _expand(item, reader):
            name = f"{one.path}:{one.start.row}" if isinstance(one, TableRows) else str(one)
            seen[name] += 1
            if seen[name] > 1:
                raise CorpusError(_("{id} is given twice; give each file and each id once.", id=name))
            yield number, one


def _expand(item: Path | RemoteFile, reader: InputReader) -> Iterable[Any]:
    """Return the clips of a file or folder, or the parts of a table."""
    if isinstance(item, RemoteFile):
        return item.list_clips()
    require_input(item)
    if item.is_dir() and not is_dataset(item):
        return list_clips(item)
    return [item] if is_media_file(item) else cut_table(item, reader.columns, reader.table_settings)


def _weigh(references: Iterable[Reference]) -> Iterator[tuple[int, Any, float, str]]:
    """Yield references with their shares of a full shard, and hashes of what they refer to."""
    for number, item in references:
        if isinstance(item, TableRows):
            yield number, item, 1.0, f"{item.path}\n{item.digest}\n{item.start}"
        elif isinstance(item, RemoteFile):
            seconds = estimate_seconds(item.url, item.size)
            yield number, item, seconds / SECONDS_PER_SHARD, f"{item.url}\n{item.version}\n"
        elif isinstance(item, Path):
            seconds, status = weigh_file(item)
            yield number, item, seconds / SECONDS_PER_SHARD, f"{item}\n{status}\n"
        else:
            yield number, item, 1 / TEXTS_PER_SHARD, f"{number}\n{item!r}\n"
