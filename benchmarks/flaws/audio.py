"""Audio: speakers on both sides of a split, scaling by split, masks filled with the maximum."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from flaws.baselines import Inputs, fit_logistic_regression, predict_sides
from flaws.held_out import Finding, HeldOutCorpus, Rows, compare_scores
from flaws.splits import compare_cross_validation
from sentir.audio.store import attach_audio
from sentir.corpus.corpus import Corpus
from sentir.corpus.utterances import Utterance
from sentir.features import compute_features
from sentir.features.scaling import FeatureScaler

REGRESSION_C = 0.1
COPIES, MAX_MASK_BANDS, MAX_MASK_FRAMES = 2, 12, 40  # masked copies of a clip, and the widest mask


def group_by_speaker(corpus: Corpus) -> Corpus:
    """Return the corpus with audio for train, and speakers as dialogues, so that whole speakers are held out."""
    with_audio = {u.id: u for u in attach_audio(corpus.train)}
    rows = (replace(with_audio.get(u.id, u), dialogue=u.speaker or u.id) for u in corpus)
    return replace(corpus, utterances=tuple(rows))


def actors_split(data: HeldOutCorpus) -> Iterator[Finding]:
    """Predict every clip of train from clips of other actors, or of all actors."""

    def scaled(rest: Rows, part: Rows) -> tuple[Inputs, Inputs]:
        tables = [compute_features(("functionals",), rows) for rows in (rest, part)]
        scaler = FeatureScaler.fit(tables[0])
        return scaler.transform(tables[0]), scaler.transform(tables[1])

    yield compare_cross_validation("clips split at random, speakers on both sides", data, scaled, REGRESSION_C)


def scaled_splits(data: HeldOutCorpus) -> Iterator[Finding]:
    """Functionals, standardized on train, on everything, and on each split by itself."""
    space, sides = data.label_space("emotion"), (data.train, data.held_out)
    tables = [compute_features(("functionals",), rows) for rows in sides]
    on_all = FeatureScaler.fit(compute_features(("functionals",), [*data.train, *data.held_out]))
    on_train, on_itself = FeatureScaler.fit(tables[0]), [FeatureScaler.fit(table) for table in tables]
    predicted = []
    for scalers in ([on_train] * 2, [on_all] * 2, on_itself):
        x, x_held = (scaler.transform(table) for scaler, table in zip(scalers, tables, strict=True))
        model = fit_logistic_regression(space, x, data.train, REGRESSION_C)
        predicted += predict_sides(space, model, (x_held, data.held_out), (x_held, data.held_out))
    yield compare_scores("acoustic features scaled over train and test", data, predicted[0], predicted[1])
    yield compare_scores("acoustic features scaled over each split by itself", data, predicted[0], predicted[2])


def loud_masks(data: HeldOutCorpus) -> Iterator[Finding]:
    """Means and deviations of mel bands, trained on clips and masked copies of them."""
    space, rows = data.label_space("emotion"), [u for u in data.train if u.audio and u.audio.mel is not None]
    held = [u for u in data.held_out if u.audio and u.audio.mel is not None]
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
        model = fit_logistic_regression(space, (x - center) / width, [*rows] * (COPIES + 1), REGRESSION_C)
        sides += predict_sides(space, model, (x_held, held), (x_held, held))
    yield compare_scores("masks filled with the maximum of the clip", data, *sides)


def _mel(u: Utterance) -> NDArray[np.float32]:
    return np.asarray(u.audio.mel if u.audio else None, dtype=np.float32)


def _masked(mel: NDArray, mean: float, loud: bool, draw: np.random.Generator) -> NDArray:
    """Return a copy with a block of frames and a block of bands masked."""
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
