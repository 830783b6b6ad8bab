"""Text of utterances → token ids, or the vectors of a frozen encoder."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from sentir.corpus.cleaning import clean_text
from sentir.corpus.invisible_characters import is_blank
from sentir.corpus.utterances import Utterance
from sentir.errors import RecipeError
from sentir.i18n import _
from sentir.models.lora import add_lora
from sentir.models.text_backbones import TEXT_BACKBONES
from sentir.models.text_encoder import TextEncoder, load_text_encoder
from sentir.models.tokenization import TextTokenizer
from sentir.recipe import DataSettings, ModelSettings
from sentir.recognizer.embedding_cache import Encoding, encode_texts, encoder_digest, last_modified_ns


class TextPreprocessor:
    """What lies between a text and a model that reads.

    Args:
        data: the recipe's data section (text cleaning).
        model: the recipe's model section (backbone, context).
        weights: folder of a saved encoder, which takes the place of the recipe's; of the recipe's backbone then
            only the normalization is used, and only if its name is known.

    Attributes:
        digest: names a frozen encoder by its weights; ``""`` for one that is trained.
    """

    def __init__(self, data: DataSettings, model: ModelSettings, *, encoder_folder: str | None = None) -> None:
        require_pretrained(model)
        self.frozen = model.encoder == "frozen"
        self.data, self.model = data, model
        layers = model.layers
        if layers is None and not self.frozen:
            layers = (-1,)
        name = model.backbone if encoder_folder is None or model.backbone in TEXT_BACKBONES else encoder_folder
        source = encoder_folder or model.weights
        wanted: dict[str, Any] = {
            "weights": source,
            "pretrained": model.pretrained or encoder_folder is not None,
            "layers": layers,
            "pooling": model.token_pooling,
            "max_length": model.max_length,
        }
        if self.frozen:
            self.encoder, self.tokenizer, self.digest = _load_frozen_encoder(
                last_modified_ns(source or name), name, **wanted
            )
        else:
            self.encoder, self.tokenizer, _spec = load_text_encoder(name, **wanted)
            self.digest = ""
        if model.encoder == "lora" and encoder_folder is None:  # saved ones have theirs merged
            add_lora(self.encoder, model.lora)

    def transform(
        self, utterances: Sequence[Utterance], dialogues: list[list[int]]
    ) -> tuple[dict[str, Tensor], list[Encoding]]:
        """Turn N utterances into ``text_states`` ``(N, L, d)`` of a frozen encoder, or into N encodings.

        Beside them stand ``has_text`` ``(N,)``, ``is_cut`` ``(N,)``, whether only the beginning is read, and
        ``unknown`` ``(N,)``, how many pieces of it the encoder's vocabulary lacks.

        Args:
            utterances: blind ones.
            dialogues: their rows by dialogue, each in the order of its turns.
        """
        texts = [clean_text(u.text or "", self.data.cleaning) for u in utterances]
        has_text = {"has_text": torch.tensor([not is_blank(text) for text in texts], dtype=torch.bool)}
        texts = self._prepend_speakers(texts, [u.speaker for u in utterances])
        encodings = self._tokenize(texts, dialogues)
        full = (len(row["input_ids"]) >= self.tokenizer.max_length for row in encodings)
        cut = [is_full and self.tokenizer.is_truncated(text) for is_full, text in zip(full, texts, strict=True)]
        has_text["is_truncated"] = torch.tensor(cut, dtype=torch.bool)
        has_text["unknown"] = torch.tensor(
            [self.tokenizer.count_unknown(row) for row in encodings], dtype=torch.long
        )
        if not self.frozen:
            return has_text, encodings
        remember = all(u.split for u in utterances)
        states = encode_texts(self.encoder, self.tokenizer, encodings, digest=self.digest, use_cache=remember)
        return has_text | {"text_states": torch.from_numpy(states)}, []

    def _prepend_speakers(self, texts: list[str], speakers: list[str | None]) -> list[str]:
        if self.model.context != "window" or not self.model.window_speakers:
            return texts
        return [f"{who}: {text}" if who else text for who, text in zip(speakers, texts, strict=True)]

    def _tokenize(self, texts: list[str], dialogues: list[list[int]]) -> list[Encoding]:
        if self.model.context != "window":
            return [self.tokenizer.encode(text) for text in texts]
        encodings: list[Encoding] = [{}] * len(texts)
        for rows in dialogues:
            for place, row in enumerate(rows):
                before = [texts[n] for n in rows[max(0, place - self.model.window) : place]]
                after = [texts[n] for n in rows[place + 1 : place + 1 + self.model.window_right]]
                if not self.model.window_separators:
                    before = [" ".join(before)]
                encodings[row] = self.tokenizer.encode(texts[row], before, after)
        return encodings


def require_pretrained(model: ModelSettings) -> None:
    """Refuse a frozen encoder of random weights.

    Raises:
        RecipeError: saying what to set.
    """
    if model.encoder == "frozen" and not model.pretrained:
        raise RecipeError(
            _("'model.encoder = frozen' needs pretrained weights; set model.pretrained=true or fine-tune.")
        )


@lru_cache(maxsize=2)
def _load_frozen_encoder(modified_ns: int, name: str, **wanted: Any) -> tuple[TextEncoder, TextTokenizer, str]:
    """Load and hash an encoder that never changes, so that trainings share it, and that was ``modified_ns`` then."""
    encoder, tokenizer, _spec = load_text_encoder(name, **wanted)
    return encoder, tokenizer, encoder_digest(encoder)
