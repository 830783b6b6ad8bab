"""From predictions and labels, joined by id, to the rows of ``results.json``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from sentir.corpus.fingerprints import scored_hash
from sentir.corpus.labels import Label, LabelSpace
from sentir.corpus.predictions import Predictions
from sentir.errors import PredictionsError, SentirError
from sentir.evaluation.intervals import Run, label_intervals, ranked_intervals, scored
from sentir.evaluation.jackknife import Bounds
from sentir.evaluation.metrics import confusion_matrix, counted, per_label
from sentir.evaluation.results import Comparison, LabelScore, ModelScores, Score
from sentir.evaluation.words import AT_HALF
from sentir.i18n import _
from sentir.io import write_text
from sentir.safe_text import json_text

Row = TypeVar("Row")
_UNDECIDED = ("auc", "average_precision")  # of a label, whatever its threshold


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
    confidence: float,
    notes: Sequence[str] = (),
    family: str = "",
    unit: str = "dialogue",
) -> ModelScores:
    """Score one model, trained with one or more seeds, on exactly the utterances in ``labels``.

    Where several labels have thresholds, every metric that needs them stands beside the same at 0.5.

    Args:
        labels: id → label names of the task, or its number.
        predictions: one per seed; they may hold more utterances, in any order.
        thresholds: one per seed, ``(K,)`` or none.
        groups: id → dialogue or speaker, whatever ``unit`` says; the intervals are over these.

    Raises:
        PredictionsError: if an utterance has no prediction or no dialogue, or the predictions do not fit.
    """
    ids, truth, runs, dialogues = joined(space, labels, predictions, thresholds, groups)
    bounds = label_intervals(space, truth, runs, dialogues, confidence=confidence)
    matrices = [confusion_matrix(space, truth, p) for p, _thresholds in runs]
    known = [matrix for matrix in matrices if matrix is not None]
    return ModelScores(
        model=model,
        role=role,
        corpus=corpus,
        task=space.task,
        split=split,
        n=len(ids),
        seeds=len(runs),
        metrics=_metrics(space, truth, runs, dialogues, confidence),
        per_label=_mean_per_label(_by_label(space, truth, runs), bounds),
        confusion=tuple(tuple(row) for row in np.mean(known, axis=0).tolist()) if known else None,
        thresholds=_mean_thresholds(space, thresholds),
        scored=scored_hash(ids),
        notes=tuple(notes),
        family=family,
        clusters=len(set(dialogues)),
        unit=unit,
    )


def joined(
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
        if one.space != space:
            raise PredictionsError(
                _(
                    "The predictions are for the labels {theirs} of '{task}', the utterances have {ours}.",
                    theirs=", ".join(one.space.names),
                    task=one.space.task,
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
    write_rows(_beside(path), comparisons)


def read_results(path: Path) -> tuple[tuple[ModelScores, ...], tuple[Comparison, ...]]:
    """Read what `write_results` wrote.

    Raises:
        SentirError: if a file is missing or is not ours; the message names it.
    """
    return (
        read_rows(path, ModelScores),
        read_rows(_beside(path), Comparison),
    )


def _metrics(
    space: LabelSpace, truth: NDArray, runs: Sequence[Run], groups: Sequence[str], confidence: float
) -> dict[str, Score]:
    """Return every metric with its interval and, where there are thresholds, beside it the same at 0.5."""
    metrics = scored(space, truth, runs, groups, confidence=confidence)
    ranks = ranked_intervals(space, truth, runs, groups, confidence=confidence)
    known = {name: bounds for name, bounds in ranks.items() if name in metrics}
    metrics |= {name: replace(metrics[name], low=low, high=high) for name, (low, high) in known.items()}
    if all(cuts is None for _p, cuts in runs):
        return metrics
    plain = scored(space, truth, [(p, None) for p, _cuts in runs], groups, confidence=confidence)
    return _beside_half(metrics, {name: plain[name] for name in counted(space)})


def _by_label(space: LabelSpace, truth: NDArray, runs: Sequence[Run]) -> list[list[LabelScore]]:
    """Return the scores of each label for each run, with the same at 0.5 where there are thresholds."""
    tuned = [per_label(space, truth, p, cuts) for p, cuts in runs]
    if all(cuts is None for _p, cuts in runs):
        return tuned
    plain = [per_label(space, truth, p) for p, _cuts in runs]
    return [
        [_label_beside_half(*both) for both in zip(*sides, strict=True)]
        for sides in zip(tuned, plain, strict=True)
    ]


def _beside_half(tuned: Mapping[str, Any], plain: Mapping[str, Any]) -> dict[str, Any]:
    """Put each metric at 0.5 right after the same at tuned thresholds."""
    found: dict[str, Any] = {}
    for name, value in tuned.items():
        found[name] = value
        if name in plain:
            found[f"{name}{AT_HALF}"] = plain[name]
    return found


def _label_beside_half(tuned: LabelScore, plain: LabelScore) -> LabelScore:
    decided = {name: value for name, value in plain.metrics.items() if name not in _UNDECIDED}
    return replace(tuned, metrics=_beside_half(tuned.metrics, decided))


def _mean_per_label(runs: Sequence[Sequence[LabelScore]], bounds: Sequence[Bounds]) -> tuple[LabelScore, ...]:
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


def _beside(path: Path) -> Path:
    return path.with_name("comparisons.json")


def write_rows(path: Path, rows: Sequence[Any]) -> None:
    """Write dataclasses as a JSON list, whole or not at all; the folder is made if needed.

    Raises:
        SentirError: if it cannot be written.
    """
    plain = [asdict(one) for one in rows]
    text = json_text(plain, indent=2, allow_nan=False) + "\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, text)
    except OSError as error:
        raise SentirError(_("{path} cannot be written: {why}.", path=path, why=error.strerror)) from error


def read_rows(path: Path, kind: type[Row]) -> tuple[Row, ...]:
    """Read what `write_rows` wrote, rows of one dataclass.

    Raises:
        SentirError: if the file is missing or is not ours; the message names it.
    """
    try:
        return tuple(TypeAdapter(list[kind]).validate_json(path.read_bytes()))  # type: ignore[valid-type]
    except OSError as error:
        raise SentirError(_("{path} cannot be read: {why}.", path=path, why=error.strerror)) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or _("top level")
        raise SentirError(
            _("{path} does not hold results of Sentir: {where}: {why}.", path=path, where=where, why=first["msg"])
        ) from error
