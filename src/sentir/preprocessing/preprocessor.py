"""Utterances → tensors: the one place where text, sound, features and dialogue order become what a model takes.

The same `Preparer` serves training, evaluation, the command line and a server. It makes utterances blind before
it looks at them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sentir.audio.store import attach_audio
from sentir.audio.thesis_mel import THESIS_SECONDS as THESIS_SECONDS
from sentir.corpus.utterances import Utterance, group_dialogues
from sentir.errors import PredictionsError
from sentir.features import compute_features
from sentir.features.scaling import FeatureScaler
from sentir.i18n import _, format_count, format_decimal
from sentir.models.factory import MODELS
from sentir.models.speech_backbones import SpeechFeatureExtractor
from sentir.models.tokenization import Encoding, TextTokenizer
from sentir.preprocessing.kinds import uses_speech_encoder
from sentir.preprocessing.mel import MelInputs, MelPreprocessor, MelStatistics, SeededAugmentation
from sentir.preprocessing.text import TextPreprocessor
from sentir.preprocessing.waveform import WaveformInputs, WaveformPreprocessor, require_usable_audio
from sentir.recipe import DataSettings, ModelSettings


@dataclass(frozen=True)
class ModelInputs:
    """N utterances as a model takes them, batched by row.

    Attributes:
        ids: N utterance ids.
        tensors: by N rows, ``text_states`` and ``speech_states`` (N, L, d), ``features`` (N, F), ``dialogue``,
            ``turn`` and ``speaker`` (N,), the last equal where the same one speaks in the same dialogue.
        units: rows that must share a batch: whole dialogues where the model has dialogue context.
        encodings: N encodings, padded batch by batch; empty when the text was encoded beforehand or is not read.
        tokenizer: pads them.
        mels: what they sound like, for a model that listens by a network over mels.
        waveforms: what they sound like, for one that learns to listen by a speech encoder.
        is_from_corpus: whether all of them are a corpus' own, so that embeddings of them are worth caching.
        notes: id → what of it the model does not read or hear, a sentence each; not those of which it takes all.
    """

    ids: tuple[str, ...]
    tensors: dict[str, Tensor]
    units: list[list[int]]
    encodings: list[Encoding]
    tokenizer: TextTokenizer | None = None
    mels: MelInputs | None = None
    waveforms: WaveformInputs | None = None
    is_from_corpus: bool = False
    notes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def batch(self, rows: Sequence[int], augmentation: SeededAugmentation | None = None) -> dict[str, Tensor]:
        """Return the inputs of ``rows`` as a flat dictionary of tensors, mels changed as training asks."""
        index = torch.tensor(rows, dtype=torch.long)
        batch = {name: tensor[index] for name, tensor in self.tensors.items()}
        if self.encodings and self.tokenizer is not None:
            batch |= self.tokenizer.pad([self.encodings[n] for n in rows])
        if self.waveforms is not None:
            batch |= self.waveforms.batch(rows)
        return batch if self.mels is None else batch | self.mels.batch(rows, augmentation)

    def count_missing(self) -> dict[str, int]:
        """Return how many utterances have no usable ``text`` or ``sound``, where a model takes it."""
        known = {"text": "has_text", "audio": "has_audio"}
        found = {kind: int((~self.tensors[name]).sum()) for kind, name in known.items() if name in self.tensors}
        if self.waveforms is not None:
            found["audio"] = sum(clip is None for clip in self.waveforms.clips)
        if self.mels is not None:
            found["audio"] = sum(mel is None for mel in self.mels.mels)
        return {name: count for name, count in found.items() if count}

    def count_truncated(self) -> int:
        """Return of how many utterances only the beginning is read."""
        return int(self.tensors["is_truncated"].sum()) if "is_truncated" in self.tensors else 0

    def describe_unknown_tokens(self) -> str:
        """Say in how many texts there are pieces that the encoder's vocabulary lacks; ``""`` if in none."""
        n = int((self.tensors["num_unknown_tokens"] > 0).sum()) if "num_unknown_tokens" in self.tensors else 0
        if not n:
            return ""
        return _("Texts with pieces that the encoder does not know, such as emoji or another script: {n} of "
                 "{all}; all such pieces count alike.", n=format_count(n), all=format_count(len(self.ids)))  # fmt: skip

    def lengths(self) -> list[int]:
        """Return for each unit how long its longest utterance is, in frames or else tokens."""
        sound = self.mels or self.waveforms
        if sound is not None:
            rows: Sequence[int] = sound.lengths.tolist()
        else:
            rows = [len(tokens["input_ids"]) for tokens in self.encodings] or [0] * len(self.ids)
        return [max(rows[n] for n in unit) for unit in self.units]


