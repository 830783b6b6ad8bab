"""What each word adds to a score: integrated gradients of the tokens, joined to words."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sentir.corpus.utterances import Utterance
from sentir.errors import SentirError
from sentir.explanation.results import Passage, TextAttribution, WordAttribution
from sentir.explanation.score_function import ScoreFunction
from sentir.i18n import _
from sentir.preprocessing.text import TextPreprocessor

MIN_STEPS, MAX_STEPS = 16, 256  # steps of the integration
COMPLETENESS_TOLERANCE = 0.01  # largest delta: this share of the difference, or this much of the score
_MAX_BATCH_TOKENS = 4096  # padded tokens per forward pass
_SEARCH_WINDOW = 24  # characters within which a word is looked for in the text


def attribute_text(
    score_function: ScoreFunction,
    text: TextPreprocessor,
    utterances: Sequence[Utterance],
    *,
    steps: int | None = None,
) -> TextAttribution | None:
    """Attribute a probe's score to the words of its utterances (Sundararajan et al., ICML 2017).

    The way goes from every word replaced by the tokenizer's mask (or padding) token to the words themselves, in
    all utterances that the answer hangs on at once; special tokens, sound and numbers stay. Steps double until
    the values add up.

    Args:
        score_function: held still.
        text: the recognizer's input.
        utterances: the N of the probe.
        steps: fixed, instead of as many as it takes.

    Returns:
        The words; ``None`` if there are none.

    Raises:
        SentirError: if captum is not installed.
    """
    plain = text.tokenizer.tokenizer
    ids = score_function.inputs["input_ids"]
    content = score_function.inputs["attention_mask"].bool() & ~_special_token_mask(plain, ids)
    if not content.any():
        return None
    token = plain.pad_token if plain.mask_token is None else plain.mask_token
    masked = torch.where(content, plain.convert_tokens_to_ids(token), ids)
    with _cached_audio_encoder(score_function.model):
        with torch.no_grad():
            end, start = (float(score_function.score(given)[0]) for given in (ids, masked))
        values, delta, used = _integrate_gradients(score_function, ids, masked, end - start, steps)
    found = _make_passages(score_function, text, utterances, content.cpu().numpy(), values)
    return TextAttribution(
        tuple(found), baseline_score=start, convergence_delta=delta, steps=used, baseline_token=token
    )


class _CachedAudioEncoder(nn.Module):
    """Stands in for an audio encoder: hears the N utterances it is first asked about, and tells of them again."""

    def __init__(self, audio: nn.Module) -> None:
        super().__init__()
        self.wrapped = [audio]  # a list: the encoder is no part of this one
        self.input_names = audio.input_names
        self.cached_outputs: tuple[Tensor, ...] = ()

    def forward(self, has_audio: Tensor, **audio_inputs: Tensor) -> tuple[Tensor, ...]:
        """Return the vectors of c versions of the utterances, one after the other."""
        self.cached_outputs = self.cached_outputs or self.wrapped[0](has_audio=has_audio, **audio_inputs)
        versions = len(has_audio) // len(self.cached_outputs[0])
        return tuple(found.repeat(versions, *(1,) * (found.ndim - 1)) for found in self.cached_outputs)


@contextmanager
def _cached_audio_encoder(model: nn.Module) -> Iterator[None]:
    """Let a model that also listens do so once, however many versions of the words it reads."""
    audio = getattr(model, "audio", None)
    if audio is not None:
        model.audio = _CachedAudioEncoder(audio)
    try:
        yield
    finally:
        if audio is not None:
            model.audio = audio


def _special_token_mask(tokenizer: Any, ids: Tensor) -> Tensor:
    """Return which tokens are the tokenizer's own; an unknown word is a word."""
    special = [n for n in tokenizer.all_special_ids if n != tokenizer.unk_token_id]
    return torch.isin(ids, torch.tensor(special, device=ids.device))


