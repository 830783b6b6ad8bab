"""Utterances → model inputs: the one place that turns text, audio, features and dialogue order into arrays.

Training, evaluation and prediction use the same `Preprocessor`, which removes labels first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentir.audio.store import attach_audio
from sentir.audio.thesis_mel import THESIS_SECONDS
from sentir.corpus.utterances import Utterance, group_dialogues
from sentir.errors import PredictionsError
from sentir.features import compute_features
from sentir.features.scaling import FeatureScaler
from sentir.i18n import _, format_count, format_decimal
from sentir.models.kinds import MODELS
from sentir.models.speech_features import SpeechFeatureExtractor
from sentir.models.tokenization import Encoding, TextTokenizer
from sentir.preprocessing.kinds import required_mel_kind, uses_speech_encoder, uses_stage_encoder
from sentir.preprocessing.mel import (
    MelInputs,
    MelPreprocessor,
    MelStatistics,
    SeededAugmentation,
    no_usable_audio_error,
    num_mel_bands,
)
from sentir.preprocessing.speaker_columns import SpeakerColumns
from sentir.preprocessing.text import TextPreprocessor
from sentir.preprocessing.waveform import WaveformInputs, WaveformPreprocessor
from sentir.recipe import DataSettings, ModelSettings


@dataclass(frozen=True)
class ModelInputs:
    """Model inputs of N utterances, batched by row.

    Attributes:
        ids: N utterance ids.
        arrays: ``features`` (N, F), and for speaker normalization ``known_features`` (N, F) booleans;
            ``text_states`` and ``audio_states`` (N, L, d); ``dialogue``, ``turn`` and ``speaker`` (N,), the last
            equal for one speaker in one dialogue; those of `TextPreprocessor`.
        units: rows that must share a batch: whole dialogues if the model has dialogue context.
        encodings: N encodings, padded batch by batch; empty without text, and with precomputed embeddings.
        tokenizer: pads them.
        mels: for a network on mel spectrograms.
        waveforms: for a speech encoder, unless its embeddings are precomputed.
        is_from_corpus: whether all utterances are of a corpus, so that their embeddings are worth caching.
        notes: id → sentences on which part of an utterance the model does not use.
    """

    ids: tuple[str, ...]
    arrays: dict[str, NDArray[Any]]
    units: list[list[int]]
    encodings: list[Encoding]
    tokenizer: TextTokenizer | None = None
    mels: MelInputs | None = None
    waveforms: WaveformInputs | None = None
    is_from_corpus: bool = False
    notes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def batch(
        self, rows: Sequence[int], augmentation: SeededAugmentation | None = None
    ) -> dict[str, NDArray[Any]]:
        """Return the inputs of ``rows`` by name, with augmented mel spectrograms if there is an augmentation."""
        batch = {name: array[rows] for name, array in self.arrays.items()}
        if self.encodings and self.tokenizer is not None:
            batch |= self.tokenizer.pad([self.encodings[n] for n in rows])
        if self.waveforms is not None:
            batch |= self.waveforms.batch(rows)
        return batch if self.mels is None else batch | self.mels.batch(rows, augmentation)

    def count_missing(self) -> dict[str, int]:
        """Return modality → how many utterances lack it, ``text`` or ``audio``; only where any does."""
        masks = {"text": "has_text", "audio": "has_audio"}
        counts = {what: int((~self.arrays[name]).sum()) for what, name in masks.items() if name in self.arrays}
        if self.waveforms is not None:
            counts["audio"] = sum(clip is None for clip in self.waveforms.clips)
        if self.mels is not None:
            counts["audio"] = sum(mel is None for mel in self.mels.mels)
        return {modality: count for modality, count in counts.items() if count}

    def count_truncated(self) -> int:
        """Return how many texts are truncated."""
        return int(self.arrays["is_truncated"].sum()) if "is_truncated" in self.arrays else 0

    def describe_unknown_tokens(self) -> str:
        """Return a sentence on how many texts have tokens outside the vocabulary; ``""`` if none has."""
        n = int((self.arrays["num_unknown_tokens"] > 0).sum()) if "num_unknown_tokens" in self.arrays else 0
        if not n:
            return ""
        return _("Texts with tokens outside the encoder's vocabulary, such as emoji or another script: {n} of "
                 "{all}; all such tokens are encoded alike.",
                 n=format_count(n), all=format_count(len(self.ids)))  # fmt: skip

    def lengths(self) -> list[int]:
        """Return the length of the longest utterance of each unit, in frames or else tokens."""
        audio = self.mels or self.waveforms
        if audio is not None:
            rows: Sequence[int] = audio.lengths.tolist()
        else:
            rows = [len(tokens["input_ids"]) for tokens in self.encodings] or [0] * len(self.ids)
        return [max(rows[n] for n in unit) for unit in self.units]


class Preprocessor:
    """Makes the inputs of a model from utterances.

    Args:
        data: the recipe's ``data`` section.
        model: the recipe's ``model`` section.
        scaler: of the features, fitted on train; ``None`` without features.
        mel_statistics: of train; ``None`` for a model without mel spectrograms, and for those of images, which a
            frozen network gets.
        tokenizer: of the text encoder; ``None`` for a model without one.
        extractor: of the speech encoder; ``None`` for a model without one.

    Attributes:
        text, mel, waveform: preprocessors of each kind of input; ``None`` if the model does not take it.
    """

    def __init__(
        self,
        data: DataSettings,
        model: ModelSettings,
        scaler: FeatureScaler | None,
        mel_statistics: MelStatistics | None = None,
        *,
        tokenizer: TextTokenizer | None = None,
        extractor: SpeechFeatureExtractor | None = None,
    ) -> None:
        self.model_settings, self.scaler = model, scaler
        self.text = None if tokenizer is None else TextPreprocessor(data, model, tokenizer)
        if mel_statistics is None and uses_stage_encoder(model):
            mel_statistics = MelStatistics.of_images(num_mel_bands(model.audio.mel))
        self.mel = None if mel_statistics is None else MelPreprocessor(model.audio, mel_statistics)
        self.waveform = None if extractor is None else WaveformPreprocessor(model.audio, extractor)

    @classmethod
    def fit(
        cls, data: DataSettings, model: ModelSettings, train: Sequence[Utterance], **processors: Any
    ) -> Preprocessor:
        """Return a preprocessor with scaler and mel statistics fitted on the train split.

        Args:
            data, model: the recipe's sections.
            train: utterances.
            processors: ``tokenizer`` and ``extractor``, see the constructor.

        Raises:
            CorpusError: if the model takes audio and no train utterance has any that is usable.
        """
        statistics = None
        if kind := required_mel_kind(model):
            train = attach_audio([u.blind() for u in train], mel_kind=kind)
        if "audio" in MODELS.get(model.kind).modalities:
            if not any(u.audio is not None and u.audio.key for u in train):
                raise no_usable_audio_error()
            if not uses_speech_encoder(model) and not uses_stage_encoder(model):
                statistics = MelPreprocessor.fit(model.audio, train).statistics
        scaler = FeatureScaler.fit(compute_features(model.features, train)) if model.features else None
        return cls(data, model, scaler, statistics, **processors)

    @property
    def speaker_columns(self) -> SpeakerColumns:
        """The columns of its inputs that speaker normalization applies to."""
        return SpeakerColumns.of(self.model_settings, () if self.scaler is None else self.scaler.names)

    def transform(self, utterances: Sequence[Utterance]) -> ModelInputs:
        """Return the model inputs of N utterances; give whole dialogues to a model with context.

        Raises:
            PredictionsError: if two utterances have the same id.
        """
        blind = [u.blind() for u in utterances]
        if kind := required_mel_kind(self.model_settings):
            blind = attach_audio(blind, mel_kind=kind)
        rows = _rows_by_dialogue(blind)
        dialogue, turn = np.zeros(len(blind), dtype=np.int64), np.zeros(len(blind), dtype=np.int64)
        for n, members in enumerate(rows):
            dialogue[members], turn[members] = n, np.arange(len(members))
        speaker = np.array(_number_speakers(blind, rows), dtype=np.int64)
        arrays: dict[str, NDArray[Any]] = {"dialogue": dialogue, "turn": turn, "speaker": speaker}
        if self.scaler is not None and blind:
            table = compute_features(self.model_settings.features, blind).with_missing_tabular(self.scaler.names)
            arrays["features"] = self.scaler.transform(table)
            if self.model_settings.speaker_normalization:
                arrays["known_features"] = ~np.isnan(self.scaler.select(table))
        text_arrays, encodings = ({}, []) if self.text is None else self.text.transform(blind, rows)
        return ModelInputs(
            ids=tuple(u.id for u in blind),
            arrays=arrays | text_arrays,
            units=rows if self.model_settings.context == "dialogue" else [[n] for n in range(len(blind))],
            encodings=encodings,
            tokenizer=None if self.text is None else self.text.tokenizer,
            mels=None if self.mel is None else self.mel.transform(blind),
            waveforms=None if self.waveform is None else self.waveform.transform(blind),
            is_from_corpus=all(u.split for u in blind),
            notes={u.id: notes for n, u in enumerate(blind) if (notes := tuple(self._notes(u, text_arrays, n)))},
        )

    def _notes(self, u: Utterance, text_arrays: Mapping[str, NDArray[Any]], row: int) -> Iterator[str]:
        if self.text is not None:
            yield from self.text.describe_losses(text_arrays, row)
        if (self.mel is None and self.waveform is None) or u.audio is None:
            return
        audio, seconds = self.model_settings.audio, u.audio.seconds
        if audio.mel == "thesis" and seconds > THESIS_SECONDS:
            yield _("Only the first {n} s of its audio were used, of {seconds} s.",
                    n=THESIS_SECONDS, seconds=format_decimal(seconds, 1))  # fmt: skip
        elif audio.mel != "thesis" and seconds > audio.max_seconds:
            yield _("Only the middle {n} s of its audio were used, of {seconds} s.",
                    n=audio.max_seconds, seconds=format_decimal(seconds, 1))  # fmt: skip


def _rows_by_dialogue(utterances: Sequence[Utterance]) -> list[list[int]]:
    row_of = {u.id: n for n, u in enumerate(utterances)}
    if len(row_of) < len(utterances):
        raise PredictionsError(_("Two utterances have the same id; ids must be unique."))
    return [[row_of[u.id] for u in d.utterances] for d in group_dialogues(utterances)]


def _number_speakers(utterances: Sequence[Utterance], rows: list[list[int]]) -> list[int]:
    """Number the speakers of each dialogue; unnamed ones are all different, and so are equal names elsewhere."""
    numbers: dict[tuple[int, str | int], int] = {}
    speakers = [0] * len(utterances)
    for n, members in enumerate(rows):
        for row in members:
            speakers[row] = numbers.setdefault((n, utterances[row].speaker or row), len(numbers))
    return speakers
