"""The verb that shows one utterance of a corpus."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sentir.api.corpora import load_with_absolute_clips
from sentir.audio.extraction import infer_mel_kind
from sentir.audio.store import attach_audio
from sentir.corpus.utterances import AudioFeatures, Issue, Utterance
from sentir.paths import PathLike
from sentir.repr_mixin import ReprMixin


@dataclass(frozen=True, slots=True, repr=False)
class UtteranceInspection(ReprMixin):
    """An utterance with everything that is known about it.

    Attributes:
        utterance: without labels if it is in test.
        before, after: the turns before and after it, in order.
        issues: its issues, as the reader listed them.
        audio: its audio features; ``None`` without a clip.
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
        """Whether its labels are sealed, as all labels of test."""
        return self.utterance.split == "test"

    def to_dict(self) -> dict[str, Any]:
        """Return everything except the spectrogram as JSON values; sealed labels are ``None``."""
        u, audio = self.utterance, self.audio
        return {
            "corpus": self.corpus,
            "synthetic": self.synthetic,
            **_to_dict(u),
            "labels": None if self.has_sealed_labels else {task: list(names) for task, names in u.labels.items()},
            "scores": None if self.has_sealed_labels else dict(u.scores),
            "numeric_features": dict(u.numeric_features),
            "clip": None if u.clip is None else [str(u.clip.path), u.clip.start, u.clip.end],
            "seconds": audio.seconds if audio and audio.key else None,
            "audio_problem": audio.problem if audio else "",
            "issues": [[issue.severity, issue.kind, issue.message] for issue in self.issues],
            "before": [_to_dict(other) for other in self.before],
            "after": [_to_dict(other) for other in self.after],
        }


def _to_dict(u: Utterance) -> dict[str, Any]:
    return {"id": u.id, "split": u.split, "turn": u.turn, "speaker": u.speaker, "text": u.text}


def inspect_utterance(
    utterance_id: str, *, corpus: PathLike, root: PathLike | None = None, turns: int = 3
) -> UtteranceInspection:
    """Return an utterance with its context, issues and audio features; its clip is decoded.

    Args:
        utterance_id: its id, or a unique end of it (``dia0/utt0``).
        corpus: a reader's name or a recipe.
        root: folder of the corpus.
        turns: number of turns of context on either side.

    Raises:
        CorpusError: if there is no such utterance, or several.
        SentirError: if the corpus cannot be read.
    """
    loaded = load_with_absolute_clips(corpus, root)
    u = loaded.find(utterance_id)
    return UtteranceInspection(
        corpus=loaded.name,
        synthetic=loaded.synthetic,
        utterance=u,
        before=loaded.before(u, turns),
        after=loaded.after(u, turns),
        issues=tuple(issue for issue in loaded.issues if issue.where == u.id),
        audio=_load_audio_features(u),
    )


def _load_audio_features(u: Utterance) -> AudioFeatures | None:
    if u.clip is None:
        return None
    return attach_audio([u], mel_kind=infer_mel_kind([u.clip]))[0].audio
