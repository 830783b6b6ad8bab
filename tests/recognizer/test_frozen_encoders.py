"""Embeddings of a frozen speech encoder: cached by the content of the clips, of which no waveform is stored."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from sentir.audio.decoding import SAMPLING_RATE, decode
from sentir.audio.memory import clip_from_bytes
from sentir.audio.store import attach_audio
from sentir.corpus.utterances import Clip
from sentir.errors import AudioError
from sentir.models.device import to_tensors
from sentir.paths import cache_dir
from sentir.preprocessing.preprocessor import ModelInputs
from sentir.preprocessing.waveform import WaveformPreprocessor
from sentir.recipe import AudioSettings, ModelSettings
from sentir.recognizer import frozen_encoders
from sentir.recognizer.encoders import Encoders
from sentir.testing import make_tiny_speech_backbone

pytestmark = pytest.mark.usefixtures("one_store")


@pytest.fixture(scope="module")
def speech(tmp_path_factory):
    return make_tiny_speech_backbone("wav2vec2", tmp_path_factory.mktemp("wav2vec2"))


@pytest.fixture
def utterances(spoken):
    """Train utterances with their audio attached."""
    return attach_audio([u.blind() for u in spoken.train])


class SpeechPipeline:
    """A frozen speech encoder and the preprocessor of its clips."""

    def __init__(self, folder, **audio):
        settings = AudioSettings(backbone=str(folder), **audio)
        self.encoders = Encoders.load(ModelSettings(kind="emotion_model", audio=settings))
        self.encoder, self.extractor = self.encoders.audio.encoder, self.encoders.audio.processor
        self.preprocessor = WaveformPreprocessor(settings, self.extractor)

    def embed(self, utterances):
        """Return the tensors that stand for waveforms."""
        inputs = ModelInputs(
            tuple(u.id for u in utterances), {}, [], [],
            waveforms=self.preprocessor.transform(utterances), is_from_corpus=all(u.split for u in utterances),
        )  # fmt: skip
        embedded = self.encoders.embed(inputs)
        assert embedded.waveforms is None
        return embedded.arrays

    def encode(self, waveforms):
        with torch.no_grad():
            return self.encoder(**to_tensors(self.extractor.pad(waveforms))).numpy()


def test_embeddings_are_those_of_the_encoder_and_cached_by_content(speech, utterances, monkeypatch):
    pipeline = SpeechPipeline(speech)
    tensors = pipeline.embed(utterances)
    assert tensors["has_audio"].all()
    rounded = pipeline.preprocessor.transform(utterances).batch(range(len(utterances)))
    waveforms = [decode(u.clip).waveform.astype(np.float16) for u in utterances]
    expected = pipeline.encode([waveform.astype(np.float32) for waveform in waveforms])
    np.testing.assert_allclose(tensors["audio_states"], expected, atol=1e-4, rtol=0)
    with torch.no_grad():
        as_exported = pipeline.encoder(**to_tensors(rounded)).numpy()
    np.testing.assert_allclose(tensors["audio_states"], as_exported, atol=1e-4, rtol=0)
    monkeypatch.setattr(frozen_encoders, "decode_segments", lambda *_: pytest.fail("a clip was decoded again"))
    moved = [
        replace(u, id=f"{u.id}-moved", clip=replace(u.clip, path=u.clip.path.with_name("gone")))
        for u in utterances
    ]
    again = pipeline.embed(moved[::-1])
    assert np.array_equal(again["audio_states"], tensors["audio_states"][::-1])


def test_only_embeddings_of_corpus_utterances_are_stored(speech, utterances):
    pipeline = SpeechPipeline(speech)
    uncached = pipeline.embed([replace(u, split="") for u in utterances[:3]])["audio_states"]
    folder = cache_dir() / "embeddings-2" / pipeline.encoders.audio.digest
    assert not folder.exists() and uncached.any()
    np.testing.assert_allclose(pipeline.embed(utterances[:3])["audio_states"], uncached, atol=1e-5)
    assert [path.suffix for path in folder.iterdir()] == [".npy", ".npy"], "a part and an index"
    assert all(path.stat().st_size < 4096 for path in folder.iterdir())


def test_the_middle_of_a_long_clip_is_encoded_and_its_length_is_part_of_the_key(speech, utterances):
    longest = max(utterances, key=lambda u: u.audio.seconds)
    assert longest.audio.seconds > 1
    short, long = SpeechPipeline(speech, max_seconds=1), SpeechPipeline(speech, max_seconds=9)
    cropped, whole = (one.embed([longest])["audio_states"] for one in (short, long))
    full = decode(longest.clip).waveform
    start = (len(full) - SAMPLING_RATE) // 2
    expected = short.encode([full[start : start + SAMPLING_RATE]])
    np.testing.assert_allclose(cropped, expected, atol=1e-4, rtol=0)
    assert not np.allclose(cropped, whole, atol=1e-3)


def test_missing_audio_is_zeros_and_marked(speech, utterances):
    lost = attach_audio([utterances[0], replace(utterances[1], clip=None, audio=None), utterances[2]])
    tensors = SpeechPipeline(speech).embed(lost)
    assert tensors["has_audio"].tolist() == [True, False, True]
    assert not tensors["audio_states"][1].any()


def test_a_missing_clip_is_named(speech, utterances, tmp_path):
    missing = replace(utterances[0], clip=Clip(tmp_path / "missing.wav"), split="")
    with pytest.raises(AudioError, match=r"missing\.wav"):
        SpeechPipeline(speech).embed([missing])


def test_clips_in_memory_have_the_embeddings_of_their_files(speech, utterances):
    pipeline = SpeechPipeline(speech)
    paths = [u.clip.path for u in utterances[:4]]
    clips = [clip_from_bytes("upload", path.read_bytes()) for path in paths]  # different files of one name
    in_memory = [replace(u, split="", clip=clip, audio=None) for u, clip in zip(utterances, clips, strict=False)]
    embedded = pipeline.embed(attach_audio(in_memory))["audio_states"]
    assert np.array_equal(embedded, pipeline.embed(utterances[:4])["audio_states"])
