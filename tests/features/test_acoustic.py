"""Acoustic feature sets: descriptors of decoded clips, NaN without usable audio."""

import numpy as np
import pytest
import soundfile

from sentir.audio.descriptors import FUNCTIONALS, THESIS_DESCRIPTORS, extract_descriptors
from sentir.corpus.utterances import AudioFeatures, Clip, Utterance
from sentir.features import compute_features
from sentir.features.acoustic import compute_functionals, compute_thesis_features

RATE = 16_000
SETS = {
    "thesis": (compute_thesis_features, THESIS_DESCRIPTORS),
    "functionals": (compute_functionals, FUNCTIONALS),
}


@pytest.fixture
def waveform() -> np.ndarray:
    return (0.1 * np.random.default_rng(0).standard_normal(RATE)).astype(np.float32)


@pytest.fixture
def utterances(tmp_path, waveform) -> list[Utterance]:
    """One with a clip, one without, and one whose clip is missing."""
    soundfile.write(tmp_path / "speech.wav", waveform, RATE, subtype="FLOAT")
    clips = [Clip(tmp_path / "speech.wav"), None, Clip(tmp_path / "missing.wav")]
    return [Utterance(f"u{n}", clip=clip) for n, clip in enumerate(clips)]


@pytest.mark.parametrize("name", SETS)
def test_a_set_has_the_descriptors_of_decoded_clips(name, utterances, waveform):
    compute, names = SETS[name]
    columns = compute(utterances)
    descriptors = extract_descriptors(waveform)[1]
    assert tuple(columns) == names
    for column, values in columns.items():
        assert values.shape == (3,) and values.dtype == np.float64
        assert values[0] == pytest.approx(descriptors[f"{name}.{column}"], rel=1e-3, abs=1e-3)
        assert np.isnan(values[1:]).all()


@pytest.mark.parametrize("name", SETS)
def test_without_utterances_columns_are_empty(name):
    compute, names = SETS[name]
    columns = compute([])
    assert tuple(columns) == names and all(values.shape == (0,) for values in columns.values())


def test_attached_audio_is_not_decoded_again(waveform):
    descriptors = extract_descriptors(waveform)[1] | {"thesis.rms": 42.0}
    audio = AudioFeatures("key", np.zeros((101, 64), dtype=np.float16), descriptors, 1.0)
    assert compute_thesis_features([Utterance("a", audio=audio)])["rms"].tolist() == [42.0]


def test_both_sets_can_be_in_one_table(utterances):
    table = compute_features(["thesis", "functionals"], utterances)
    assert table.values.shape == (3, 9 + len(FUNCTIONALS))
    assert np.isfinite(table.values[0]).all() and np.isnan(table.values[1:]).all()
    assert table.names[:2] == ("thesis.duration", "thesis.rms") and "functionals.f0_semitone_mean" in table.names