def _integrate_gradients(
    score_function: ScoreFunction, ids: Tensor, masked: Tensor, difference: float, fixed_steps: int | None
) -> tuple[NDArray[np.float64], float, int]:
    """Return the ``(N, T)`` values of tokens, by how much they miss the difference, and the steps it took."""
    gradients_class = load_layer_integrated_gradients()
    assert score_function.encoder is not None
    method = gradients_class(score_function.score, score_function.encoder.transformer.get_input_embeddings())
    at_once = max(len(ids), _MAX_BATCH_TOKENS // ids.shape[1])
    steps = fixed_steps or MIN_STEPS
    while True:
        found = method.attribute(ids, baselines=masked, n_steps=steps, internal_batch_size=at_once)
        values = found.sum(-1).double().cpu().numpy()
        delta = float(values.sum() - difference)
        if fixed_steps or abs(delta) <= COMPLETENESS_TOLERANCE * max(1.0, abs(difference)) or steps >= MAX_STEPS:
            return values, delta, steps
        steps *= 2


def load_layer_integrated_gradients() -> Any:
    """Return captum's class.

    Raises:
        SentirError: if it is not installed.
    """
    try:
        from captum.attr import LayerIntegratedGradients
    except ImportError as error:
        raise SentirError(
            _("Explaining words needs captum; install it with: pip install 'sentir[explain]'")
        ) from error
    return LayerIntegratedGradients


def _make_passages(
    score_function: ScoreFunction,
    text: TextPreprocessor,
    utterances: Sequence[Utterance],
    content: NDArray[np.bool_],
    values: NDArray[np.float64],
) -> Iterator[Passage]:
    ids = score_function.inputs["input_ids"].cpu().numpy()
    pooled = score_function.inputs["pool_mask"].bool().cpu().numpy()
    for row, u in enumerate(utterances):
        place = "own" if row == score_function.row else "before" if row < score_function.row else "after"
        begun = pooled[row].cumsum() > 0
        for mine, where, there in (
            (False, "before", ~begun),
            (True, place, pooled[row]),
            (False, "after", begun & ~pooled[row]),
        ):
            chosen = content[row] & there
            for turn in [np.flatnonzero(chosen)] if mine and chosen.any() else _split_contiguous(chosen):
                words = merge_subwords(text.tokenizer.tokenizer, ids[row][turn].tolist(), values[row][turn])
                if not mine:
                    yield Passage("", None, where, tuple(WordAttribution(name, value) for name, value in words))
                    continue
                written = restore_spelling([name for name, _value in words], _tokenizer_text(text, u))
                own = (
                    WordAttribution(name, value, glued)
                    for (name, glued), (_n, value) in zip(written, words, strict=True)
                )
                yield Passage(u.id, u.speaker, where, tuple(own))


def _split_contiguous(mask: NDArray[np.bool_]) -> list[NDArray[np.intp]]:
    """Return the positions that are chosen, apart where the tokenizer's own tokens stand between."""
    places = np.flatnonzero(mask)
    return np.split(places, np.flatnonzero(np.diff(places) > 1) + 1) if len(places) else []


def _tokenizer_text(text: TextPreprocessor, u: Utterance) -> str:
    """Return the text as the tokenizer gets it."""
    return text.tokenizer.normalize(text.input_text(u))


def merge_subwords(tokenizer: Any, ids: Sequence[int], values: Sequence[float]) -> list[tuple[str, float]]:
    """Join the pieces of any tokenizer to words and add up their values.

    A piece belongs to the word that decoding everything up to it ends in, so that no family's marks are known.
    """

    def decode(given: Sequence[int]) -> list[str]:
        found: list[str] = tokenizer.decode(given, clean_up_tokenization_spaces=False).split()
        return found

    words = decode(ids)
    if not words:
        return [("", float(np.sum(values)))]
    totals = [0.0] * len(words)
    for n, value in enumerate(values, start=1):
        totals[min(max(1, len(decode(ids[:n]))), len(words)) - 1] += float(value)
    return list(zip(words, totals, strict=True))


def restore_spelling(words: Sequence[str], text: str) -> Iterator[tuple[str, bool]]:
    """Give each word in the letters of the text, and whether it follows without a space, where it is found."""
    plain, place = _fold_case_and_accents(text), 0
    for word in words:
        start = plain.find(_fold_case_and_accents(word), place, place + _SEARCH_WINDOW + len(word))
        if start < 0:
            yield word, False
            continue
        glued = 0 < start == place
        place = start + len(word)
        yield text[start:place], glued


def _fold_case_and_accents(text: str) -> str:
    """Return a text of the same length without capitals and accents."""
    letters = (unicodedata.normalize("NFD", letter)[0] for letter in text)
    return "".join(letter.lower() if len(letter.lower()) == 1 else letter for letter in letters)
