"""Speech recognition by pocketsphinx, with the model of its wheel, and messages where a package is missing."""

import csv
import sys

import numpy as np
import pytest
import soundfile

import sentir
from sentir.audio.decoding import decode
from sentir.corpus.utterances import Clip
from sentir.errors import TimelineError
from sentir.timelines.adapters import DIARIZERS, SPEECH_RECOGNIZERS, make_adapter


def test_adapters_say_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "faster_whisper", None)
    monkeypatch.setitem(sys.modules, "sherpa_onnx", None)
    with pytest.raises(TimelineError, match="pip install faster-whisper"):
        make_adapter("faster-whisper:tiny", SPEECH_RECOGNIZERS)
    with pytest.raises(TimelineError, match="pip install sherpa-onnx"):
        make_adapter("sherpa-onnx:models", DIARIZERS)


@pytest.mark.slow
@pytest.mark.shared_data
def test_words_of_a_recording(recognizers, shared_data, tmp_path):
    rows = list(csv.DictReader((shared_data / "ravdess" / "manifest.csv").open(encoding="utf-8")))
    calm = [row for row in rows if row["label"] in ("neutral", "calm")]
    clips = [decode(Clip(shared_data / "ravdess" / calm[n]["path"])).waveform for n in (2, 4)]
    soundfile.write(
        tmp_path / "talk.wav", np.concatenate([clips[0], np.zeros(16_000, np.float32), clips[1]]), 16_000
    )
    timeline = sentir.timeline(recognizers("text"), tmp_path / "talk.wav", asr="pocketsphinx")
    assert [turn.text for turn in timeline.turns] == ["kids are talking by the door"] * 2
    assert all(turn.labels for turn in timeline.turns) and timeline.settings["asr"] == "pocketsphinx"
