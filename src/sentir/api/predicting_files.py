"""The verb that predicts into a file, in memory that does not grow with the number of inputs."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from heapq import merge
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sentir.api.part_files import ModelWork, PartsRun, group_pieces, parts_folder, run_in_parts
from sentir.api.prediction_files import require_known_suffix, write_prediction_table
from sentir.audio.extraction import EXTRACTION_VERSION
from sentir.corpus.predictions import Prediction
from sentir.engines.shards import Receipt, Shard
from sentir.i18n import _
from sentir.io import atomic_write, write_errors
from sentir.paths import PathLike
from sentir.recognizer.enrollment import Enrollment, FromInputs, SpeakerProfiles
from sentir.recognizer.inputs import InputColumns, Inputs
from sentir.recognizer.predicting import make_problem, predict_inputs
from sentir.recognizer.prediction_tables import TableRow, TableSummary, make_prediction_table, make_table_row

if TYPE_CHECKING:
    from sentir.api.loading import Model


@dataclass(frozen=True, slots=True)
class WrittenPredictions:
    """What was written.

    Attributes:
        path: the table.
        rows: how many predictions were made, of all inputs or of this share.
        problems: how many inputs could not be predicted.
        notes: how many predictions have notes.
        column_names: name of a predicted column → its name in the table; empty if only a share was predicted.
    """

    path: Path
    rows: int
    problems: int
    notes: int
    column_names: Mapping[str, str]


@dataclass(frozen=True)
class _PredictionSettings:
    """What predictions depend on besides model and inputs; see `predict_to_file`."""

    abstain: bool = False
    max_error: float | None = None
    enroll: object = None
    enroll_inputs: bool = False

    def describe(self) -> Any:
        """Return what identifies it."""
        enroll = self.enroll.digest() if isinstance(self.enroll, SpeakerProfiles) else repr(self.enroll)
        return EXTRACTION_VERSION, self.abstain, self.max_error, enroll, self.enroll_inputs


@dataclass(frozen=True)
class _PredictionWork(ModelWork):
    settings: _PredictionSettings = _PredictionSettings()

    def open(self) -> Callable[[Shard], Receipt]:
        """Load the model."""
        model = self.load()
        from_inputs: FromInputs | None = "others" if self.settings.enroll_inputs else None
        return partial(self._predict, model, model.make_enrollment(self.settings.enroll, from_inputs))

    def _predict(self, model: Model, enrollment: Enrollment | None, shard: Shard) -> Receipt:
        inputs = self.reader.read(shard)
        predictions = predict_inputs(
            model,
            Inputs([one for _place, one in inputs]),
            abstain=self.settings.abstain,
            max_error=self.settings.max_error,
            enrollment=enrollment,
            available=self.available,
        )
        return self._write(shard, [place for place, _one in inputs], predictions)

    def give_up(self, shard: Shard, why: str) -> Receipt:
        """Write the problem as that of all rows of a shard."""
        inputs = self.reader.read(shard)
        receipt = self._write(
            shard, [place for place, _one in inputs], [make_problem(one, why) for _n, one in inputs]
        )
        receipt.save(self.folder)
        return receipt

    def _write(self, shard: Shard, places: Sequence[int], predictions: Iterable[Prediction]) -> Receipt:
        rows = list(map(make_table_row, predictions))
        path = self.folder / f"{shard.id}.jsonl"
        with write_errors(path), atomic_write(path) as draft, draft.open("w", encoding="utf-8") as file:
            for place, row in zip(places, rows, strict=True):
                file.write(json.dumps((place, row)) + "\n")
        summary = asdict(TableSummary.of(rows))
        problems = dict.fromkeys(problem for _cells, _values, problem, _notes, _table in rows if problem)
        counts = {name: summary[name] for name in ("rows", "problems", "notes")}
        return Receipt(shard.id, counts=counts, problems=tuple(problems)[:3], facts={"summary": summary})


class _PartRows:
    """The rows of finished parts, in order."""

    def __init__(self, folder: Path, receipts: Sequence[Receipt]) -> None:
        self._folder, self._receipts = folder, receipts

    def __iter__(self) -> Iterator[TableRow]:
        for pieces in group_pieces(self._receipts):
            parts = [map(json.loads, self._lines(one)) for one in pieces]
            yield from (row for _place, row in merge(*parts, key=lambda line: line[0]))

    def _lines(self, receipt: Receipt) -> Iterator[str]:
        with (self._folder / f"{receipt.shard}.jsonl").open(encoding="utf-8") as file:
            yield from file


def predict_to_file(
    model: PathLike,
    items: Sequence[object],
    path: PathLike,
    *,
    columns: InputColumns | Mapping[str, Any] | None = None,
    abstain: bool = False,
    max_error: float | None = None,
    enroll: object = None,
    enroll_inputs: bool = False,
    provider: str = "cpu",
    run: PartsRun | None = None,
) -> WrittenPredictions:
    """Predict texts, files, folders and tables into the table that `sentir.write_predictions` writes.

    Inputs are read, predicted and written in parts of about 10,000 texts or 30 minutes of audio, kept in
    the folder ``NAME.parts`` until the table is complete.

    Args:
        model: folder or hub id of a model.
        items: texts, and the `Path` of existing files, folders and tables.
        path: the table to write.
        columns, abstain, max_error, enroll: see `sentir.predict`.
        enroll_inputs: see `sentir.predict`; all inputs are then predicted in one part, in memory.
        provider: execution provider of an exported model.
        run: engine, share and resumption.

    Raises:
        SentirError: as `sentir.predict` and `sentir.write_predictions`.
    """
    path, run = Path(path), run or PartsRun()
    require_known_suffix(path)
    settings = _PredictionSettings(abstain, max_error, enroll, enroll_inputs)
    receipts = run_in_parts(
        model, items, path, partial(_PredictionWork, provider=provider, settings=settings),
        columns=columns, settings=settings.describe(), run=run, description=_("Parts"), is_whole=enroll_inputs,
    )  # fmt: skip
    summary = TableSummary()
    for receipt in receipts:
        summary += TableSummary(**receipt.facts["summary"])
    names: Mapping[str, str] = {}
    if run.share.is_all:
        rows = _PartRows(parts_folder(path), receipts)
        names = write_prediction_table(make_prediction_table(rows, summary), path)
        shutil.rmtree(parts_folder(path))
    return WrittenPredictions(path, summary.rows, summary.problems, summary.notes, names)
