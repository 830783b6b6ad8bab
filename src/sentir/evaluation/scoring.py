"""Scores of a model, and the files that keep them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from sentir.corpus.fingerprints import hash_ids
from sentir.corpus.labels import LabelSpace
from sentir.errors import SentirError
from sentir.evaluation.aligned import AlignedRuns
from sentir.evaluation.intervals import (
    compute_label_f1_intervals,
    compute_ranking_intervals,
    score_soft_labels_with_intervals,
    score_with_intervals,
)
from sentir.evaluation.metrics import AT_HALF_SUFFIX, compute_confusion_matrix, count_metrics, score_per_label
from sentir.evaluation.metrics.multilabel import LABEL_RANKING_METRICS
from sentir.evaluation.results import Comparison, LabelScore, ModelScores, Score
from sentir.i18n import _, gettext_noop
from sentir.io import write_errors, write_text
from sentir.safe_text import json_dumps

ResultRow = TypeVar("ResultRow")
_SOFT_LABELS_NOTE = gettext_noop("utterances with raters' votes or intensities")


def score_model(
    aligned: AlignedRuns,
    *,
    model: str,
    role: str,
    corpus: str,
    split: str,
    notes: Sequence[str] = (),
    family: str = "",
    cluster_unit: str = "dialogue",
) -> ModelScores:
    """Score one model, trained with one or more seeds; the names are those of `ModelScores`.

    With thresholds (multi-label tasks), every metric that depends on them is followed by the same at 0.5. With
    raters' votes or intensities, those against them come last.
    """
    space, thresholds = aligned.space, [own for _p, own in aligned.runs]
    at_half = None
    if any(own is not None for own in thresholds):
        at_half = replace(aligned, runs=[(p, None) for p, _thresholds in aligned.runs])
    matrices = [compute_confusion_matrix(space, aligned.truth, p) for p, _thresholds in aligned.runs]
    known = [matrix for matrix in matrices if matrix is not None]
    return ModelScores(
        model=model,
        role=role,
        corpus=corpus,
        task=space.task,
        split=split,
        n=len(aligned),
        num_seeds=len(aligned.runs),
        metrics=_score_metrics(aligned, at_half) | score_soft_labels_with_intervals(aligned),
        per_label=_score_labels(aligned, at_half),
        confusion_matrix=tuple(tuple(row) for row in np.mean(known, axis=0).tolist()) if known else None,
        thresholds=_mean_thresholds(space, thresholds) if at_half else None,
        ids_hash=hash_ids(aligned.ids),
        notes=(*notes, *_soft_label_notes(aligned)),
        family=family,
        num_clusters=len(set(aligned.groups)),
        cluster_unit=cluster_unit,
    )


def _soft_label_notes(aligned: AlignedRuns) -> tuple[str, ...]:
    if aligned.soft_labels is None or not (missing := np.isnan(aligned.soft_labels).any(axis=1)).any():
        return ()
    return (f"{_SOFT_LABELS_NOTE}: {int((~missing).sum())}",)


def write_results(path: Path, scores: Sequence[ModelScores], comparisons: Sequence[Comparison]) -> None:
    """Write the scores as a JSON list to ``path`` and the comparisons to ``comparisons.json`` in the same folder.

    Each file is written atomically.

    Raises:
        SentirError: if the folder cannot be written.
    """
    write_rows(path, scores)
    write_rows(_comparisons_path(path), comparisons)


def read_results(path: Path) -> tuple[tuple[ModelScores, ...], tuple[Comparison, ...]]:
    """Read the files of `write_results`.

    Raises:
        SentirError: if a file is missing or is not a results file; the message names it.
    """
    return (
        read_rows(path, ModelScores),
        read_rows(_comparisons_path(path), Comparison),
    )


def _score_metrics(aligned: AlignedRuns, at_half: AlignedRuns | None) -> dict[str, Score]:
    """Return every metric with its interval; with thresholds, followed by the same at 0.5."""
    metrics = score_with_intervals(aligned)
    for name, (low, high) in compute_ranking_intervals(aligned).items():
        if name in metrics:
            metrics[name] = replace(metrics[name], low=low, high=high)
    if at_half is None:
        return metrics
    scores = score_with_intervals(at_half)
    return _interleave_at_half(metrics, {name: scores[name] for name in count_metrics(aligned.space)})


def _score_labels(aligned: AlignedRuns, at_half: AlignedRuns | None) -> tuple[LabelScore, ...]:
    """Return the scores of each label, means over runs; with thresholds, followed by the same at 0.5."""
    rows = _mean_per_label(aligned)
    if at_half is not None:
        rows = [
            replace(row, metrics=_interleave_at_half(
                row.metrics, {k: v for k, v in half.metrics.items() if k not in LABEL_RANKING_METRICS}
            ))
            for row, half in zip(rows, _mean_per_label(at_half), strict=True)
        ]  # fmt: skip
    intervals = compute_label_f1_intervals(aligned)
    return tuple(
        replace(row, interval=None if low is None or high is None else (low, high))
        for row, (low, high) in zip(rows, intervals, strict=True)
    )


def _mean_per_label(aligned: AlignedRuns) -> list[LabelScore]:
    runs = [score_per_label(aligned.space, aligned.truth, *run) for run in aligned.runs]
    return [
        replace(
            label[0],
            metrics={k: float(np.mean([one.metrics[k] for one in label])) for k in label[0].metrics},
        )
        for label in zip(*runs, strict=True)
    ]


def _interleave_at_half(tuned: Mapping[str, Any], at_half: Mapping[str, Any]) -> dict[str, Any]:
    """Insert each metric at 0.5 after the same at tuned thresholds."""
    pairs = (((k, v), (f"{k}{AT_HALF_SUFFIX}", at_half.get(k))) for k, v in tuned.items())
    return {name: value for pair in pairs for name, value in pair if value is not None}


def _mean_thresholds(space: LabelSpace, thresholds: Sequence[NDArray[np.floating] | None]) -> dict[str, float]:
    given = [np.full(len(space), 0.5) if own is None else np.atleast_2d(own).mean(axis=0) for own in thresholds]
    mean = np.mean(given, axis=0)
    return dict(zip(space.names, mean.tolist(), strict=True))


def _comparisons_path(path: Path) -> Path:
    return path.with_name("comparisons.json")


def write_rows(path: Path, rows: Sequence[Any]) -> None:
    """Write dataclasses atomically as a JSON list; the folder is created if needed.

    Raises:
        SentirError: if it cannot be written.
    """
    plain = [asdict(one) for one in rows]
    text = json_dumps(plain, indent=2, allow_nan=False) + "\n"
    with write_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, text)


def read_rows(path: Path, row_type: type[ResultRow]) -> tuple[ResultRow, ...]:
    """Read a file of `write_rows`.

    Raises:
        SentirError: if the file is missing or is not a list of such rows; the message names it.
    """
    try:
        return tuple(TypeAdapter(list[row_type]).validate_json(path.read_bytes()))  # type: ignore[valid-type]
    except OSError as error:
        raise SentirError(_("{path} cannot be read: {why}.", path=path, why=error.strerror)) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or _("top level")
        raise SentirError(
            _("{path} is not a results file of Sentir: {where}: {why}.", path=path, where=where, why=first["msg"])
        ) from error
