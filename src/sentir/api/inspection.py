"""The verbs that look at a corpus without training on it: an utterance, its cleaning, its table."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sentir.api.recipes import named_data
from sentir.audio.extraction import usual_kind
from sentir.audio.store import listen
from sentir.corpus import tables
from sentir.corpus.cleaning_report import Cleaned, clean_stepwise
from sentir.corpus.corpus import Corpus
from sentir.corpus.utterances import Issue, Sound, Utterance
from sentir.errors import SentirError
from sentir.i18n import _
from sentir.io import replacing
from sentir.paths import Place
from sentir.readers import read_corpus
from sentir.repr_mixin import Brief
from sentir.safe_text import json_text, printable

SUFFIXES = (".parquet", ".csv", ".jsonl")


@dataclass(frozen=True, slots=True, repr=False)
class Shown(Brief):
    """One utterance with all that is known about it.

    Attributes:
        utterance: of test, blind.
        before, after: its neighbors in the dialogue, in order.
        issues: what the reader listed about it.
        sound: what its clip sounds like; ``None`` without a clip.
    """

    corpus: str
    synthetic: bool
    utterance: Utterance
    before: tuple[Utterance, ...]
    after: tuple[Utterance, ...]
    issues: tuple[Issue, ...]
    sound: Sound | None

    @property
    def sealed(self) -> bool:
        """Whether its labels are sealed, because it is of test."""
        return self.utterance.split == "test"

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the spectrogram as plain JSON values; sealed labels are ``None``."""
        u, sound = self.utterance, self.sound
        return {
            "corpus": self.corpus,
            "synthetic": self.synthetic,
            **_plain(u),
            "labels": None if self.sealed else {task: list(names) for task, names in u.labels.items()},
            "scores": None if self.sealed else dict(u.scores),
            "numbers": dict(u.numbers),
            "clip": None if u.clip is None else [str(u.clip.path), u.clip.start, u.clip.end],
            "seconds": sound.seconds if sound and sound.key else None,
            "sound_problem": sound.problem if sound else "",
            "issues": [[issue.severity, issue.kind, issue.message] for issue in self.issues],
            "before": [_plain(other) for other in self.before],
            "after": [_plain(other) for other in self.after],
        }


def _plain(u: Utterance) -> dict[str, Any]:
    return {"id": u.id, "split": u.split, "turn": u.turn, "speaker": u.speaker, "text": u.text}


def show_utterance(key: str, *, corpus: Place, root: Place | None = None, turns: int = 3) -> Shown:
    """Find an utterance by its id, or the end of it, and gather what is known about it; its clip is decoded.

    Args:
        key: an id, or what only one id ends in (``dia0/utt0``).
        corpus: a reader's name or a recipe.
        root: where the corpus lies.
        turns: how many neighbors on either side.

    Raises:
        CorpusError: if there is no such utterance, or several.
        SentirError: if the corpus cannot be read.
    """
    found = _read(corpus, root, sound=True)
    u = found.find(key)
    return Shown(
        corpus=found.name,
        synthetic=found.synthetic,
        utterance=u,
        before=found.before(u, turns),
        after=found.after(u, turns),
        issues=tuple(issue for issue in found.issues if issue.where == u.id),
        sound=_listen(u),
    )


def _listen(u: Utterance) -> Sound | None:
    if u.clip is None:
        return None
    return listen([u], kind=usual_kind([u.clip]))[0].sound


def clean_corpus(
    corpus: Place, *, root: Place | None = None, steps: Sequence[str] | None = None, examples: int = 3
) -> Cleaned:
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
    chain = named_data(corpus, root=root).cleaning if steps is None else steps
    return clean_stepwise(_read(corpus, root, sound=False), chain, examples=examples)


def export_corpus(corpus: Place, out: Place, *, root: Place | None = None) -> Corpus:
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
    if suffix not in SUFFIXES:
        raise SentirError(
            _(
                "{path} is no kind of table; name a file that ends in {known}.",
                path=out,
                known=", ".join(SUFFIXES),
            )
        )
    found = _read(corpus, root, sound=True)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with replacing(out) as draft:
            _write(_rows(found), found, draft, suffix)
    except OSError as error:
        raise SentirError(_("{path} cannot be written: {why}.", path=out, why=error.strerror or error)) from error
    return found


def _rows(corpus: Corpus) -> list[dict[str, Any]]:
    """Return the rows of the table, dialogue by dialogue: the order of rows is what readers of tables go by."""
    row_of = {row["id"]: row for row in tables.to_rows(corpus)}
    return [row_of[u.id] for dialogue in corpus.by_dialogue.values() for u in dialogue.utterances]


def _write(rows: list[dict[str, Any]], corpus: Corpus, file: Path, suffix: str) -> None:
    import pandas as pd

    if suffix == ".jsonl":
        lines = (json_text(row, indent=None) + "\n" for row in rows)
        file.write_text("".join(lines), encoding="utf-8")
        return
    frame = pd.DataFrame(rows)
    if suffix == ".parquet":
        frame.to_parquet(file, index=False)
        return
    for task, space in corpus.spaces.items():
        if space.multilabel and rows:
            frame[task] = frame[task].map(json.dumps, na_action="ignore")
    frame = frame.map(lambda cell: printable(cell) if isinstance(cell, str) else cell)
    frame.rename(columns=printable).to_csv(file, index=False)


def _read(corpus: Place, root: Place | None, *, sound: bool) -> Corpus:
    data = named_data(corpus, root=root)
    found = read_corpus(data if sound else data.model_copy(update={"sound": False}), root)
    return replace(found, utterances=tuple(map(_absolute, found.utterances)))


def _absolute(u: Utterance) -> Utterance:
    return u if u.clip is None else replace(u, clip=replace(u.clip, path=u.clip.path.absolute()))
