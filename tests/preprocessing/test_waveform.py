"""From clips to waveforms for a speech encoder: decoded on demand, cached in memory, never stored."""

from dataclasses import replace

import numpy as np
import pytest

from sentir.audio.decoding import decode
from sentir.audio.store import attach_audio
from sentir.corpus.utterances import Clip
from sentir.errors import AudioError
from sentir.models.speech_backbones import load_speech_feature_extractor
from sentir.preprocessing import waveform
from sentir.preprocessing.waveform import WaveformPreprocessor
from sentir.recipe import AudioSettings
from sentir.testing import make_tiny_speech_backbone

pytestmark = pytest.mark.usefixtures("one_store")


@pytest.fixture(scope="module")
def preprocessor(tmp_path_factory):
    folder = str(make_tiny_speech_backbone("wav2vec2", tmp_path_factory.mktemp("wav2vec2")))
    return WaveformPreprocessor(AudioSettings(backbone=folder), load_speech_feature_extractor(folder))


@pytest.fixture
def utterances(spoken):
    """Train utterances with their audio attached."""
    return attach_audio([u.blind() for u in spoken.train])


def test_missing_audio_is_zeros_and_marked(preprocessor, utterances):
    lost = attach_audio([utterances[0], replace(utterances[1], clip=None, audio=None), utterances[2]])
    batch = preprocessor.transform(lost).batch([0, 1, 2])
    assert batch["has_audio"].tolist() == [True, False, True] and not batch["waveform"][1].any()


def test_waveforms_are_decoded_once_while_there_is_room(preprocessor, utterances, monkeypatch):
    decoded = []
    monkeypatch.setattr(waveform, "decode", lambda clip: decoded.append(clip) or decode(clip))
    waveforms = preprocessor.transform(utterances)
    assert not decoded
    first, again = waveforms.batch([0, 3]), waveforms.batch([3, 0])
    assert decoded == [utterances[0].clip, utterances[3].clip]
    assert all(np.array_equal(first[name], again[name][::-1]) for name in ("waveform", "num_frames"))
    uncached = preprocessor.transform(utterances)
    uncached._free_bytes = 0
    for _time in range(2):
        assert np.array_equal(uncached.batch([0, 3])["waveform"], first["waveform"])
    assert len(decoded) == 6 and not uncached._cache
    assert first["num_frames"].tolist() == waveforms.lengths[[0, 3]].tolist()


def test_a_missing_clip_is_named(preprocessor, utterances, tmp_path):
    missing = replace(utterances[0], clip=Clip(tmp_path / "missing.wav"), split="")
    with pytest.raises(AudioError, match=r"missing\.wav"):
        preprocessor.transform([missing]).batch([0])
