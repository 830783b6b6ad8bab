"""The timeline of a recording: its turns with their predictions, as one JSON document."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from functools import partial
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from sentir.errors import TimelineError
from sentir.i18n import _
from sentir.repr_mixin import ReprMixin
from sentir.safe_text import json_dumps
from sentir.timelines.turn_fields import (
    find_impossible_document_field,
    find_impossible_field,
    find_impossible_source_field,
)

SCHEMA = "sentir-timeline/1"
CURVE_STEP = 1.0  # seconds
_DIGITS = 6  # of probabilities in the document
_MAX_SECONDS = 1e7  # of a recording
_MAX_CURVE_VALUES = 10_000_000  # a document of a few bytes may claim any duration: 8 labels and 7 days of speech


@dataclass(frozen=True, slots=True, repr=False)
class Turn(ReprMixin):
    """What one speaker says without a longer pause, and its prediction.

    Attributes:
        start, end: in seconds of the recording; both ``None`` in a conversation of text alone.
        speaker: ``None`` if unknown.
        text: ``None`` if there is none.
        labels: predicted, or annotated, labels; in a multi-label task there may be none.
        probabilities: label → probability; empty in a regression task and without a prediction.
        values: name → number, in a regression task.
        confidence: estimated probability that the labels are correct; ``None`` if there is none.
        other_tasks: task → name → probability or number, of auxiliary tasks.
        notes: sentences on how the turn was predicted.
        problem: why there is no prediction; ``""`` if there is one, or none was asked for.
    """

    start: float | None = None
    end: float | None = None
    speaker: str | None = None
    text: str | None = None
    labels: tuple[str, ...] = ()
    probabilities: Mapping[str, float] = field(default_factory=dict)
    values: Mapping[str, float] = field(default_factory=dict)
    confidence: float | None = None
    other_tasks: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    problem: str = ""

    def __post_init__(self) -> None:
        if (self.start is None) != (self.end is None):
            raise TimelineError(_("A turn needs both a start and an end, or neither."))
        if (name := find_impossible_field(self)) is not None:
            raise TimelineError(_("The field '{name}' of a turn has an impossible value.", name=name))
        if self.start is None or self.end is None:
            return
        if not 0 <= self.start < self.end <= _MAX_SECONDS:
            raise TimelineError(
                _("A turn from {start} s to {end} s is impossible: it must start at 0 or later and end after its "
                  "start, at {limit} s at most.", start=self.start, end=self.end, limit=f"{_MAX_SECONDS:.0f}")
            )  # fmt: skip

    @property
    def seconds(self) -> float:
        """Its duration; 0 without times."""
        return 0.0 if self.start is None or self.end is None else self.end - self.start

    def _repr_fields(self) -> dict[str, object]:
        result = {"labels": "|".join(self.labels)} if self.labels else dict(self.values)
        times = {"start": self.start, "end": self.end}
        return {**times, "speaker": self.speaker, **result, "text": self.text, "problem": self.problem or None}

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values, with six decimals of probabilities; empty fields are left out."""
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        kept = {key: value for key, value in values.items() if value not in (None, (), {}) and value != ""}
        if self.text == "":
            kept["text"] = ""
        return {
            key: round_numbers(value) if key not in ("start", "end") else value for key, value in kept.items()
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Turn:
        """Return the turn of `to_dict`; unknown keys are ignored."""
        known = {one.name for one in fields(cls)}
        return cls(**{key: _as_tuple(value) for key, value in values.items() if key in known})


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def round_numbers(value: Any) -> Any:
    """Return plain JSON values with six decimals of numbers, as the document has them."""
    if isinstance(value, Mapping):
        return {key: round_numbers(one) for key, one in value.items()}
    if isinstance(value, tuple):
        return list(value)
    return round(value, _DIGITS) if isinstance(value, float) else value


@dataclass(frozen=True, slots=True)
class Source:
    """What a timeline was made of.

    Attributes:
        file: name of the recording, without its folder; ``""`` for an array.
        sha256: of the recording's content.
        seconds: duration of the recording; ``None`` for a conversation of text alone.
    """

    file: str = ""
    sha256: str = ""
    seconds: float | None = None

    def __post_init__(self) -> None:
        if (name := find_impossible_source_field(self, _MAX_SECONDS)) is not None:
            raise TimelineError(
                _("The field '{name}' of the recording of a timeline has an impossible value.", name=name)
            )


@dataclass(frozen=True, repr=False)
class TimelineDocument(ReprMixin):
    """The turns of a recording in the order of their starts.

    Attributes:
        turns: those of the recording, or of the conversation.
        source: the recording.
        task: that the labels are of.
        labels: the K labels that the model knows, or the name of the number that it predicts.
        model: ``name`` and ``sha256`` of the model; empty for turns without predictions.
        settings: how turns were found and windows made.
        notes: sentences about the recording as a whole.
        synthetic: whether the model was trained on a synthetic corpus.
        path: the recording, for formats that include audio; not part of the document.
    """

    turns: tuple[Turn, ...]
    source: Source = field(default_factory=Source)
    task: str = ""
    labels: tuple[str, ...] = ()
    model: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    synthetic: bool = False
    path: Path | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if (name := find_impossible_document_field(self)) is not None:
            raise TimelineError(_("The field '{name}' of a timeline has an impossible value.", name=name))

    def __len__(self) -> int:
        return len(self.turns)

    def _repr_fields(self) -> dict[str, object]:
        return {"file": self.source.file, "seconds": self.source.seconds, "turns": len(self), "task": self.task}

    @property
    def has_times(self) -> bool:
        """Whether its turns have times."""
        return all(turn.start is not None for turn in self.turns)

    @property
    def duration(self) -> float:
        """Return the seconds of the recording, or until the end of its last turn if that is later."""
        return max([self.source.seconds or 0.0, *(turn.end or 0.0 for turn in self.turns)])

    @property
    def curve(self) -> NDArray[np.float64]:
        """Return ``(S, K)``: for each second, the mean over the turns in it, weighted by their time there.

        NaN where no turn has a prediction; no rows without times.

        Raises:
            TimelineError: if it would have too many values to be held in memory.
        """
        self._check_curve_size(len(self.labels))
        return compute_curve(self, self.labels, lambda turn: {**turn.probabilities, **turn.values})

    @property
    def other_curves(self) -> dict[str, dict[str, NDArray[np.float64]]]:
        """Return task → label or number → the same for each second, ``(S,)``, of auxiliary tasks."""
        names: dict[str, dict[str, None]] = {}
        for turn in self.turns:
            for task, numbers in turn.other_tasks.items():
                names.setdefault(task, {}).update(dict.fromkeys(numbers))
        self._check_curve_size(sum(map(len, names.values())))
        return {
            task: dict(zip(own, compute_curve(self, own, partial(_numbers_of, task)).T, strict=True))
            for task, own in ((task, tuple(some)) for task, some in names.items())
        }

    def _check_curve_size(self, columns: int) -> None:
        """Raise a `TimelineError` if its seconds, overlapping ones too, are too many for so many columns."""
        seconds = self.duration + sum(turn.seconds for turn in self.turns) if self.has_times else 0.0
        if max(1, columns) * seconds > _MAX_CURVE_VALUES * CURVE_STEP:
            raise TimelineError(
                _("A timeline of {seconds} s with {turns} turns and {columns} labels or numbers is too large for "
                  "its curve; cut the recording into parts.",
                  seconds=f"{self.duration:.0f}", turns=len(self), columns=columns)
            )  # fmt: skip

    def to_json(self) -> str:
        """Return the document ``sentir-timeline/1``; see ``docs/en/timeline.md``."""
        return json_dumps(self.to_dict())

    def to_dict(self) -> dict[str, Any]:
        """Return the document as plain JSON values."""
        turns = [turn.to_dict() for turn in self.turns]
        as_written = replace(self, turns=tuple(map(Turn.from_dict, turns)))
        columns = dict(zip(self.labels, as_written.curve.T, strict=True))
        curve: dict[str, Any] = {"step": CURVE_STEP, "values": _as_numbers(columns)}
        if others := as_written.other_curves:
            curve["other_tasks"] = {task: _as_numbers(own) for task, own in others.items()}
        return {
            "schema": SCHEMA,
            "recording": asdict(self.source),
            "model": dict(self.model),
            "task": self.task,
            "labels": list(self.labels),
            "synthetic": self.synthetic,
            "settings": dict(self.settings),
            "notes": list(self.notes),
            "turns": turns,
            "curve": curve if self.has_times else None,
        }

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return the timeline of a document.

        Raises:
            TimelineError: if it is not one, or of an unknown version.
        """
        try:
            tree = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise TimelineError(_("This is not a timeline: it is not JSON ({why}).", why=error)) from error
        return cls.from_dict(tree)

    @classmethod
    def from_dict(cls, tree: Any) -> Self:
        """Return the timeline of plain JSON values; see `from_json`."""
        if not isinstance(tree, dict) or tree.get("schema") != SCHEMA:
            raise TimelineError(_("This is not a timeline: its 'schema' must be '{schema}'.", schema=SCHEMA))
        try:
            return cls(
                tuple(map(Turn.from_dict, tree["turns"])),
                Source(**tree["recording"]),
                tree["task"],
                _as_tuple(tree["labels"]),
                tree["model"],
                tree["settings"],
                _as_tuple(tree["notes"]),
                tree["synthetic"],
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise TimelineError(_("This timeline is damaged: {why}.", why=repr(error))) from error


def _as_numbers(columns: Mapping[str, NDArray[np.float64]]) -> dict[str, list[float | None]]:
    return {
        name: [None if math.isnan(value) else round(value, 4) for value in column.tolist()]
        for name, column in columns.items()
    }


def _numbers_of(task: str, turn: Turn) -> Mapping[str, float]:
    return turn.other_tasks.get(task, {})


def compute_curve(
    timeline: TimelineDocument, names: Sequence[str], numbers_of: Callable[[Turn], Mapping[str, float]]
) -> NDArray[np.float64]:
    """Return the values of `TimelineDocument.curve` for K names, from what ``numbers_of`` returns for a turn."""
    timed = [
        (turn, numbers) for turn in timeline.turns if turn.start is not None and (numbers := numbers_of(turn))
    ]
    if not timeline.has_times:
        return np.zeros((0, len(names)))
    total = np.zeros((math.ceil(timeline.duration / CURVE_STEP), len(names)))
    weights = np.zeros((len(total), 1))
    for turn, numbers in timed:
        start, end = turn.start or 0.0, turn.end or 0.0
        steps = np.arange(int(start / CURVE_STEP), math.ceil(end / CURVE_STEP))
        share = np.minimum(end, (steps + 1) * CURVE_STEP) - np.maximum(start, steps * CURVE_STEP)
        total[steps] += share[:, None] * [numbers.get(name, 0.0) for name in names]
        weights[steps] += share[:, None]
    return np.divide(total, weights, out=np.full_like(total, np.nan), where=weights > 0)


def sort_turns(turns: Sequence[Turn]) -> tuple[Turn, ...]:
    """Return turns in the order of their starts, then ends; those without times keep their order, first."""
    return tuple(sorted(turns, key=lambda turn: (turn.start or 0.0, turn.end or 0.0)))
