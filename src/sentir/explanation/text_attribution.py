"""Word attributions: integrated gradients of the tokens, summed over words."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sentir.corpus.utterances import Utterance
from sentir.errors import SentirError
from sentir.explanation.detached_copies import ReplayedEncoder, detached_copies
from sentir.explanation.results import Passage, TextAttribution, WordAttribution
from sentir.explanation.score_function import ScoreFunction
from sentir.i18n import _
from sentir.preprocessing.text import TextPreprocessor

MIN_STEPS, MAX_STEPS = 16, 256  # steps of the integration
COMPLETENESS_TOLERANCE = 0.01  # largest convergence delta, relative to the difference of scores or absolute
_MAX_BATCH_TOKENS = 4096  # padded tokens per forward pass
_SEARCH_WINDOW = 24  # characters within which a word is searched for in the text


def attribute_text(
    score_function: ScoreFunction,
    text: TextPreprocessor,
    utterances: Sequence[Utterance],
    *,
    steps: int | None = None,
) -> TextAttribution | None:
    """Attribute a score to the words of its utterances by integrated gradients (Sundararajan et al., ICML 2017).

    The baseline replaces every word of all utterances that the prediction depends on by the tokenizer's mask (or
    padding) token; special tokens, audio and features stay. The number of steps is doubled until the attributions
    sum to the difference of scores.

    Args:
        score_function: that is explained.
        text: the recognizer's preprocessor of texts.
        utterances: the N utterances of the score function.
        steps: a fixed number of steps.

    Returns:
        The attribution; ``None`` if there are no words.

    Raises:
        SentirError: if captum is not installed.
    """
    plain = text.tokenizer.tokenizer
    ids = score_function.inputs["input_ids"]
    content = score_function.inputs["attention_mask"].bool() & ~_special_token_mask(plain, ids)
    if not content.any():
        return None
    token = plain.mask_token or plain.pad_token
    masked = torch.where(content, plain.token_id(token), ids)
    score_function = _cache_audio(score_function)
    with torch.no_grad():
        score, baseline = (float(score_function.score(tokens)[0]) for tokens in (ids, masked))
    values, delta, steps = _integrate_gradients(score_function, ids, masked, score - baseline, steps)
    passages = _make_passages(score_function, text, utterances, content.cpu().numpy(), values)
    return TextAttribution(
        tuple(passages), baseline_score=baseline, convergence_delta=delta, steps=steps, baseline_token=token
    )


def _cache_audio(score_function: ScoreFunction) -> ScoreFunction:
    """Make a model with an audio encoder encode audio once, however often it is run on other tokens."""
    if getattr(score_function.model, "audio", None) is None:
        return score_function
    model, encoder = detached_copies(score_function.model, score_function.encoder)
    model.audio = ReplayedEncoder(model.audio)
    return replace(score_function, model=model, encoder=encoder)


def _special_token_mask(tokenizer: Any, ids: Tensor) -> Tensor:
    """Return which tokens are special tokens; an unknown token counts as a word."""
    special = [n for n in tokenizer.all_special_ids if n != tokenizer.unk_token_id]
    return torch.isin(ids, torch.tensor(special, device=ids.device))


def _integrate_gradients(
    score_function: ScoreFunction, ids: Tensor, masked: Tensor, difference: float, fixed_steps: int | None
) -> tuple[NDArray[np.float64], float, int]:
    """Return the attributions of tokens ``(N, T)``, the convergence delta, and the number of steps."""
    gradients_class = load_layer_integrated_gradients()
    assert score_function.encoder is not None
    method = gradients_class(score_function.score, score_function.encoder.transformer.get_input_embeddings())
    batch_size = max(len(ids), _MAX_BATCH_TOKENS // ids.shape[1])
    steps = fixed_steps or MIN_STEPS
    while True:
        gradients = method.attribute(ids, baselines=masked, n_steps=steps, internal_batch_size=batch_size)
        values = gradients.sum(-1).double().cpu().numpy()
        delta = float(values.sum() - difference)
        if fixed_steps or abs(delta) <= COMPLETENESS_TOLERANCE * max(1.0, abs(difference)) or steps >= MAX_STEPS:
            return values, delta, steps
        steps *= 2


def load_layer_integrated_gradients() -> Any:
    """Return the class of captum.

    Raises:
        SentirError: if it is not installed.
    """
    try:
        from captum.attr import LayerIntegratedGradients
    except ImportError as error:
        raise SentirError(
            _("Word attributions need captum; install it with: pip install 'sentir[explain]'")
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
        position = "own" if row == score_function.row else "before" if row < score_function.row else "after"
        has_begun = pooled[row].cumsum() > 0
        for is_own, where, mask in (
            (False, "before", ~has_begun),
            (True, position, pooled[row]),
            (False, "after", has_begun & ~pooled[row]),
        ):
            chosen = content[row] & mask
            for turn in [np.flatnonzero(chosen)] if is_own and chosen.any() else _split_contiguous(chosen):
                words = merge_subwords(text.tokenizer.tokenizer, ids[row][turn].tolist(), values[row][turn])
                if not is_own:
                    yield Passage("", None, where, tuple(WordAttribution(word, value) for word, value in words))
                    continue
                spelled = restore_spelling([word for word, _value in words], _tokenizer_text(text, u))
                attributions = (
                    WordAttribution(word, value, follows)
                    for (word, follows), (_word, value) in zip(spelled, words, strict=True)
                )
                yield Passage(u.id, u.speaker, where, tuple(attributions))


def _split_contiguous(mask: NDArray[np.bool_]) -> list[NDArray[np.intp]]:
    """Return the positions in a mask, split into contiguous runs."""
    positions = np.flatnonzero(mask)
    return np.split(positions, np.flatnonzero(np.diff(positions) > 1) + 1) if len(positions) else []


def _tokenizer_text(text: TextPreprocessor, u: Utterance) -> str:
    """Return the text that the tokenizer was given."""
    return text.tokenizer.normalize(text.input_text(u))


def merge_subwords(tokenizer: Any, ids: Sequence[int], values: Sequence[float]) -> list[tuple[str, float]]:
    """Merge the subwords of any tokenizer into words, and sum their values.

    A subword belongs to the last word of the decoded text up to it, so that no tokenizer's word markers are
    needed.
    """

    def decode(prefix: Sequence[int]) -> list[str]:
        words: list[str] = tokenizer.decode(prefix).split()
        return words

    words = decode(ids)
    if not words:
        return [("", float(np.sum(values)))]
    totals = [0.0] * len(words)
    for n, value in enumerate(values, start=1):
        totals[min(max(1, len(decode(ids[:n]))), len(words)) - 1] += float(value)
    return list(zip(words, totals, strict=True))


def restore_spelling(words: Sequence[str], text: str) -> Iterator[tuple[str, bool]]:
    """Yield each word as spelled in the text, and whether it follows without a space; unchanged if not found."""
    folded, end = _fold_case_and_accents(text), 0
    for word in words:
        start = folded.find(_fold_case_and_accents(word), end, end + _SEARCH_WINDOW + len(word))
        if start < 0:
            yield word, False
            continue
        follows_without_space = 0 < start == end
        end = start + len(word)
        yield text[start:end], follows_without_space


def _fold_case_and_accents(text: str) -> str:
    """Return a text of the same length in lower case and without accents."""
    letters = (unicodedata.normalize("NFD", letter)[0] for letter in text)
    return "".join(letter.lower() if len(letter.lower()) == 1 else letter for letter in letters)
