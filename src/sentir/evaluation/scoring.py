"""From predictions and labels, joined by id, to the rows of ``results.json``."""

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
from sentir.evaluation.results import Comparison, LabelScore, ModelScores, Run, Score
from sentir.i18n import _
from sentir.io import write_text
from sentir.safe_text import json_dumps

ResultRow = TypeVar("ResultRow")
_THRESHOLD_FREE = ("auc", "average_precision")  # of a label, whatever its threshold


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

    Where several labels have thresholds, every metric that needs them stands beside the same at 0.5.

    Args:
        labels: id → label names of the task, or its number.
        predictions: one per seed; they may hold more utterances, in any order.
        thresholds: one per seed, ``(K,)`` or none.
        groups: id → dialogue or speaker, whatever ``cluster_unit`` says; the intervals are over these.

    Raises:
        PredictionsError: if an utterance has no prediction or no dialogue, or the predictions do not fit.
    """
    ids, truth, runs, dialogues = align_by_id(space, labels, predictions, thresholds, groups)
    bounds = compute_label_f1_intervals(space, truth, runs, dialogues, confidence_level=confidence_level)
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
        per_label=_mean_per_label(_score_labels(space, truth, runs), bounds),
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
    """Join by id what `score_model` and `sentir.evaluation.comparison.compare` need, in the order of sorted ids.

    An utterance whose dialogue is empty stands alone.

    Returns:
        The N ids, the encoded truth, one run per seed, and N dialogue keys.

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
        (one.select(ids).probabilities, cuts) for one, cuts in zip(predictions, thresholds, strict=True)
    ]
    truth: NDArray = space.encode(labels[key] for key in ids)
    return ids, truth, runs, [groups[key] or key for key in ids]


def write_results(path: Path, scores: Sequence[ModelScores], comparisons: Sequence[Comparison]) -> None:
    """Write the scores as a JSON list of rows to ``path`` and the comparisons to ``comparisons.json`` beside it.

    Each file is written whole or not at all.

    Raises:
        SentirError: if the folder cannot be written.
    """
    write_rows(path, scores)
    write_rows(_comparisons_path(path), comparisons)


def read_results(path: Path) -> tuple[tuple[ModelScores, ...], tuple[Comparison, ...]]:
    """Read what `write_results` wrote.

    Raises:
        SentirError: if a file is missing or is not ours; the message names it.
    """
    return (
        read_rows(path, ModelScores),
        read_rows(_comparisons_path(path), Comparison),
    )


def _score_metrics(
    space: LabelSpace, truth: NDArray, runs: Sequence[Run], groups: Sequence[str], confidence_level: float
) -> dict[str, Score]:
    """Return every metric with its interval and, where there are thresholds, beside it the same at 0.5."""
    metrics = score_with_intervals(space, truth, runs, groups, confidence_level=confidence_level)
    ranks = compute_ranking_intervals(space, truth, runs, groups, confidence_level=confidence_level)
    known = {name: bounds for name, bounds in ranks.items() if name in metrics}
    metrics |= {name: replace(metrics[name], low=low, high=high) for name, (low, high) in known.items()}
    if all(cuts is None for _p, cuts in runs):
        return metrics
    plain = score_with_intervals(
        space, truth, [(p, None) for p, _cuts in runs], groups, confidence_level=confidence_level
    )
    return _interleave_at_half(metrics, {name: plain[name] for name in count_metrics(space)})


def _score_labels(space: LabelSpace, truth: NDArray, runs: Sequence[Run]) -> list[list[LabelScore]]:
    """Return the scores of each label for each run, with the same at 0.5 where there are thresholds."""
    tuned = [score_per_label(space, truth, p, cuts) for p, cuts in runs]
    if all(cuts is None for _p, cuts in runs):
        return tuned
    plain = [score_per_label(space, truth, p) for p, _cuts in runs]
    return [
        [_interleave_label_at_half(*both) for both in zip(*sides, strict=True)]
        for sides in zip(tuned, plain, strict=True)
    ]


def _interleave_at_half(tuned: Mapping[str, Any], at_half: Mapping[str, Any]) -> dict[str, Any]:
    """Put each metric at 0.5 right after the same at tuned thresholds."""
    found: dict[str, Any] = {}
    for name, value in tuned.items():
        found[name] = value
        if name in at_half:
            found[f"{name}{AT_HALF_SUFFIX}"] = at_half[name]
    return found


def _interleave_label_at_half(tuned: LabelScore, at_half: LabelScore) -> LabelScore:
    decided = {name: value for name, value in at_half.metrics.items() if name not in _THRESHOLD_FREE}
    return replace(tuned, metrics=_interleave_at_half(tuned.metrics, decided))


def _mean_per_label(runs: Sequence[Sequence[LabelScore]], bounds: Sequence[Interval]) -> tuple[LabelScore, ...]:
    return tuple(
        LabelScore(
            same[0].label,
            same[0].support,
            {name: float(np.mean([one.metrics[name] for one in same])) for name in same[0].metrics},
            None if low is None or high is None else (low, high),
        )
        for *same, (low, high) in zip(*runs, bounds, strict=True)
    )


def _mean_thresholds(
    space: LabelSpace, thresholds: Sequence[NDArray[np.floating] | None]
) -> dict[str, float] | None:
    if all(cuts is None for cuts in thresholds):
        return None
    mean = np.mean([np.full(len(space), 0.5) if cuts is None else cuts for cuts in thresholds], axis=0)
    return dict(zip(space.names, mean.tolist(), strict=True))


def _comparisons_path(path: Path) -> Path:
    return path.with_name("comparisons.json")


def write_rows(path: Path, rows: Sequence[Any]) -> None:
    """Write dataclasses as a JSON list, whole or not at all; the folder is made if needed.

    Raises:
        SentirError: if it cannot be written.
    """
    plain = [asdict(one) for one in rows]
    text = json_dumps(plain, indent=2, allow_nan=False) + "\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, text)
    except OSError as error:
        raise SentirError(_("{path} cannot be written: {why}.", path=path, why=error.strerror)) from error


def read_rows(path: Path, row_type: type[ResultRow]) -> tuple[ResultRow, ...]:
    """Read what `write_rows` wrote, rows of one dataclass.

    Raises:
        SentirError: if the file is missing or is not ours; the message names it.
    """
    try:
        return tuple(TypeAdapter(list[row_type]).validate_json(path.read_bytes()))  # type: ignore[valid-type]
    except OSError as error:
        raise SentirError(_("{path} cannot be read: {why}.", path=path, why=error.strerror)) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or _("top level")
        raise SentirError(
            _("{path} does not hold results of Sentir: {where}: {why}.", path=path, where=where, why=first["msg"])
        ) from error
