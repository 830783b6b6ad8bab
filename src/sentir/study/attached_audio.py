"""A corpus of a study with its audio attached, which reads the store once for each kind of mel spectrogram."""

from __future__ import annotations

from sentir.audio.extraction import infer_mel_kind
from sentir.audio.store import attach_corpus_audio
from sentir.corpus.corpus import Corpus
from sentir.preprocessing.kinds import required_mel_kind
from sentir.recipe import ModelSettings


class AttachedAudio:
    """A corpus with its audio, attached when it is first needed.

    Args:
        corpus: the corpus, with or without audio.
    """

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus
        self._attached: dict[str, Corpus] = {}

    @property
    def corpus(self) -> Corpus:
        """The corpus with the kind of audio that its clips are of; as it is if it has no clips."""
        has_clips = any(u.clip is not None for u in self._corpus)
        return self.with_mel(infer_mel_kind(u.clip for u in self._corpus)) if has_clips else self._corpus

    def for_model(self, model: ModelSettings) -> Corpus:
        """Return the corpus with the audio that a model takes; as it is if it takes none."""
        kind = required_mel_kind(model)
        return self.with_mel(kind) if kind else self._corpus

    def with_mel(self, kind: str) -> Corpus:
        """Return the corpus with a kind of mel spectrogram, ``mel`` or ``thesis``.

        Raises:
            SentirError: if the store cannot be written.
        """
        if kind not in self._attached:
            self._attached[kind] = attach_corpus_audio(self._corpus, mel_kind=kind)
        return self._attached[kind]