class Preprocessor:
    """What lies between an utterance and a model.

    Args:
        data: the recipe's data section.
        model: the recipe's model section.
        scaler: the feature scaler fitted on train; ``None`` without features.
        levels: the mel levels of train; ``None`` for a model that hears no mels.
        tokenizer, extractor: of the text and the speech encoder; ``None`` for a model without.

    Attributes:
        text, mel, waveform: the inputs that the kind of model needs; ``None`` where it does not.
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
        self.data, self.model, self.scaler = data, model, scaler
        self.text = None if tokenizer is None else TextPreprocessor(data, model, tokenizer)
        self.mel = None if mel_statistics is None else MelPreprocessor(model.audio, mel_statistics)
        self.waveform = None if extractor is None else WaveformPreprocessor(model.audio, extractor)

    @classmethod
    def fit(
        cls, data: DataSettings, model: ModelSettings, train: Sequence[Utterance], **processors: Any
    ) -> Preprocessor:
        """Make a preprocessor whose scaler and mel statistics are fitted on the train split.

        Args:
            data, model: the recipe's sections.
            train: utterances.
            processors: ``tokenizer`` and ``extractor``, as the constructor takes them.

        Raises:
            CorpusError: if the model takes audio and no train utterance has any that is usable.
        """
        statistics = None
        if "audio" in MODELS.get(model.kind).modalities:
            train = attach_audio([u.blind() for u in train], mel_kind=model.audio.mel)
            require_usable_audio(train)
            if not uses_speech_encoder(model):
                statistics = MelPreprocessor.fit(model.audio, train).statistics
        scaler = FeatureScaler.fit(compute_features(model.features, train)) if model.features else None
        return cls(data, model, scaler, statistics, **processors)

    def transform(self, utterances: Sequence[Utterance]) -> ModelInputs:
        """Turn N utterances, whole dialogues where context matters, into model inputs.

        Raises:
            PredictionsError: if an utterance id stands twice.
        """
        blind = [u.blind() for u in utterances]
        if self.mel is not None or self.waveform is not None:
            blind = attach_audio(blind, mel_kind=self.model.audio.mel)
        rows = _rows_by_dialogue(blind)
        number, turn = np.zeros(len(blind), dtype=np.int64), np.zeros(len(blind), dtype=np.int64)
        for n, members in enumerate(rows):
            number[members], turn[members] = n, np.arange(len(members))
        tensors = {"dialogue": torch.from_numpy(number), "turn": torch.from_numpy(turn)}
        tensors["speaker"] = torch.tensor(_number_speakers(blind, rows), dtype=torch.long)
        if self.scaler is not None and blind:
            table = compute_features(self.model.features, blind).with_missing_tabular(self.scaler.names)
            tensors["features"] = torch.from_numpy(self.scaler.transform(table))
        states, encodings = ({}, []) if self.text is None else self.text.transform(blind, rows)
        return ModelInputs(
            ids=tuple(u.id for u in blind),
            tensors=tensors | states,
            units=rows if self.model.context == "dialogue" else [[n] for n in range(len(blind))],
            encodings=encodings,
            tokenizer=None if self.text is None else self.text.tokenizer,
            mels=None if self.mel is None else self.mel.transform(blind),
            waveforms=None if self.waveform is None else self.waveform.transform(blind),
            is_from_corpus=all(u.split for u in blind),
            notes={u.id: notes for u, *limits in zip(blind, *_text_limits(states, len(blind)), strict=True)
                   if (notes := tuple(self._notes(u, *limits)))},
        )  # fmt: skip

    def _notes(self, u: Utterance, is_truncated: int, unknown_tokens: int) -> Iterator[str]:
        if self.text is not None and is_truncated:
            most = self.text.tokenizer.max_length
            yield _("Only the beginning of its text was read, {most} tokens.", most=most)
        if unknown_tokens:
            yield _("Pieces of its text that the encoder does not know, such as emoji: {n}.", n=unknown_tokens)
        if (self.mel is None and self.waveform is None) or u.audio is None:
            return
        heard, seconds = self.model.audio, u.audio.seconds
        long = format_decimal(seconds, 1)
        if heard.mel == "thesis" and seconds > THESIS_SECONDS:
            yield _(
                "Only the first {n} s of its audio were used, of {seconds} s.",
                n=THESIS_SECONDS,
                seconds=long,
            )
        elif heard.mel != "thesis" and seconds > heard.max_seconds:
            yield _(
                "Only the middle {n} s of its audio were used, of {seconds} s.",
                n=heard.max_seconds,
                seconds=long,
            )


def _text_limits(states: Mapping[str, Tensor], n: int) -> list[list[int]]:
    """Return of each of n utterances whether only the beginning is read, and how many pieces are not known."""
    return [
        states[name].tolist() if name in states else [0] * n for name in ("is_truncated", "num_unknown_tokens")
    ]


def _rows_by_dialogue(utterances: Sequence[Utterance]) -> list[list[int]]:
    row_of = {u.id: n for n, u in enumerate(utterances)}
    if len(row_of) < len(utterances):
        raise PredictionsError(_("An utterance id stands twice; give every utterance its own."))
    return [[row_of[u.id] for u in d.utterances] for d in group_dialogues(utterances)]


def _number_speakers(utterances: Sequence[Utterance], rows: list[list[int]]) -> list[int]:
    """Number the speakers of each dialogue; a name in another dialogue, and no name, is another speaker."""
    numbers: dict[tuple[int, str | int], int] = {}
    found = [0] * len(utterances)
    for n, members in enumerate(rows):
        for row in members:
            found[row] = numbers.setdefault((n, utterances[row].speaker or row), len(numbers))
    return found
