"""Maps of sound: Grad-CAM and gates, on the mel's own seconds and Hz."""

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
from sentir.explanation.score_function import frozen_eval_mode, make_score_function, prepare_with_tokens
from sentir.explanation.utterance import explain_utterance

pytestmark = pytest.mark.usefixtures("one_store")
KEY = "tiny/dev/dia7/utt3"


@pytest.mark.parametrize("setup", ["audio", "everything"])
def test_maps_lie_on_the_mel(setup, trained, dialogue_of):
    recognizer, corpus = trained(setup)
    sound = explain_utterance(recognizer, dialogue_of(corpus, KEY), utterance_id=KEY).audio_attribution
    assert tuple(sound.maps) == AUDIO_MAPS
    for name in AUDIO_MAPS:
        fine = sound.upsample(name)
        assert fine.shape == sound.mel.shape and np.isfinite(fine).all() and (fine >= 0).all()
    assert all((sound.maps[gate] < 1).all() for gate in AUDIO_MAPS[1:])
    assert (
        len(sound.seconds) == len(sound.mel)
        and (np.diff(sound.frequencies) > 0).all()
        and sound.frequencies[-1] < 8000
    )
    plain = sound.to_dict()["maps"][0]
    assert (len(plain["seconds"]), len(plain["hertz"])) == np.array(plain["values"]).shape
    assert 0 < plain["seconds"][0] < plain["seconds"][-1] < sound.num_padded_frames * HOP_LENGTH / 16_000


def test_grad_cam_is_that_of_captum(trained):
    recognizer, corpus = trained("audio")
    prepared = prepare_with_tokens(recognizer, corpus.dev)
    label = int(recognizer.predict_utterances(corpus.dev[:1]).probabilities.argmax())
    probe, _unit = make_score_function(recognizer, prepared, 0, label)
    probe = replace(probe, is_single_label=False, temperature=1.0)  # captum's score is the plain logit
    with frozen_eval_mode(probe.model):
        ours = compute_audio_maps(probe)["evidence"]
        mel = probe.inputs["mel"].clone().requires_grad_()
        others = {name: probe.inputs[name] for name in probe.model.input_names if name != "mel"}

        def score(given):
            return probe.model(mel=given, **others)[:, label : label + 1]

        theirs = LayerGradCam(score, probe.model.audio.global_gate).attribute(
            mel, target=0, attribute_to_layer_input=True, relu_attributions=True
        )
    assert ours.max() > 0
    np.testing.assert_allclose(ours, theirs[0, 0].detach().numpy(), rtol=1e-3, atol=1e-6)


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
            _local, alone = recognizer.model.audio.eval().gate_weights(one["mel"])
        np.testing.assert_allclose(gate, alone[0].numpy(), atol=1e-5)
    assert len(lengths) > 1


def test_of_a_long_clip_the_middle_is_shown_in_its_own_seconds(trained, tmp_path):
    recognizer, _corpus = trained("audio")
    clip = Clip(write_wav(tmp_path / "long.wav", tone(4.0, 440), 16_000))
    sound = explain_utterance(recognizer, [Utterance("long", clip=clip)], utterance_id="long").audio_attribution
    assert len(sound.mel) == sound.num_padded_frames == 200
    assert sound.seconds[0] == pytest.approx(1.0, abs=0.02) and sound.seconds[-1] == pytest.approx(3.0, abs=0.03)


def test_a_peak_is_found_where_it_is():
    mel = np.full((100, 64), -80, dtype=np.float32)
    spot = np.zeros((10, 8), dtype=np.float32)
    spot[7, 2] = 1
    sound = AudioAttribution(mel, {"evidence": spot}, num_padded_frames=100)
    start, end, low, high = sound.find_peak("evidence")
    assert (start, end) == pytest.approx((0.7, 0.8))
    assert (
        sound.frequencies[15]
        <= low
        < sound.frequencies[16]
        < sound.frequencies[23]
        < high
        <= sound.frequencies[24]
    )
    assert "0.70–0.80 s" in audio_attribution_alt_text(sound, "evidence")
    frame, band = np.unravel_index(sound.upsample("evidence").argmax(), mel.shape)
    assert start <= sound.seconds[frame] < end and low < sound.frequencies[band] < high
    figure = audio_attribution_figure(sound, "evidence")
    assert figure.axes[0].get_xlabel() == "seconds" and figure.axes[0].get_ylabel() == "Hz"


def test_flat_maps_and_pictures_without_axes_are_drawn_too():
    flat = AudioAttribution(
        np.zeros((32, 32), dtype=np.float32), {"evidence": np.zeros((2, 2), np.float32)}, 32, kind="thesis"
    )
    assert (
        flat.find_peak("evidence") is None
        and audio_attribution_alt_text(flat, "evidence") == "The same everywhere: 0.00."
    )
    assert not len(audio_attribution_figure(flat, "evidence").axes[0].get_xticks())
    assert set(flat.to_dict()["maps"][0]) == {"name", "values"}
