"""Report of decoding a whole corpus: counts by split, unusable clips, and notes."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sentir.audio.store import extract_audio
from sentir.corpus.corpus import Corpus
from sentir.corpus.utterances import SPLITS, AudioFeatures, Utterance
from sentir.engines.shards import Engine
from sentir.errors import CorpusError
from sentir.i18n import _
from sentir.paths import audio_dir
from sentir.repr_mixin import ReprMixin


@dataclass(frozen=True, slots=True)
class SplitAudioCounts:
    """Counts of one split.

    Attributes:
        utterances: all of them.
        clips: utterances with a clip.
        usable: utterances with usable audio.
        seconds: of usable audio.
        problems: ``kind`` of the `sentir.errors.AudioError` → count.
    """

    split: str
    utterances: int
    clips: int
    usable: int
    seconds: float
    problems: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class UnusableClip:
    """An utterance without usable audio, and the reason."""

    id: str
    split: str
    kind: str
    problem: str


@dataclass(frozen=True, slots=True)
class NotedClip:
    """An utterance whose audio is usable, with a note on its decoding."""

    id: str
    split: str
    kind: str
    note: str


@dataclass(frozen=True, slots=True, repr=False)
class StoreReport(ReprMixin):
    """The audio of a corpus and how it was decoded.

    Attributes:
        mel_kind: ``mel`` or ``thesis``.
        folder: the store.
        splits: counts of each split.
        unusable: utterances without usable audio.
        noted: notes on usable clips; ``kind`` is one of `sentir.audio.decoding_notes`.
        decoded_clips: clips that were not in the store and were decoded now.
        decoded_seconds: duration of the usable ones among them.
        wall_seconds: time that decoding took.
    """

    corpus: str
    synthetic: bool
    mel_kind: str
    folder: Path
    splits: tuple[SplitAudioCounts, ...]
    unusable: tuple[UnusableClip, ...]
    noted: tuple[NotedClip, ...]
    decoded_clips: int
    decoded_seconds: float
    wall_seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain JSON values."""
        rows = {name: [asdict(row) for row in getattr(self, name)] for name in ("splits", "unusable", "noted")}
        return asdict(self) | rows | {"folder": str(self.folder)}


def prepare_audio(
    corpus: Corpus,
    *,
    mel_kind: str = "mel",
    folder: Path | None = None,
    workers: int | None = None,
    engine: Engine | None = None,
) -> StoreReport:
    """Decode the clips of a corpus into the store; arguments as in `sentir.audio.store.extract_audio`.

    Raises:
        CorpusError: if no utterance has a clip.
        SentirError: if the store cannot be written.
    """
    if not any(u.clip for u in corpus):
        raise CorpusError(
            _("The corpus '{name}' has no clips; give the root that holds its audio.", name=corpus.name)
        )
    start = time.perf_counter()
    utterances, new = extract_audio(
        corpus.utterances, mel_kind=mel_kind, folder=folder, workers=workers, engine=engine
    )
    wall = time.perf_counter() - start
    return StoreReport(
        corpus=corpus.name,
        synthetic=corpus.synthetic,
        mel_kind=mel_kind,
        folder=folder or audio_dir(),
        splits=tuple(_count_split(split, utterances) for split in SPLITS if corpus.split(split)),
        unusable=tuple(
            UnusableClip(u.id, u.split, audio.problem_kind, audio.problem)
            for u in utterances
            if (audio := _require_audio(u)).problem_kind
        ),
        noted=tuple(
            NotedClip(u.id, u.split, kind, note)
            for u in utterances
            for kind, note in zip(_require_audio(u).note_kinds, _require_audio(u).notes, strict=True)
        ),
        decoded_clips=len(new),
        decoded_seconds=sum({u.clip: _require_audio(u).seconds for u in utterances if u.clip in new}.values()),
        wall_seconds=wall,
    )


def _count_split(split: str, utterances: Sequence[Utterance]) -> SplitAudioCounts:
    rows = [u for u in utterances if u.split == split]
    audio = [_require_audio(u) for u in rows]
    problems = Counter(one.problem_kind for one in audio if one.problem_kind)
    return SplitAudioCounts(
        split=split,
        utterances=len(rows),
        clips=sum(u.clip is not None for u in rows),
        usable=len(rows) - problems.total(),
        seconds=sum(one.seconds for one in audio),
        problems=dict(problems.most_common()),
    )


def _require_audio(utterance: Utterance) -> AudioFeatures:
    assert utterance.audio is not None
    return utterance.audio
