"""What listening to a whole corpus came to: counts by split, every clip that cannot be used, and notes."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sentir.audio.store import hear
from sentir.corpus.corpus import Corpus
from sentir.corpus.utterances import SPLITS, Sound, Utterance
from sentir.errors import CorpusError
from sentir.i18n import _, mark
from sentir.paths import sounds_dir
from sentir.repr_mixin import Brief

_PROBLEMS = {
    "missing": mark("no file"),
    "empty": mark("empty file"),
    "undecodable": mark("cannot be decoded"),
    "no_audio": mark("no sound in it"),
    "too_short": mark("too short"),
    "outside": mark("cut beyond its end"),
    "absurd": mark("samples that no sound has"),
}


def problem_text(kind: str) -> str:
    """Return what the ``kind`` of an `AudioError` means, in the current language."""
    return _(_PROBLEMS[kind]) if kind in _PROBLEMS else kind


@dataclass(frozen=True, slots=True)
class SplitSound:
    """One split: how many utterances it has, with a clip, with usable sound, and how long that is in seconds.

    Attributes:
        problems: ``kind`` of the `sentir.errors.AudioError` → how many.
    """

    split: str
    utterances: int
    clips: int
    usable: int
    seconds: float
    problems: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class LostSound:
    """An utterance without usable sound, and why."""

    id: str
    split: str
    kind: str
    problem: str


@dataclass(frozen=True, slots=True)
class NotedSound:
    """An utterance whose sound is used although a user should know something of it."""

    id: str
    split: str
    kind: str
    note: str


@dataclass(frozen=True, slots=True, repr=False)
class Prepared(Brief):
    """A corpus that was listened to.

    Attributes:
        kind: ``mel`` or ``thesis``.
        folder: the store.
        noted: what a user should know of clips that are used; ``kind`` is that of `sentir.audio.decoding_notes`.
        decoded: clips that were not in the store and were decoded now.
        decoded_seconds: length of those that can be used.
        wall_seconds: how long it took.
    """

    corpus: str
    synthetic: bool
    kind: str
    folder: Path
    splits: tuple[SplitSound, ...]
    lost: tuple[LostSound, ...]
    noted: tuple[NotedSound, ...]
    decoded: int
    decoded_seconds: float
    wall_seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain JSON values."""
        rows = {name: [asdict(row) for row in getattr(self, name)] for name in ("splits", "lost", "noted")}
        return asdict(self) | rows | {"folder": str(self.folder)}


def prepare(
    corpus: Corpus, *, kind: str = "mel", folder: Path | None = None, workers: int | None = None
) -> Prepared:
    """Listen to every utterance of a corpus; the arguments are those of `sentir.audio.store.listen`.

    Raises:
        CorpusError: if no utterance has a clip.
        SentirError: if the store cannot be written or a worker is killed.
    """
    if not any(u.clip for u in corpus):
        raise CorpusError(
            _("The corpus '{name}' has no clips; give the root that holds its audio.", name=corpus.name)
        )
    start = time.perf_counter()
    heard, new = hear(corpus.utterances, kind=kind, folder=folder, workers=workers)
    wall = time.perf_counter() - start
    return Prepared(
        corpus=corpus.name,
        synthetic=corpus.synthetic,
        kind=kind,
        folder=folder or sounds_dir(),
        splits=tuple(_count(split, heard) for split in SPLITS if any(u.split == split for u in heard)),
        lost=tuple(
            LostSound(u.id, u.split, sound.problem_kind, sound.problem)
            for u in heard
            if (sound := _sound(u)).problem_kind
        ),
        noted=tuple(
            NotedSound(u.id, u.split, kind, note)
            for u in heard
            for kind, note in zip(_sound(u).note_kinds, _sound(u).notes, strict=True)
        ),
        decoded=len(new),
        decoded_seconds=sum({u.clip: _sound(u).seconds for u in heard if u.clip in new}.values()),
        wall_seconds=wall,
    )


def _count(split: str, heard: Sequence[Utterance]) -> SplitSound:
    rows = [u for u in heard if u.split == split]
    sounds = [_sound(u) for u in rows]
    problems = Counter(sound.problem_kind for sound in sounds if sound.problem_kind)
    return SplitSound(
        split=split,
        utterances=len(rows),
        clips=sum(u.clip is not None for u in rows),
        usable=len(rows) - problems.total(),
        seconds=sum(sound.seconds for sound in sounds),
        problems=dict(problems.most_common()),
    )


def _sound(u: Utterance) -> Sound:
    assert u.sound is not None
    return u.sound
