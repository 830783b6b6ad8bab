"""Embeddings that depend on the batch."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from flaws.baselines import fit_logistic_regression, labeled, predict_sides
from flaws.held_out import Finding, HeldOutCorpus, Rows, compare_scores
from sentir.corpus.cleaning import clean_text
from sentir.recipe import DEFAULT_CLEANING

MAX_TRAIN, BATCH = 2000, 64  # utterances of train that are encoded, and the batch size


def pooled_padding(data: HeldOutCorpus) -> Iterator[Finding]:
    """The state at the last position of a batch, padding for all but its longest text, or the mean over tokens.

    The true score is that of utterances encoded one by one, as in deployment.
    """
    space = data.label_space("emotion")
    if space.kind == "multi":
        return
    train, held = labeled(data.train, "emotion")[:MAX_TRAIN], labeled(data.held_out, "emotion")
    (means, lasts), (held_means, held_lasts), (_means, single_lasts) = (
        encode_texts(train, BATCH),
        encode_texts(held, BATCH),
        encode_texts(held, 1),
    )
    by_mean, by_last = (fit_logistic_regression(space, x, train) for x in (means, lasts))
    (correct,) = predict_sides(space, by_mean, (held_means, held), (held_means, held))
    reported, true_score = predict_sides(
        space, by_last, (held_lasts, held), (held_lasts, held), (single_lasts, held)
    )
    yield compare_scores(
        "MiniLM pooled at the last position, padding included", data, correct, reported, true_score
    )


def encode_texts(rows: Rows, size: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the mean over tokens and the state at the last position, ``(N, d)`` each, in batches of ``size``."""
    import torch

    from sentir.models.device import to_tensors
    from sentir.models.pooling import masked_mean
    from sentir.models.text_encoder import load_text_encoder

    encoder, tokenizer, _spec = load_text_encoder("minilm")
    encodings = [tokenizer.encode(clean_text(u.text or "", DEFAULT_CLEANING)) for u in rows]
    means, lasts = [], []
    with torch.inference_mode():
        for start in range(0, len(rows), size):
            batch = to_tensors(tokenizer.pad(encodings[start : start + size]))
            mask = batch.pop("pool_mask")
            states = encoder.eval().transformer(**batch).last_hidden_state
            means.append(masked_mean(states, mask).numpy())
            lasts.append(states[:, -1].numpy())
    return np.concatenate(means), np.concatenate(lasts)
