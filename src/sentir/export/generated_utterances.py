"""Utterances to compare models on where the corpus is not at hand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import soundfile

from sentir.audio.decoding import SAMPLING_RATE
from sentir.corpus.utterances import Clip, Utterance
from sentir.demo.script import generate_conversations

NUM_UTTERANCES = 200
_MAX_SECONDS = 4


@contextmanager
def generate_utterances(*, audio: bool, count: int = NUM_UTTERANCES) -> Iterator[list[Utterance]]:
    """Yield at least ``count`` utterances: whole conversations of the demo corpus, with noise as their audio.

    Args:
        audio: whether they have clips, which exist inside the ``with`` block only.
        count: fewest.
    """
    rng = np.random.default_rng(0)
    utterances: list[Utterance] = []
    with TemporaryDirectory() as folder:
        for d, turns in enumerate(generate_conversations("train")):
            if len(utterances) >= count:
                break
            for n, turn in enumerate(turns):
                key = f"generated/dia{d}/utt{n}"
                clip = _write_noise(Path(folder, f"{d}-{n}.wav"), rng) if audio else None
                utterances.append(
                    Utterance(key, dialogue=f"dia{d}", turn=n, speaker=turn.speaker, text=turn.text, clip=clip)
                )
        yield utterances


def _write_noise(path: Path, rng: np.random.Generator) -> Clip:
    """Write white noise of random length and level, which swells and fades as syllables do."""
    size = int(rng.integers(SAMPLING_RATE // 2, _MAX_SECONDS * SAMPLING_RATE))
    envelope = 0.5 - 0.5 * np.cos(2 * np.pi * rng.uniform(2, 5) * np.arange(size) / SAMPLING_RATE)
    samples = rng.normal(size=size) * envelope * rng.uniform(0.02, 0.2)
    soundfile.write(path, samples.clip(-1, 1).astype(np.float32), SAMPLING_RATE, subtype="PCM_16")
    return Clip(path)
