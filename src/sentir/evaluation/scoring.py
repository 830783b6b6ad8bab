"""Scores of a model, from predictions and labels matched by utterance id, and the files that keep them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from sentir.corpus.fingerprints import hash_ids
from sentir.corpus.labels import Label, LabelSpace
from sentir.corpus.predictions import Predictions
from sentir.errors import PredictionsError, SentirError
from sentir.evaluation.intervals import (
    compute_label_f1_intervals,
    compute_ranking_intervals,
    score_with_intervals,
)
from sentir.evaluation.jackknife import Interval
from sentir.evaluation.metrics import AT_HALF_SUFFIX, compute_confusion_matrix, count_metrics, score_per_label
from sentir.evaluation.metrics.multilabel import LABEL_RANKING_METRICS
from sentir.evaluation.results import Comparison, LabelScore, ModelScores, Run, Score
from sentir.i18n import _
from sentir.io import write_errors, write_text
from sentir.safe_text import json_dumps

ResultRow = TypeVar("ResultRow")


def score_model(
    *,
    space: LabelSpace,
    labels: Mapping[str, tuple[Label, ...]],
    predictions: Sequence[Predictions],
    thresholds: Sequence[NDArray[np.floating] | None],
    groups: Mapping[str, str],
    model: str,
    role: str,
    corpus: str,
    split: str,
    confidence_level: float,
    notes: Sequence[str] = (),
    family: str = "",
    cluster_unit: str = "dialogue",
) -> ModelScores:
    """Score one model, trained with one or more seeds, on exactly the utterances in ``labels``.

    With thresholds (multi-label tasks), every metric that depends on them is followed by the same at 0.5.

    Args:
        space: of the task.
        labels: id → labels, or number, of the task.
        predictions: one per seed; they may include other utterances, in any order.
        thresholds: one per seed, ``(K,)`` or none.
        groups: id → dialogue or speaker (see ``cluster_unit``), over which intervals are computed.
        model, role, corpus, split, notes, family, cluster_unit: as in `ModelScores`.
        confidence_level: mass of the intervals.

    Raises:
        PredictionsError: if an utterance has no prediction or no dialogue, or the predictions do not fit.
    """
    ids, truth, runs, dialogues = align_by_id(space, labels, predictions, thresholds, groups)
    intervals = compute_label_f1_intervals(space, truth, runs, dialogues, confidence_level=confidence_level)
    matrices = [compute_confusion_matrix(space, truth, p) for p, _thresholds in runs]
    known = [matrix for matrix in matrices if matrix is not None]
    return ModelScores(
        model=model,
        role=role,
        corpus=corpus,
        task=space.task,
        split=split,
        n=len(ids),
        num_seeds=len(runs),
        metrics=_score_metrics(space, truth, runs, dialogues, confidence_level),
        per_label=_mean_per_label(_score_labels(space, truth, runs), intervals),
        confusion_matrix=tuple(tuple(row) for row in np.mean(known, axis=0).tolist()) if known else None,
        thresholds=_mean_thresholds(space, thresholds),
        ids_hash=hash_ids(ids),
        notes=tuple(notes),
        family=family,
        num_clusters=len(set(dialogues)),
        cluster_unit=cluster_unit,
    )


def align_by_id(
    space: LabelSpace,
    labels: Mapping[str, tuple[Label, ...]],
    predictions: Sequence[Predictions],
    thresholds: Sequence[NDArray[np.floating] | None],
    groups: Mapping[str, str],
) -> tuple[tuple[str, ...], NDArray, list[Run], list[str]]:
    """Match labels, predictions and groups by id; arguments as in `score_model`.

    An utterance with an empty group is a group of its own.

    Returns:
        The N sorted ids, the encoded truth, one run per seed, and N group keys.

    Raises:
        PredictionsError: if an utterance has no prediction or no dialogue, or the predictions do not fit.
    """
    if len(thresholds) != len(predictions):
        raise PredictionsError(
            _(
                "{thresholds} sets of thresholds do not fit the predictions of {seeds} seeds.",
                thresholds=len(thresholds),
                seeds=len(predictions),
            )
        )
    for one in predictions:
        if one.label_space != space:
            raise PredictionsError(
                _(
                    "The predictions are for the labels {theirs} of '{task}', the utterances have {ours}.",
                    theirs=", ".join(one.label_space.names),
                    task=one.label_space.task,
                    ours=", ".join(space.names),
                )
            )
    ids = tuple(sorted(labels))
    if lost := [key for key in ids if key not in groups]:
        raise PredictionsError(
            _("{n} utterances have no dialogue, the first is '{id}'.", n=len(lost), id=lost[0])
        )
    runs: list[Run] = [
        (one.select(ids).probabilities, own) for one, own in zip(predictions, thresholds, strict=True)
    ]
    truth: NDArray = space.encode(labels[key] for key in ids)
    return ids, truth, runs, [groups[key] or key for key in ids]


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


def _score_metrics(
    space: LabelSpace, truth: NDArray, runs: Sequence[Run], groups: Sequence[str], confidence_level: float
) -> dict[str, Score]:
    """Return every metric with its interval; with thresholds, followed by the same at 0.5."""
    metrics = score_with_intervals(space, truth, runs, groups, confidence_level=confidence_level)
    intervals = compute_ranking_intervals(space, truth, runs, groups, confidence_level=confidence_level)
    known = {name: interval for name, interval in intervals.items() if name in metrics}
    metrics |= {name: replace(metrics[name], low=low, high=high) for name, (low, high) in known.items()}
    if all(thresholds is None for _p, thresholds in runs):
        return metrics
    at_half = score_with_intervals(
        space, truth, [(p, None) for p, _thresholds in runs], groups, confidence_level=confidence_level
    )
    return _interleave_at_half(metrics, {name: at_half[name] for name in count_metrics(space)})


def _score_labels(space: LabelSpace, truth: NDArray, runs: Sequence[Run]) -> list[list[LabelScore]]:
    """Return the scores of each label for each run; with thresholds, followed by the same at 0.5."""
    tuned = [score_per_label(space, truth, p, thresholds) for p, thresholds in runs]
    if all(thresholds is None for _p, thresholds in runs):
        return tuned
    at_half = [score_per_label(space, truth, p) for p, _thresholds in runs]
    return [
        [_interleave_label_at_half(*pair) for pair in zip(*run, strict=True)]
        for run in zip(tuned, at_half, strict=True)
    ]


def _interleave_at_half(tuned: Mapping[str, Any], at_half: Mapping[str, Any]) -> dict[str, Any]:
    """Insert each metric at 0.5 after the same at tuned thresholds."""
    interleaved: dict[str, Any] = {}
    for name, value in tuned.items():
        interleaved[name] = value
        if name in at_half:
            interleaved[f"{name}{AT_HALF_SUFFIX}"] = at_half[name]
    return interleaved


def _interleave_label_at_half(tuned: LabelScore, at_half: LabelScore) -> LabelScore:
    dependent = {name: value for name, value in at_half.metrics.items() if name not in LABEL_RANKING_METRICS}
    return replace(tuned, metrics=_interleave_at_half(tuned.metrics, dependent))


def _mean_per_label(
    runs: Sequence[Sequence[LabelScore]], intervals: Sequence[Interval]
) -> tuple[LabelScore, ...]:
    return tuple(
        LabelScore(
            same[0].label,
            same[0].support,
            {name: float(np.mean([one.metrics[name] for one in same])) for name in same[0].metrics},
            None if low is None or high is None else (low, high),
        )
        for *same, (low, high) in zip(*runs, intervals, strict=True)
    )


def _mean_thresholds(
    space: LabelSpace, thresholds: Sequence[NDArray[np.floating] | None]
) -> dict[str, float] | None:
    if all(own is None for own in thresholds):
        return None
    mean = np.mean([np.full(len(space), 0.5) if own is None else own for own in thresholds], axis=0)
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
