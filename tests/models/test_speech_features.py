"""Speech features equal those of transformers' feature extractors."""

import json

import numpy as np
import pytest
from transformers import AutoFeatureExtractor, Wav2Vec2FeatureExtractor, WhisperFeatureExtractor

from sentir.models.speech_backbones import load_speech_feature_extractor
from sentir.models.speech_features import SpeechFeatureExtractor
from sentir.testing import make_tiny_speech_backbone

RATE = 16_000
LENGTHS = (1, 100, 399, 400, 401, RATE, 3 * RATE + 77, 30 * RATE - 1, 30 * RATE, 31 * RATE)


def make_waveform(kind, samples):
    time, rng = np.arange(samples) / RATE, np.random.default_rng(samples)
    waveform = {
        "noise": 0.1 * rng.standard_normal(samples),
        "tone": 0.5 * np.sin(2 * np.pi * 440 * time),
        "silence": 0 * time,
        "bursts": 0.3 * np.sin(2 * np.pi * 150 * time) * (np.sin(9 * time) > 0)
        + 1e-3 * rng.standard_normal(samples),
    }[kind]
    return waveform.astype(np.float32)


def whisper(**values):
    return SpeechFeatureExtractor(values, {"model_type": "whisper"}), WhisperFeatureExtractor(**values)


def plain_mel(plain, waveform):
    """Transformers' log-mel spectrogram in float64; its version in torch rounds to float32 on the way."""
    padded = np.zeros(plain.n_samples, dtype=np.float32)
    padded[: len(waveform)] = waveform[: plain.n_samples]
    return plain._np_extract_fbank_features(padded[None], "cpu")[0]


@pytest.mark.parametrize("kind", ["noise", "tone", "silence", "bursts"])
@pytest.mark.parametrize("samples", LENGTHS)
def test_whisper_spectrograms_are_those_of_transformers(kind, samples):
    extractor, plain = whisper()
    waveform = make_waveform(kind, samples)
    mel = extractor.extract(waveform)
    assert mel.shape == (80, 3000) and mel.dtype == np.float32
    if samples in (100, RATE, 30 * RATE - 1, 31 * RATE):  # the rest would take a second each
        np.testing.assert_allclose(mel, plain_mel(plain, waveform), atol=1e-6, rtol=0)
    in_torch = plain(waveform[: plain.n_samples], sampling_rate=RATE, return_tensors="np")["input_features"][0]
    np.testing.assert_allclose(mel, in_torch, atol=1e-5 if kind == "noise" else 1e-4, rtol=0)


@pytest.mark.parametrize("samples", [1, 5000, 2 * RATE, 4 * RATE])
@pytest.mark.parametrize(("bands", "hop_length", "n_fft"), [(16, 160, 400), (80, 320, 512), (128, 80, 400)])
def test_other_whisper_settings_are_followed(samples, bands, hop_length, n_fft):
    extractor, plain = whisper(feature_size=bands, hop_length=hop_length, n_fft=n_fft, chunk_length=3)
    waveform = make_waveform("noise", samples)
    np.testing.assert_allclose(extractor.extract(waveform), plain_mel(plain, waveform), atol=1e-6, rtol=0)


@pytest.mark.parametrize("do_normalize", [True, False])
@pytest.mark.parametrize("kind", ["noise", "silence", "bursts"])
def test_waveforms_are_normalized_as_by_transformers(kind, do_normalize):
    extractor = SpeechFeatureExtractor({"do_normalize": do_normalize}, {"model_type": "wav2vec2"})
    plain = Wav2Vec2FeatureExtractor(do_normalize=do_normalize)
    for samples in LENGTHS:
        waveform = make_waveform(kind, samples)
        row = extractor.extract(waveform)
        covered = np.zeros(len(row), dtype=np.float32)
        covered[:samples] = waveform[: len(row)]
        expected = plain(covered, sampling_rate=RATE, return_tensors="np")["input_values"][0]
        np.testing.assert_allclose(row, expected, atol=1e-6, rtol=0)
        assert row.dtype == np.float32


@pytest.mark.parametrize("name", ["wav2vec2", "hubert", "wavlm", "whisper"])
def test_saved_settings_are_the_same_to_sentir_and_to_transformers(name, tmp_path):
    folder, again = make_tiny_speech_backbone(name, tmp_path / "a"), tmp_path / "b"
    again.mkdir()
    extractor = load_speech_feature_extractor(str(folder))
    extractor.save_pretrained(again)
    (again / "config.json").write_bytes((folder / "config.json").read_bytes())
    assert load_speech_feature_extractor(str(again)).settings() == extractor.settings()
    one, other = (AutoFeatureExtractor.from_pretrained(place).to_dict() for place in (folder, again))
    assert one == other and type(one).__name__ == "dict"
    names = ("do_normalize", "padding_value", "feature_size", "n_fft", "hop_length", "chunk_length", "dither")
    assert extractor.settings() == tuple(one.get(key) for key in names), "digests of saved models stay valid"


def test_dithering_is_not_applied_and_said_so(caplog):
    extractor = SpeechFeatureExtractor({"dither": 1e-3}, {"model_type": "whisper"})
    assert "dithering of the speech encoder is not applied" in caplog.text
    waveform = make_waveform("noise", RATE)
    np.testing.assert_array_equal(extractor.extract(waveform), whisper()[0].extract(waveform))


def test_batches_are_padded_with_zeros_and_missing_audio_is_masked():
    extractor = SpeechFeatureExtractor({}, {"model_type": "wav2vec2"})
    batch = extractor.pad([make_waveform("noise", RATE), None, make_waveform("noise", 2 * RATE)])
    assert batch["waveform"].shape == (3, 400 + 320 * 98) and batch["waveform"].dtype == np.float32
    assert batch["num_frames"].tolist() == [49, 1, 99] and batch["num_frames"].dtype == np.int64
    assert batch["has_audio"].tolist() == [True, False, True] and batch["has_audio"].dtype == bool
    assert not batch["waveform"][0, 400 + 320 * 48 :].any() and not batch["waveform"][1].any()


@pytest.mark.parametrize("key", ["chunk_length", "feature_size", "hop_length", "n_fft", "sampling_rate"])
def test_invalid_settings_are_named(key):
    with pytest.raises(ValueError, match=f"preprocessor_config.json: '{key}' is invalid"):
        SpeechFeatureExtractor(json.loads(f'{{"{key}": 1.5}}'), {"model_type": "whisper"})
