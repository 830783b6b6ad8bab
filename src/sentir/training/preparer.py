"""Utterances → tensors: the one place where text, features and dialogue order become what a model takes.

The same `Preparer` serves training, evaluation, the command line and a server. It makes utterances blind before
it looks at them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sentir.corpus.cleaning import clean
from sentir.corpus.types import Utterance, group_dialogues
from sentir.errors import PredictionsError, RecipeError
from sentir.features import compute_features
from sentir.features.scaling import Scaler
from sentir.i18n import _
from sentir.models.encoders import TextEncoder, load_text_encoder
from sentir.models.text_backbones import TEXT_BACKBONES
from sentir.models.tokenization import TextTokenizer
from sentir.recipe import Data, Model
from sentir.training.vectors import Encoding, encode_frozen, encoder_digest


@dataclass(frozen=True)
class Prepared:
    """N utterances as a model takes them, batched by row.

    Attributes:
        ids: N utterance ids.
        tensors: by N rows, ``text_states`` (N, L, d), ``features`` (N, F), ``dialogue`` and ``turn`` (N,).
        tokens: N encodings, padded batch by batch; empty when the text was encoded beforehand.
        units: rows that must share a batch: whole dialogues where the model has dialogue context.
    """

    ids: tuple[str, ...]
    tensors: dict[str, Tensor]
    tokens: list[Encoding]
    units: list[list[int]]
    tokenizer: TextTokenizer

    def batch(self, rows: Sequence[int]) -> dict[str, Tensor]:
        """Return the inputs of ``rows`` as a flat dictionary of tensors."""
        index = torch.tensor(rows, dtype=torch.long)
        batch = {name: tensor[index] for name, tensor in self.tensors.items()}
        return batch | (self.tokenizer.pad([self.tokens[n] for n in rows]) if self.tokens else {})


class Preparer:
    """What lies between an utterance and a model.

    Args:
        data: the recipe's data section (text cleaning).
        model: the recipe's model section (backbone, context, features).
        scaler: the feature scaler fitted on train; ``None`` without features.
        weights: folder of a saved encoder, which takes the place of the recipe's; of the recipe's backbone then
            only the normalization is used, and only if its name is known.
    """

    def __init__(self, data: Data, model: Model, scaler: Scaler | None, *, weights: str | None = None) -> None:
        if model.encoder == "frozen" and not model.pretrained:
            raise RecipeError(
                _("'model.encoder = frozen' needs pretrained weights; set model.pretrained=true or fine-tune.")
            )
        self.data, self.model, self.scaler = data, model, scaler
        layers = model.layers
        if layers is None and model.encoder == "finetune":
            layers = (-1,)
        load = _load_shared if model.encoder == "frozen" else _load_own
        self.encoder, self.tokenizer, self.spec = load(
            model.backbone if weights is None or model.backbone in TEXT_BACKBONES else weights,
            weights or model.weights,
            model.pretrained or weights is not None,
            layers,
            model.max_length,
        )
        self.digest = encoder_digest(self.encoder) if model.encoder == "frozen" else ""

    @classmethod
    def fit(cls, data: Data, model: Model, train: Sequence[Utterance]) -> Preparer:
        """Make a preparer whose scaler is fitted on the train split's features."""
        scaler = Scaler.fit(compute_features(model.features, train)) if model.features else None
        return cls(data, model, scaler)

    def prepare(self, utterances: Sequence[Utterance]) -> Prepared:
        """Turn N utterances, whole dialogues where context matters, into model inputs.

        Raises:
            PredictionsError: if an utterance id stands twice.
        """
        blind = [u.blind() for u in utterances]
        dialogues = group_dialogues(blind)
        row_of = {u.id: n for n, u in enumerate(blind)}
        if len(row_of) < len(blind):
            raise PredictionsError(_("An utterance id stands twice; give every utterance its own."))
        rows = [[row_of[u.id] for u in d.utterances] for d in dialogues]
        number, turn = np.zeros(len(blind), dtype=np.int64), np.zeros(len(blind), dtype=np.int64)
        for n, members in enumerate(rows):
            number[members], turn[members] = n, np.arange(len(members))
        tensors = {"dialogue": torch.from_numpy(number), "turn": torch.from_numpy(turn)}
        if self.scaler is not None:
            table = compute_features(self.model.features, blind).with_given(self.scaler.names)
            scaled = self.scaler.transform(table)
            tensors["features"] = torch.from_numpy(scaled)
        encodings = self._encode(blind, rows)
        if self.model.encoder == "frozen":
            states = encode_frozen(self.encoder, self.tokenizer, encodings, digest=self.digest)
            tensors["text_states"] = torch.from_numpy(states)
            encodings = []
        units = rows if self.model.context == "dialogue" else [[n] for n in range(len(blind))]
        return Prepared(tuple(u.id for u in blind), tensors, encodings, units, self.tokenizer)

    def _encode(self, utterances: Sequence[Utterance], dialogues: list[list[int]]) -> list[Encoding]:
        texts = [clean(u.text or "", self.data.cleaning) for u in utterances]
        if self.model.context != "window":
            return [self.tokenizer.encode(text) for text in texts]
        if self.model.window_speakers:
            texts = [f"{u.speaker}: {t}" if u.speaker else t for u, t in zip(utterances, texts, strict=True)]
        encodings: list[Encoding] = [{}] * len(texts)
        for rows in dialogues:
            for position, row in enumerate(rows):
                before = " ".join(texts[n] for n in rows[max(0, position - self.model.window) : position])
                encodings[row] = self.tokenizer.encode(texts[row], before)
        return encodings


def _load_own(
    name: str, weights: str | None, pretrained: bool, layers: tuple[int, ...] | None, max_length: int | None
) -> tuple[TextEncoder, TextTokenizer, Any]:
    return load_text_encoder(name, weights=weights, pretrained=pretrained, layers=layers, max_length=max_length)


_load_shared = lru_cache(maxsize=2)(_load_own)  # a frozen encoder never changes, so trainings share it
