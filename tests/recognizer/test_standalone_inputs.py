"""`prepare_inputs`: the three models are asked with texts and waves alone, each as if it were alone."""

import numpy as np
import pytest
import torch
from audio_files import tone
from tiny_corpora import TINY_NETWORK

from sentir.errors import SentirError
from sentir.models.emotion_model import EmotionModel
from sentir.models.hybrid_transformer import HybridTransformerClassifier
from sentir.models.multimodal import MultimodalClassifier
from sentir.recognizer.standalone_inputs import prepare_inputs
from sentir.testing import make_tiny_speech_backbone

TEXTS = ["I am happy.", "", "She is lonely today, and they look fine, and so we left!"]
WAVES = [tone(0.4), None, tone(2.3)]


@pytest.fixture(scope="module")
def models(weights, tmp_path_factory):
    torch.manual_seed(0)
    speech = str(make_tiny_speech_backbone("wav2vec2", tmp_path_factory.mktemp("speech")))
    text = str(weights)
    return {
        "direction": HybridTransformerClassifier(text, 0, 3).eval(),
        "reads dialogues": HybridTransformerClassifier(text, 0, 3, context="dialogue").eval(),
        "listens": EmotionModel(TINY_NETWORK, 0, 3, pretrained=False).eval(),
        "listens to waves": EmotionModel(speech, 0, 3).eval(),
        "both": MultimodalClassifier(text, TINY_NETWORK, 0, 3, pretrained=False).eval(),
    }


@pytest.mark.parametrize("name", ["direction", "reads dialogues", "listens", "listens to waves", "both"])
def test_each_is_answered_as_if_it_were_alone(models, name):
    model = models[name]
    with torch.inference_mode():
        together = model(**prepare_inputs(model, texts=TEXTS, waveforms=WAVES))
        for n, row in enumerate(together):
            alone = model(**prepare_inputs(model, texts=TEXTS[n : n + 1], waveforms=WAVES[n : n + 1]))
            torch.testing.assert_close(alone[0], row, atol=1e-5, rtol=0)
    assert together.shape == (3, 3) and not torch.equal(together[0], together[2])


def test_one_modality_is_enough_for_a_model_of_both(models):
    model = models["both"]
    with torch.inference_mode():
        read = model(**prepare_inputs(model, texts=TEXTS))
        heard = model(**prepare_inputs(model, waveforms=WAVES))
        none = model(**prepare_inputs(model, texts=TEXTS, waveforms=[None] * 3))
    torch.testing.assert_close(read, none)
    assert not torch.allclose(read[0], heard[0])


def test_other_rates_are_resampled(models):
    model, wave = models["listens"], tone(1.0)
    inputs = prepare_inputs(model, waveforms=[np.repeat(wave, 2)], sampling_rate=32_000)
    assert (
        inputs["mel_lengths"].tolist() == prepare_inputs(model, waveforms=[wave])["mel_lengths"].tolist() == [100]
    )


@pytest.mark.parametrize(
    ("name", "given", "why"),
    [
        ("direction", {"waveforms": WAVES}, "also takes input_ids"),
        ("listens", {}, "also takes mel"),
        ("both", {"texts": TEXTS, "waveforms": WAVES[:1]}, "as many"),
        ("listens", {"waveforms": [np.zeros((2, 100))]}, "one row"),
        ("listens", {"waveforms": [np.full(100, np.nan)]}, "finite"),
        ("listens", {"waveforms": [np.zeros(100, np.int16)]}, "int16"),
        ("listens", {"waveforms": [np.zeros(0)]}, "one row"),
    ],
)
def test_what_is_missing_or_no_wave_is_one_sentence(models, name, given, why):
    with pytest.raises(SentirError, match=why):
        prepare_inputs(models[name], **given)
