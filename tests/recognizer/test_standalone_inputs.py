"""`prepare_inputs`: inputs of the three models from texts and waveforms, independent of the batch."""

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
WAVEFORMS = [tone(0.4), None, tone(2.3)]


@pytest.fixture(scope="module")
def models(weights, tmp_path_factory):
    torch.manual_seed(0)
    speech = str(make_tiny_speech_backbone("wav2vec2", tmp_path_factory.mktemp("speech")))
    text = str(weights)
    return {
        "text": HybridTransformerClassifier(text, 0, 3).eval(),
        "dialogue": HybridTransformerClassifier(text, 0, 3, context="dialogue").eval(),
        "mel": EmotionModel(TINY_NETWORK, 0, 3, pretrained=False).eval(),
        "speech": EmotionModel(speech, 0, 3).eval(),
        "both": MultimodalClassifier(text, TINY_NETWORK, 0, 3, pretrained=False).eval(),
    }


@pytest.mark.parametrize("name", ["text", "dialogue", "mel", "speech", "both"])
def test_logits_do_not_depend_on_the_batch(models, name):
    model = models[name]
    with torch.inference_mode():
        together = model(**prepare_inputs(model, texts=TEXTS, waveforms=WAVEFORMS))
        for n, row in enumerate(together):
            alone = model(**prepare_inputs(model, texts=TEXTS[n : n + 1], waveforms=WAVEFORMS[n : n + 1]))
            torch.testing.assert_close(alone[0], row, atol=1e-5, rtol=0)
    assert together.shape == (3, 3) and not torch.equal(together[0], together[2])


def test_one_modality_is_enough_for_a_model_of_both(models):
    model = models["both"]
    with torch.inference_mode():
        text_only = model(**prepare_inputs(model, texts=TEXTS))
        audio_only = model(**prepare_inputs(model, waveforms=WAVEFORMS))
        missing = model(**prepare_inputs(model, texts=TEXTS, waveforms=[None] * 3))
    torch.testing.assert_close(text_only, missing)
    assert not torch.allclose(text_only[0], audio_only[0])


def test_other_sampling_rates_are_resampled(models):
    model, waveform = models["mel"], tone(1.0)
    inputs = prepare_inputs(model, waveforms=[np.repeat(waveform, 2)], sampling_rate=32_000)
    assert (
        inputs["mel_lengths"].tolist()
        == prepare_inputs(model, waveforms=[waveform])["mel_lengths"].tolist()
        == [100]
    )


@pytest.mark.parametrize(
    ("name", "inputs", "message"),
    [
        ("text", {"waveforms": WAVEFORMS}, "also takes input_ids"),
        ("mel", {}, "also takes mel"),
        ("both", {"texts": TEXTS, "waveforms": WAVEFORMS[:1]}, "same number of utterances"),
        ("text", {"texts": []}, "no texts or waveforms"),
        ("mel", {"waveforms": []}, "no texts or waveforms"),
        ("mel", {"waveforms": [np.zeros((2, 100))]}, "one row"),
        ("mel", {"waveforms": [np.full(100, np.nan)]}, "finite"),
        ("mel", {"waveforms": [np.zeros(100, np.int16)]}, "int16"),
        ("mel", {"waveforms": [np.zeros(0)]}, "one row"),
    ],
)
def test_missing_and_invalid_inputs_are_errors(models, name, inputs, message):
    with pytest.raises(SentirError, match=message):
        prepare_inputs(models[name], **inputs)
