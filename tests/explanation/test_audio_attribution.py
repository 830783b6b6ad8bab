"""Audio attribution: Grad-CAM and gates, in the seconds and Hz of the mel spectrogram."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from audio_files import tone, write_wav
from captum.attr import LayerGradCam

from sentir.audio.mel import HOP_LENGTH
from sentir.corpus.utterances import Clip, Utterance
from sentir.explanation.audio_attribution import compute_audio_maps
from sentir.explanation.figures import audio_attribution_alt_text, audio_attribution_figure
from sentir.explanation.results import AUDIO_MAPS, AudioAttribution
from sentir.explanation.score_function import make_score_function, prepare_with_tokens
from sentir.explanation.utterance import explain_utterance

pytestmark = pytest.mark.usefixtures("one_store")
KEY = "tiny/dev/dia7/utt3"


@pytest.mark.parametrize("setup", ["audio", "everything"])
def test_maps_have_the_axes_of_the_mel_spectrogram(setup, trained, dialogue_of):
    recognizer, corpus = trained(setup)
    attribution = explain_utterance(recognizer, dialogue_of(corpus, KEY), utterance_id=KEY).audio_attribution
    assert tuple(attribution.maps) == AUDIO_MAPS
    for name in AUDIO_MAPS:
        fine = attribution.upsample(name)
        assert fine.shape == attribution.mel.shape and np.isfinite(fine).all() and (fine >= 0).all()
    assert all((attribution.maps[gate] < 1).all() for gate in AUDIO_MAPS[1:])
    assert len(attribution.seconds) == len(attribution.mel)
    assert (np.diff(attribution.frequencies) > 0).all() and attribution.frequencies[-1] < 8000
    plain = attribution.to_dict()["maps"][0]
    assert (len(plain["seconds"]), len(plain["hertz"])) == np.array(plain["values"]).shape
    assert 0 < plain["seconds"][0] < plain["seconds"][-1] < attribution.num_padded_frames * HOP_LENGTH / 16_000


def test_grad_cam_agrees_with_captum(trained):
    recognizer, corpus = trained("audio")
    prepared = prepare_with_tokens(recognizer, corpus.dev)
    label = int(recognizer.predict_utterances(corpus.dev[:1]).probabilities.argmax())
    score_function, _unit = make_score_function(recognizer, prepared, 0, label)
    score_function = replace(score_function, kind="multi", temperature=1.0)  # captum's score is the plain logit
    grad_cam = compute_audio_maps(score_function)["grad_cam"]
    mel = score_function.inputs["mel"].clone().requires_grad_()
    others = {name: score_function.inputs[name] for name in score_function.model.input_names if name != "mel"}

    def score(mel):
        return score_function.model(mel=mel, **others)[:, label : label + 1]

    expected = LayerGradCam(score, score_function.model.audio.global_gate).attribute(
        mel, target=0, attribute_to_layer_input=True, relu_attributions=True
    )
    assert grad_cam.max() > 0
    np.testing.assert_allclose(grad_cam, expected[0, 0].detach().numpy(), rtol=1e-3, atol=1e-6)


def test_in_a_dialogue_the_map_is_that_of_the_explained_clip(trained, dialogue_of):
    recognizer, corpus = trained("everything")
    dialogue = dialogue_of(corpus, KEY)
    prepared = prepare_with_tokens(recognizer, dialogue)
    lengths = set()
    for row, u in enumerate(dialogue):
        gate = explain_utterance(recognizer, dialogue, utterance_id=u.id).audio_attribution.maps["global_gate"]
        one = prepared.mels.batch([row])
        lengths.add(one["mel"].shape[1])
        with torch.no_grad():
            _local, alone = recognizer.model.audio.eval().gate_weights(torch.from_numpy(one["mel"]))
        np.testing.assert_allclose(gate, alone[0].numpy(), atol=1e-5)
    assert len(lengths) > 1


def test_the_map_of_a_long_clip_covers_its_middle(trained, tmp_path):
    recognizer, _corpus = trained("audio")
    clip = Clip(write_wav(tmp_path / "long.wav", tone(4.0, 440), 16_000))
    attribution = explain_utterance(
        recognizer, [Utterance("long", clip=clip)], utterance_id="long"
    ).audio_attribution
    assert len(attribution.mel) == attribution.num_padded_frames == 200
    assert attribution.seconds[0] == pytest.approx(1.0, abs=0.02) and attribution.seconds[-1] == pytest.approx(
        3.0, abs=0.03
    )


def test_the_peak_of_a_map_is_located():
    mel = np.full((100, 64), -80, dtype=np.float32)
    values = np.zeros((10, 8), dtype=np.float32)
    values[7, 2] = 1
    attribution = AudioAttribution(mel, {"grad_cam": values}, num_padded_frames=100)
    start, end, low, high = attribution.find_peak("grad_cam")
    assert (start, end) == pytest.approx((0.7, 0.8))
    frequencies = attribution.frequencies
    assert frequencies[15] <= low < frequencies[16] < frequencies[23] < high <= frequencies[24]
    assert "0.70–0.80 s" in audio_attribution_alt_text(attribution, "grad_cam")
    frame, band = np.unravel_index(attribution.upsample("grad_cam").argmax(), mel.shape)
    assert start <= attribution.seconds[frame] < end and low < attribution.frequencies[band] < high
    figure = audio_attribution_figure(attribution, "grad_cam")
    assert figure.axes[0].get_xlabel() == "seconds" and figure.axes[0].get_ylabel() == "Hz"


def test_constant_maps_and_pictures_without_axes_can_be_drawn():
    constant = AudioAttribution(
        np.zeros((32, 32), dtype=np.float32), {"grad_cam": np.zeros((2, 2), np.float32)}, 32, kind="thesis"
    )
    assert constant.find_peak("grad_cam") is None
    assert audio_attribution_alt_text(constant, "grad_cam") == "The same everywhere: 0.00."
    assert not len(audio_attribution_figure(constant, "grad_cam").axes[0].get_xticks())
    assert set(constant.to_dict()["maps"][0]) == {"name", "values"}
