"""Text of utterances → token ids."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from sentir.corpus.cleaning import clean_text
from sentir.corpus.invisible_characters import is_blank
from sentir.corpus.utterances import Utterance
from sentir.models.tokenization import Encoding, TextTokenizer
from sentir.recipe import DataSettings, ModelSettings


class TextPreprocessor:
    """What lies between a text and a text encoder.

    Args:
        data: the recipe's ``data`` section (text cleaning).
        model: the recipe's ``model`` section (context).
        tokenizer: of the encoder.
    """

    def __init__(self, data: DataSettings, model: ModelSettings, tokenizer: TextTokenizer) -> None:
        self.data, self.model, self.tokenizer = data, model, tokenizer

    def transform(
        self, utterances: Sequence[Utterance], dialogues: list[list[int]]
    ) -> tuple[dict[str, Tensor], list[Encoding]]:
        """Turn N utterances into N encodings.

        Beside them stand ``has_text`` ``(N,)``, ``is_truncated`` ``(N,)``, and ``unknown`` ``(N,)``, how many
        tokens the encoder's vocabulary lacks.

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
        has_text["num_unknown_tokens"] = torch.tensor(
            [self.tokenizer.count_unknown(row) for row in encodings], dtype=torch.long
        )
        return has_text, encodings

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
