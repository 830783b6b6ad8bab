"""Texts of utterances → token ids."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentir.corpus.cleaning import clean_text
from sentir.corpus.invisible_characters import is_blank
from sentir.corpus.utterances import Utterance
from sentir.i18n import _
from sentir.models.tokenization import Encoding, TextTokenizer, Window
from sentir.recipe import DataSettings, ModelSettings


class TextPreprocessor:
    """Cleans and tokenizes texts, each in a window of turns if the model has one.

    Args:
        data: the recipe's ``data`` section.
        model: the recipe's ``model`` section.
        tokenizer: of the text encoder.
    """

    def __init__(self, data: DataSettings, model: ModelSettings, tokenizer: TextTokenizer) -> None:
        self.cleaning, self.model_settings, self.tokenizer = data.cleaning, model, tokenizer

    def transform(
        self, utterances: Sequence[Utterance], dialogues: list[list[int]]
    ) -> tuple[dict[str, NDArray[Any]], list[Encoding]]:
        """Tokenize the texts of N utterances.

        Args:
            utterances: blind ones.
            dialogues: their rows by dialogue, each in the order of its turns.

        Returns:
            The arrays ``has_text``, ``is_truncated`` and ``num_unknown_tokens``, each ``(N,)``, and N encodings.
        """
        texts = [clean_text(u.text or "", self.cleaning) for u in utterances]
        has_text = [not is_blank(text) for text in texts]
        texts = [self._prepend_speaker(text, u.speaker) for text, u in zip(texts, utterances, strict=True)]
        encodings = self._tokenize(texts, dialogues)
        is_truncated = [
            len(row["input_ids"]) >= self.tokenizer.max_length and self.tokenizer.is_truncated(text)
            for row, text in zip(encodings, texts, strict=True)
        ]
        unknown = [self.tokenizer.count_unknown(row) for row in encodings]
        arrays = {
            "has_text": np.array(has_text, dtype=bool),
            "is_truncated": np.array(is_truncated, dtype=bool),
            "num_unknown_tokens": np.array(unknown, dtype=np.int64),
        }
        return arrays, encodings

    def describe_losses(self, arrays: Mapping[str, NDArray[Any]], row: int) -> Iterator[str]:
        """Yield sentences on what is lost of the text in a row of the arrays of `transform`."""
        if arrays["is_truncated"][row]:
            yield _("Its text was truncated to {limit} tokens.", limit=self.tokenizer.max_length)
        if n := int(arrays["num_unknown_tokens"][row]):
            yield _("Tokens of its text outside the encoder's vocabulary, such as emoji: {n}.", n=n)

    def input_text(self, utterance: Utterance) -> str:
        """Return the cleaned text of an utterance, with its speaker if the window has speakers."""
        return self._prepend_speaker(clean_text(utterance.text or "", self.cleaning), utterance.speaker)

    def _prepend_speaker(self, text: str, speaker: str | None) -> str:
        has_speakers = self.model_settings.context == "window" and self.model_settings.window_speakers
        return f"{speaker}: {text}" if has_speakers and speaker else text

    def _tokenize(self, texts: list[str], dialogues: list[list[int]]) -> list[Encoding]:
        settings = self.model_settings
        if settings.context != "window":
            return self.tokenizer.encode_batch([(text, (), ()) for text in texts])
        windows: list[Window] = [("", (), ())] * len(texts)
        for rows in dialogues:
            for turn, row in enumerate(rows):
                before = [texts[n] for n in rows[max(0, turn - settings.window) : turn]]
                after = [texts[n] for n in rows[turn + 1 : turn + 1 + settings.window_right]]
                if not settings.window_separators:
                    before = [" ".join(before)]
                windows[row] = (texts[row], before, after)
        return self.tokenizer.encode_batch(windows)
