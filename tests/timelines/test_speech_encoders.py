"""Timelines of models with speech encoders: the predictions are those of the clips."""

import numpy as np
import pytest
import soundfile
from tiny_corpora import spoken_recipe

import sentir
from sentir.corpus.utterances import Clip, Utterance
from sentir.study.stacking import train_recognizer
from sentir.testing import make_tiny_speech_backbone
from sentir.timelines.document import Turn


@pytest.mark.parametrize(("name", "backbone"), [("wav2vec2", "wav2vec2"), ("whisper", "whisper")])
@pytest.mark.usefixtures("one_store")
def test_turns_are_predicted_as_clips(name, backbone, spoken, weights, talk, tmp_path):
    folder = make_tiny_speech_backbone(name, tmp_path / name)
    audio = {"backbone": backbone, "weights": str(folder), "pretrained": True, "max_seconds": 2}
    recipe = spoken_recipe(weights, model={"audio": audio}, train={"epochs": 1})
    recognizer = train_recognizer(recipe, spoken)[0]
    path = tmp_path / "talk.wav"
    soundfile.write(path, talk, 16_000, subtype="FLOAT")
    ranges = [(0.9, 2.6), (4.1, 4.9), (6.0, 7.5)]
    clips = [Utterance(f"u{n}", dialogue=f"d{n}", clip=Clip(path, *one)) for n, one in enumerate(ranges)]
    expected = recognizer.predict_utterances(clips).probabilities
    timeline = sentir.timeline(recognizer, path, turns=[Turn(*one) for one in ranges], min_seconds=0)
    assert np.array([list(turn.probabilities.values()) for turn in timeline.turns]) == pytest.approx(
        expected, abs=1e-6
    )
    found = sentir.timeline(recognizer, path, voice_activity="energy")
    assert len(found) >= 5 and all(turn.labels for turn in found.turns)
