"""Sound: speakers on both sides of a split, scaling by split, masks filled with what is loudest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from flaws.baselines import Inputs, learn, say
from flaws.held_out import Finding, Ground, Rows, find
from flaws.splits import crossed
from sentir.audio.store import attach_audio
from sentir.corpus.corpus import Corpus
from sentir.corpus.utterances import Utterance
from sentir.features import compute_features
from sentir.features.scaling import FeatureScaler

REGRESSION_C = 0.1
COPIES, MAX_MASK_BANDS, MAX_MASK_FRAMES = 2, 12, 40  # masked copies of a clip, and the widest mask


def group_by_speaker(corpus: Corpus) -> Corpus:
    """Return the corpus, its train heard, with speakers for dialogues, so that whole speakers are held out."""
    heard = {u.id: u for u in attach_audio(corpus.train)}
    rows = (replace(heard.get(u.id, u), dialogue=u.speaker or u.id) for u in corpus)
    return replace(corpus, utterances=tuple(rows))


def actors_split(ground: Ground) -> Iterator[Finding]:
    """Functionals of every clip of train, predicted from clips of other actors or of all."""

    def scaled(rest: Rows, part: Rows) -> tuple[Inputs, Inputs]:
        tables = [compute_features(("functionals",), rows) for rows in (rest, part)]
        scaler = FeatureScaler.fit(tables[0])
        return scaler.transform(tables[0]), scaler.transform(tables[1])

    yield crossed("clips split at random, speakers on both sides", ground, scaled, REGRESSION_C)


def scaled_splits(ground: Ground) -> Iterator[Finding]:
    """Functionals, standardized by train, by everything, and by each split for itself."""
    space, sides = ground.label_space("emotion"), (ground.train, ground.held)
    tables = [compute_features(("functionals",), rows) for rows in sides]
    whole = FeatureScaler.fit(compute_features(("functionals",), [*ground.train, *ground.held]))
    by_train, by_itself = FeatureScaler.fit(tables[0]), [FeatureScaler.fit(table) for table in tables]
    found = []
    for scalers in ([by_train] * 2, [whole] * 2, by_itself):
        x, x_held = (scaler.transform(table) for scaler, table in zip(scalers, tables, strict=True))
        model = learn(space, x, ground.train, REGRESSION_C)
        found += say(space, model, (x_held, ground.held), (x_held, ground.held))
    yield find("numbers of the sound scaled over train and test", ground, found[0], found[1])
    yield find("numbers of the sound scaled over each split for itself", ground, found[0], found[2])


def loud_masks(ground: Ground) -> Iterator[Finding]:
    """Means and deviations of mel bands, learned from clips and masked copies of them."""
    space, rows = ground.label_space("emotion"), [u for u in ground.train if u.audio and u.audio.mel is not None]
    held = [u for u in ground.held if u.audio and u.audio.mel is not None]
    mean = float(np.mean([_mel(u).mean() for u in rows]))
    sides = []
    for loud in (False, True):
        copies = [
            _band_statistics(_masked(_mel(u), mean, loud, np.random.default_rng([n, copy])))
            for copy in range(COPIES)
            for n, u in enumerate(rows)
        ]
        x = np.array([_band_statistics(_mel(u)) for u in rows] + copies)
        center, width = x.mean(axis=0), x.std(axis=0) + 1e-6
        x_held = (np.array([_band_statistics(_mel(u)) for u in held]) - center) / width
        model = learn(space, (x - center) / width, [*rows] * (COPIES + 1), REGRESSION_C)
        sides += say(space, model, (x_held, held), (x_held, held))
    yield find("masks filled with the clip's loudest value", ground, *sides)


def _mel(u: Utterance) -> NDArray[np.float32]:
    return np.asarray(u.audio.mel if u.audio else None, dtype=np.float32)


def _masked(mel: NDArray, mean: float, loud: bool, draw: np.random.Generator) -> NDArray:
    """Return a copy with a stretch of frames and of bands masked."""
    copy, fill = mel.copy(), mel.max() if loud else mean
    for axis, widest in ((0, MAX_MASK_FRAMES), (1, MAX_MASK_BANDS)):
        size = min(int(draw.integers(1, widest + 1)), mel.shape[axis] // 2)
        start = int(draw.integers(0, mel.shape[axis] - size + 1))
        copy[
            (slice(start, start + size), slice(None)) if axis == 0 else (slice(None), slice(start, start + size))
        ] = fill
    return copy


def _band_statistics(mel: NDArray) -> NDArray:
    return np.concatenate([mel.mean(axis=0), mel.std(axis=0)])
