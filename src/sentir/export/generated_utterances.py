"""Utterances to compare models on where the corpus is not at hand."""

from __future__ import annotations

import numpy as np

from sentir.audio.decoding import SAMPLING_RATE, Waveform
from sentir.audio.memory import clip_from_samples
from sentir.corpus.utterances import Utterance
from sentir.demo.script import generate_conversations

_NUM_UTTERANCES = 200
_MAX_SECONDS = 4


def generate_utterances(*, audio: bool) -> list[Utterance]:
    """Return at least 200 utterances: whole conversations of the demo corpus, with noise as their audio.

    Args:
        audio: whether they have clips.
    """
    rng = np.random.default_rng(0)
    utterances: list[Utterance] = []
    for d, turns in enumerate(generate_conversations("train")):
        if len(utterances) >= _NUM_UTTERANCES:
            break
        for n, turn in enumerate(turns):
            key = f"generated/dia{d}/utt{n}"
            clip = clip_from_samples(key, _make_noise(rng), SAMPLING_RATE) if audio else None
            utterances.append(
                Utterance(key, dialogue=f"dia{d}", turn=n, speaker=turn.speaker, text=turn.text, clip=clip)
            )
    return utterances


def _make_noise(rng: np.random.Generator) -> Waveform:
    """Return white noise of random length and level, which swells and fades as syllables do."""
    size = int(rng.integers(SAMPLING_RATE // 2, _MAX_SECONDS * SAMPLING_RATE))
    envelope = 0.5 - 0.5 * np.cos(2 * np.pi * rng.uniform(2, 5) * np.arange(size) / SAMPLING_RATE)
    samples = rng.normal(size=size) * envelope * rng.uniform(0.02, 0.2)
    return samples.clip(-1, 1).astype(np.float32)
