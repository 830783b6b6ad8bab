"""The verbs that look at a corpus without training on it: an utterance, its cleaning, its table."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sentir.api.recipes import resolve_data
from sentir.audio.extraction import infer_mel_kind
from sentir.audio.store import attach_audio
from sentir.corpus import tables
from sentir.corpus.cleaning_report import CleaningReport, trace_cleaning
from sentir.corpus.corpus import Corpus
from sentir.corpus.utterances import AudioFeatures, Issue, Utterance
from sentir.errors import SentirError
from sentir.i18n import _
from sentir.io import atomic_write
from sentir.paths import PathLike
from sentir.readers import read_corpus
from sentir.repr_mixin import ReprMixin
from sentir.safe_text import json_dumps, make_printable

TABLE_SUFFIXES = (".parquet", ".csv", ".jsonl")


@dataclass(frozen=True, slots=True, repr=False)
class UtteranceInspection(ReprMixin):
    """One utterance with all that is known about it.

    Attributes:
        utterance: of test, blind.
        before, after: its neighbors in the dialogue, in order.
        issues: what the reader listed about it.
        audio: what its clip sounds like; ``None`` without a clip.
    """

    corpus: str
    synthetic: bool
    utterance: Utterance
    before: tuple[Utterance, ...]
    after: tuple[Utterance, ...]
    issues: tuple[Issue, ...]
    audio: AudioFeatures | None

    @property
    def has_sealed_labels(self) -> bool:
        """Whether its labels are sealed, because it is of test."""
        return self.utterance.split == "test"

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the spectrogram as plain JSON values; sealed labels are ``None``."""
        u, sound = self.utterance, self.audio
        return {
            "corpus": self.corpus,
            "synthetic": self.synthetic,
            **_to_dict(u),
            "labels": None if self.has_sealed_labels else {task: list(names) for task, names in u.labels.items()},
            "scores": None if self.has_sealed_labels else dict(u.scores),
            "numbers": dict(u.numeric_features),
            "clip": None if u.clip is None else [str(u.clip.path), u.clip.start, u.clip.end],
            "seconds": sound.seconds if sound and sound.key else None,
            "audio_problem": sound.problem if sound else "",
            "issues": [[issue.severity, issue.kind, issue.message] for issue in self.issues],
            "before": [_to_dict(other) for other in self.before],
            "after": [_to_dict(other) for other in self.after],
        }


def _to_dict(u: Utterance) -> dict[str, Any]:
    return {"id": u.id, "split": u.split, "turn": u.turn, "speaker": u.speaker, "text": u.text}


def inspect_utterance(
    utterance_id: str, *, corpus: PathLike, root: PathLike | None = None, turns: int = 3
) -> UtteranceInspection:
    """Find an utterance by its id, or the end of it, and gather what is known about it; its clip is decoded.

    Args:
        utterance_id: an id, or what only one id ends in (``dia0/utt0``).
        corpus: a reader's name or a recipe.
        root: where the corpus lies.
        turns: how many neighbors on either side.

    Raises:
        CorpusError: if there is no such utterance, or several.
        SentirError: if the corpus cannot be read.
    """
    found = _load_corpus(corpus, root, with_clips=True)
    u = found.find(utterance_id)
    return UtteranceInspection(
        corpus=found.name,
        synthetic=found.synthetic,
        utterance=u,
        before=found.before(u, turns),
        after=found.after(u, turns),
        issues=tuple(issue for issue in found.issues if issue.where == u.id),
        audio=_load_audio_features(u),
    )


def _load_audio_features(u: Utterance) -> AudioFeatures | None:
    if u.clip is None:
        return None
    return attach_audio([u], mel_kind=infer_mel_kind([u.clip]))[0].audio


def preview_cleaning(
    corpus: PathLike, *, root: PathLike | None = None, steps: Sequence[str] | None = None, examples: int = 3
) -> CleaningReport:
    """Say what cleaning does to a corpus, step by step; see `sentir.corpus.cleaning_report.clean_stepwise`.

    Args:
        corpus: a reader's name or a recipe.
        root: where it lies.
        steps: names of steps, ``default`` or ``thesis``; if not given, those of the recipe.
        examples: how many texts are shown at most.

    Raises:
        UnknownNameError: if there is no such step.
        SentirError: if the corpus cannot be read.
    """
    chain = resolve_data(corpus, root=root).cleaning if steps is None else steps
    return trace_cleaning(_load_corpus(corpus, root, with_clips=False), chain, examples=examples)


def export_corpus(corpus: PathLike, out: PathLike, *, root: PathLike | None = None) -> Corpus:
    """Write a corpus as a table, a row for each utterance, and return it; labels of test are left empty.

    Several labels are a list in Parquet and JSON lines, and a JSON list in CSV; clips are absolute paths. Control
    characters and the like become U+FFFD in CSV; the others keep them.

    Args:
        corpus: a reader's name or a recipe.
        out: a ``.parquet``, ``.csv`` or ``.jsonl`` file.
        root: where the corpus lies.

    Raises:
        SentirError: if the file is of another kind or cannot be written, or the corpus cannot be read.
    """
    out = Path(out)
    suffix = out.suffix.lower()
    if suffix not in TABLE_SUFFIXES:
        raise SentirError(
            _(
                "{path} is no kind of table; name a file that ends in {known}.",
                path=out,
                known=", ".join(TABLE_SUFFIXES),
            )
        )
    found = _load_corpus(corpus, root, with_clips=True)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(out) as draft:
            _write_table(_ordered_rows(found), found, draft, suffix)
    except OSError as error:
        raise SentirError(_("{path} cannot be written: {why}.", path=out, why=error.strerror or error)) from error
    return found


def _ordered_rows(corpus: Corpus) -> list[dict[str, Any]]:
    """Return the rows of the table, dialogue by dialogue: the order of rows is what readers of tables go by."""
    row_of = {row["id"]: row for row in tables.to_rows(corpus)}
    return [row_of[u.id] for dialogue in corpus.dialogues.values() for u in dialogue.utterances]


def _write_table(rows: list[dict[str, Any]], corpus: Corpus, file: Path, suffix: str) -> None:
    import pandas as pd

    if suffix == ".jsonl":
        lines = (json_dumps(row, indent=None) + "\n" for row in rows)
        file.write_text("".join(lines), encoding="utf-8")
        return
    frame = pd.DataFrame(rows)
    if suffix == ".parquet":
        frame.to_parquet(file, index=False)
        return
    for task, space in corpus.label_spaces.items():
        if space.multilabel and rows:
            frame[task] = frame[task].map(json.dumps, na_action="ignore")
    frame = frame.map(lambda cell: make_printable(cell) if isinstance(cell, str) else cell)
    frame.rename(columns=make_printable).to_csv(file, index=False)


def _load_corpus(corpus: PathLike, root: PathLike | None, *, with_clips: bool) -> Corpus:
    data = resolve_data(corpus, root=root)
    found = read_corpus(data if with_clips else data.model_copy(update={"audio": False}), root)
    return replace(found, utterances=tuple(map(_with_absolute_clip_path, found.utterances)))


def _with_absolute_clip_path(u: Utterance) -> Utterance:
    return u if u.clip is None else replace(u, clip=replace(u.clip, path=u.clip.path.absolute()))
