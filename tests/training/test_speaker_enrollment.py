"""Random enrollment in training: who is enrolled, how many, and what it never depends on."""

from collections import Counter

import numpy as np
import pytest

from sentir.features.speaker_normalization import SpeakerMoments, SpeakerNormalizer
from sentir.preprocessing.preprocessor import ModelInputs
from sentir.preprocessing.speaker_columns import SpeakerColumns
from sentir.training.speaker_enrollment import RandomEnrollment

SPEAKERS = ["a"] * 20 + ["b"] * 3 + [None] * 2 + ["alone"]
N = len(SPEAKERS)
ONLY_ITSELF = np.where(np.eye(N, dtype=bool), 1.0, np.nan)


@pytest.fixture
def enrollment():
    """Rows whose moments tell which rows were enrolled: column n is known in row n alone."""
    values = np.eye(N, dtype=np.float32)
    arrays = {"features": values, "known_features": np.eye(N, dtype=bool)}
    inputs = ModelInputs(tuple(map(str, range(N))), arrays, [[n] for n in range(N)], [])
    normalizer = SpeakerNormalizer((0.0,) * N, (1.0,) * N, (0.5,) * N, 10.0)
    return RandomEnrollment.of(normalizer, SpeakerColumns(np.ones(N, dtype=bool)), inputs, SPEAKERS, 7)


def drawn(enrollment, row, epoch):
    return enrollment._draw(row, epoch).tolist()


def test_other_clips_of_the_same_speaker_are_drawn_once_each(enrollment):
    for row, speaker in enumerate(SPEAKERS):
        for epoch in range(20):
            rows = drawn(enrollment, row, epoch)
            assert row not in rows and len(set(rows)) == len(rows)
            assert all(speaker and SPEAKERS[n] == speaker for n in rows)


def test_none_few_and_all_clips_are_drawn(enrollment):
    sizes = Counter(len(drawn(enrollment, row, epoch)) for row in range(20) for epoch in range(100))
    assert set(sizes) == set(range(20))
    assert sizes[0] / 2000 == pytest.approx(1 / 3, abs=0.04)
    assert sizes[1] > sizes[4] > sizes[16]


def test_a_draw_depends_on_epoch_and_row_alone(enrollment):
    arrays = {"features": np.ones((3, N), np.float32), "known_features": np.ones((3, N), bool)}
    first = enrollment(arrays, [0, 5, 21], 3)["features"]
    again = enrollment({k: v[::-1] for k, v in arrays.items()}, [21, 5, 0], 3)["features"]
    np.testing.assert_array_equal(first, again[::-1])
    assert any(not np.array_equal(first, enrollment(arrays, [0, 5, 21], epoch)["features"]) for epoch in range(9))


def test_rows_are_normalized_by_what_is_drawn(enrollment):
    arrays = {"features": np.ones((1, N), np.float32), "known_features": np.ones((1, N), bool)}
    for epoch in range(10):
        drawn = SpeakerMoments.of(ONLY_ITSELF[enrollment._draw(4, epoch)])
        moments = SpeakerMoments.stack([drawn.total(slice(None))])
        expected = enrollment.normalizer.normalize(np.ones((1, N)), moments)
        np.testing.assert_array_equal(enrollment(arrays, [4], epoch)["features"], expected)
