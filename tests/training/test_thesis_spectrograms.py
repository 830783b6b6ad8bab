"""The spectrograms that the thesis published: used as they are in training, computed for new clips."""

from dataclasses import replace

import numpy as np
import pytest
from tiny_corpora import spoken_recipe

from sentir.audio.store import attach_audio
from sentir.audio.thesis_mel import compute_thesis_mel
from sentir.corpus.utterances import Clip
from sentir.errors import CorpusError
from sentir.recognizer.recognizer import Recognizer
from sentir.training.recognizers import fit_recognizer

pytestmark = pytest.mark.usefixtures("one_store")


@pytest.fixture(scope="module")
def published(spoken, tmp_path_factory):
    """The spoken corpus as published: a spectrogram (bands, time) of each clip, and no audio."""
    import soundfile

    folder = tmp_path_factory.mktemp("final_specs")

    def as_spectrogram(u):
        path = folder / f"{u.id.replace('/', '_')}.npy"
        np.save(path, compute_thesis_mel(soundfile.read(u.clip.path, dtype="float32")[0]).T, allow_pickle=False)
        return replace(u, clip=Clip(path))

    return replace(spoken, utterances=tuple(as_spectrogram(u) for u in spoken))


def test_a_model_of_published_spectrograms_computes_them_for_new_clips(published, spoken, weights, tmp_path):
    recipe = spoken_recipe(weights, model={"audio": {"mel": "thesis"}}, train={"epochs": 1})
    recognizer, dev = fit_recognizer(recipe, published)
    recognizer.save_pretrained(tmp_path)
    loaded = Recognizer.from_pretrained(tmp_path)
    assert loaded.recipe.model.audio.mel == "thesis"
    inputs = loaded.preprocessor.transform(spoken.dev)
    assert set(inputs.mels.lengths) == {224} and inputs.batch([0, 1])["mel"].shape == (2, 224, 224)
    predictions = loaded.predict_utterances(spoken.dev)
    np.testing.assert_allclose(predictions.probabilities, dev.probabilities, atol=1e-3)


def test_published_spectrograms_are_not_usable_by_other_models(published, weights):
    (u,) = attach_audio(published.dev[:1])
    assert u.audio.mel is None and "thesis" in u.audio.problem
    with pytest.raises(CorpusError, match="usable audio"):
        fit_recognizer(spoken_recipe(weights), published)
