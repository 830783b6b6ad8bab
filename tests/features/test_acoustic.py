"""Acoustic feature sets: the measures of what was listened to, unknown where there is nothing to hear."""

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
def wave() -> np.ndarray:
    return (0.1 * np.random.default_rng(0).standard_normal(RATE)).astype(np.float32)


@pytest.fixture
def utterances(tmp_path, wave) -> list[Utterance]:
    """One that can be heard, one without a clip, one whose clip is missing."""
    soundfile.write(tmp_path / "said.wav", wave, RATE, subtype="FLOAT")
    clips = [Clip(tmp_path / "said.wav"), None, Clip(tmp_path / "missing.wav")]
    return [Utterance(f"u{n}", clip=clip) for n, clip in enumerate(clips)]


@pytest.mark.parametrize("name", SETS)
def test_a_set_holds_the_measures_of_what_is_heard_and_nothing_else(name, utterances, wave):
    feature_set, names = SETS[name]
    columns = feature_set(utterances)
    measures = extract_descriptors(wave)[1]
    assert tuple(columns) == names
    for column, values in columns.items():
        assert values.shape == (3,) and values.dtype == np.float64
        assert values[0] == pytest.approx(measures[f"{name}.{column}"], rel=1e-3, abs=1e-3)
        assert np.isnan(values[1:]).all()


@pytest.mark.parametrize("name", SETS)
def test_no_utterances_give_empty_columns(name):
    feature_set, names = SETS[name]
    columns = feature_set([])
    assert tuple(columns) == names and all(values.shape == (0,) for values in columns.values())


def test_what_was_heard_before_is_not_listened_to_again(wave):
    measures = extract_descriptors(wave)[1] | {"thesis.rms": 42.0}
    heard = AudioFeatures("key", np.zeros((101, 64), dtype=np.float16), measures, 1.0)
    assert compute_thesis_features([Utterance("a", audio=heard)])["rms"].tolist() == [42.0]


def test_both_sets_stand_side_by_side_in_a_table(utterances):
    table = compute_features(["thesis", "functionals"], utterances)
    assert table.values.shape == (3, 9 + 190)
    assert np.isfinite(table.values[0]).all() and np.isnan(table.values[1:]).all()
    assert table.names[:2] == ("thesis.duration", "thesis.rms") and "functionals.energy_std" in table.names
