"""Vectors of a transformer that depend on the company of an utterance."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from flaws.baselines import labeled, learn, say
from flaws.held_out import Finding, Ground, Rows, find
from sentir.corpus.cleaning import clean_text
from sentir.recipe import DEFAULT_CLEANING

MAX_TRAIN, BATCH = 2000, 64  # utterances of train that are encoded, and how many at once


def pooled_padding(ground: Ground) -> Iterator[Finding]:
    """The vector at the last place of a batch, padding for all but its longest, or the mean of the words.

    What it is worth is that of utterances encoded one by one, as they come to whom they are served.
    """
    space = ground.label_space("emotion")
    if space.multilabel:
        return
    train, held = labeled(ground.train, "emotion")[:MAX_TRAIN], labeled(ground.held, "emotion")
    (means, lasts), (held_means, held_lasts), (_same, alone) = (
        encode_texts(train, BATCH),
        encode_texts(held, BATCH),
        encode_texts(held, 1),
    )
    by_mean, by_last = (learn(space, x, train) for x in (means, lasts))
    (right,) = say(space, by_mean, (held_means, held), (held_means, held))
    told, worth = say(space, by_last, (held_lasts, held), (held_lasts, held), (alone, held))
    yield find("minilm pooled at the last place, padding included", ground, right, told, worth)


def encode_texts(rows: Rows, size: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the mean over tokens and the state at the last place, ``(N, d)`` each, in batches of ``size``."""
    import torch

    from sentir.models.pooling import masked_mean
    from sentir.models.text_encoder import load_text_encoder

    encoder, tokenizer, _spec = load_text_encoder("minilm")
    encodings = [tokenizer.encode(clean_text(u.text or "", DEFAULT_CLEANING)) for u in rows]
    means, lasts = [], []
    with torch.inference_mode():
        for start in range(0, len(rows), size):
            batch = tokenizer.pad(encodings[start : start + size])
            mask = batch.pop("pool_mask")
            states = encoder.eval().transformer(**batch).last_hidden_state
            means.append(masked_mean(states, mask).numpy())
            lasts.append(states[:, -1].numpy())
    return np.concatenate(means), np.concatenate(lasts)
