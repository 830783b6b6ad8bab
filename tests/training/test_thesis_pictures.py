"""The thesis' published spectrograms are an input of their own: trained on as they are, made for new clips."""

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
    """The spoken corpus as somebody publishes it: a picture of each clip, (bands, time), and no sound."""
    import soundfile

    folder = tmp_path_factory.mktemp("final_specs")

    def picture(u):
        path = folder / f"{u.id.replace('/', '_')}.npy"
        np.save(path, compute_thesis_mel(soundfile.read(u.clip.path, dtype="float32")[0]).T, allow_pickle=False)
        return replace(u, clip=Clip(path))

    return replace(spoken, utterances=tuple(picture(u) for u in spoken))


def test_a_model_of_published_pictures_hears_new_clips_as_they_were_made(published, spoken, weights, tmp_path):
    recipe = spoken_recipe(weights, model={"audio": {"mel": "thesis"}}, train={"epochs": 1})
    recognizer, dev = fit_recognizer(recipe, published)
    recognizer.save_pretrained(tmp_path)
    loaded = Recognizer.from_pretrained(tmp_path)
    assert loaded.recipe.model.audio.mel == "thesis"  # how the pictures were made is part of what is saved
    prepared = loaded.preprocessor.transform(spoken.dev)
    assert set(prepared.mels.lengths) == {224} and prepared.batch([0, 1])["mel"].shape == (2, 224, 224)
    heard = loaded.predict_utterances(spoken.dev)
    np.testing.assert_allclose(heard.probabilities, dev.probabilities, atol=1e-3)


def test_published_pictures_are_no_sound_for_any_other_model(published, weights):
    (u,) = attach_audio(published.dev[:1])
    assert u.audio.mel is None and "thesis" in u.audio.problem
    with pytest.raises(CorpusError, match="usable sound"):
        fit_recognizer(spoken_recipe(weights), published)
