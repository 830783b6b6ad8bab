"""Speech backbones agree with plain transformers, for every architecture, length and batch."""

import json
import shutil

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from transformers import AutoFeatureExtractor, AutoModel, BertConfig

from sentir.errors import RecipeError, UnknownNameError, WeightsError
from sentir.models.device import to_tensors
from sentir.models.emotion_model import EmotionModel
from sentir.models.speech_backbones import (
    SPEECH_BACKBONES,
    get_speech_backbone,
    is_speech_backbone,
    load_speech_encoder,
)
from sentir.models.speech_encoder import PooledSpeechEncoder, SpeechEncoder
from sentir.models.speech_features import SpeechFeatureExtractor
from sentir.testing import check_speech_backbone, make_tiny_speech_backbone

torch.set_num_threads(1)
pytestmark = pytest.mark.filterwarnings(
    "ignore:Support for mismatched key_padding_mask"
)  # of WavLM's own attention
KINDS = [(name, norm) for name in ("wav2vec2", "hubert", "wavlm") for norm in ("group", "layer")]
KINDS += [("whisper", ""), pytest.param(("whisper-large-v3", ""), marks=pytest.mark.slow)]


@pytest.fixture(scope="session", params=KINDS, ids="-".join)
def kind(request, tmp_path_factory):
    name, norm = request.param
    return name, make_tiny_speech_backbone(name, tmp_path_factory.mktemp(name), norm=norm or "group")


@pytest.fixture(scope="session")
def wav2vec2(tmp_path_factory):
    return make_tiny_speech_backbone("wav2vec2", tmp_path_factory.mktemp("wav2vec2"))


@pytest.fixture(scope="session")
def whisper(tmp_path_factory):
    return make_tiny_speech_backbone("whisper", tmp_path_factory.mktemp("whisper"))


def noise(samples, seed=0):
    return (0.1 * np.random.default_rng(seed).standard_normal(samples)).astype(np.float32)


def plain_states(folder, waveform):
    """Return every hidden state of plain transformers for one clip, ``(L, T, d)``."""
    model = AutoModel.from_pretrained(folder).eval()
    given = AutoFeatureExtractor.from_pretrained(folder)(waveform, sampling_rate=16_000, return_tensors="pt")
    part = model.get_encoder() if model.config.model_type == "whisper" else model
    with torch.no_grad():
        output = part(given[part.main_input_name], output_hidden_states=True)
    return torch.stack([*output.hidden_states[:-1], output.last_hidden_state])[:, 0]


def test_every_architecture_keeps_the_contract(kind):
    check_speech_backbone(*kind)


def test_vectors_are_the_mean_of_every_layer_alone_and_in_a_batch(kind):
    name, folder = kind
    encoder, extractor = load_speech_encoder(name, weights=str(folder))
    waveforms = [noise(400 + 320 * frames, seed=frames) for frames in (30, 99, 30, 3)]
    with torch.no_grad():
        together = encoder.eval()(**to_tensors(extractor.pad(waveforms)))
    for vectors, waveform in zip(together, waveforms, strict=True):
        frames = -(-len(waveform) // 320) if name.startswith("whisper") else (len(waveform) - 400) // 320 + 1
        expected = plain_states(folder, waveform)[:, :frames].mean(1)
        torch.testing.assert_close(vectors, expected, atol=1e-4, rtol=0)
        assert expected.std() > 0.1


def test_whisper_encodes_the_padding_but_pools_only_the_clip(whisper):
    encoder, extractor = load_speech_encoder("whisper", weights=str(whisper), layers=(-1,))
    waveform = noise(16_000)
    with torch.no_grad():
        vector = encoder.eval()(**to_tensors(extractor.pad([waveform])))[0, 0]
    states = plain_states(whisper, waveform)[-1]
    assert states.shape == (1500, 32)
    torch.testing.assert_close(vector, states[:50].mean(0), atol=1e-4, rtol=0)
    assert not torch.allclose(vector, states.mean(0), atol=1e-2)
    assert extractor.num_frames(40 * 16_000) == 1500, "longer clips are truncated to 30 seconds"
    assert extractor.extract(noise(31 * 16_000)).shape == (80, 3000)


def test_attention_over_frames_starts_as_their_mean_and_ignores_padding(wav2vec2, whisper):
    for name, folder in (("wav2vec2", wav2vec2), ("whisper", whisper)):
        encoder, extractor = load_speech_encoder(name, weights=str(folder), layers=(-1,))
        mean = PooledSpeechEncoder(encoder).eval()
        attention = PooledSpeechEncoder(encoder, frame_pooling="attention").eval()
        batch = to_tensors(extractor.pad([noise(16_000), noise(8000), None]))
        with torch.no_grad():
            torch.testing.assert_close(attention(**batch), mean(**batch), atol=1e-5, rtol=0)
            torch.nn.init.normal_(attention.frame_attention.query, generator=torch.Generator().manual_seed(0))
            (together,) = attention(**batch)
            (alone,) = attention(**to_tensors(extractor.pad([noise(8000)])))
        assert not torch.allclose(together, mean(**batch)[0], atol=1e-2)
        torch.testing.assert_close(together[1], alone[0], atol=1e-4, rtol=0)
        assert not together[2].any()
    attention(**batch)[0].square().sum().backward()
    assert attention.frame_attention.query.grad.any()


def test_names_of_large_models_have_their_layouts(tmp_path):
    for name, kind in (("wavlm-large", "wavlm"), ("hubert-large", "hubert")):
        encoder, _extractor = load_speech_encoder(
            name, weights=str(make_tiny_speech_backbone(name, tmp_path / name))
        )
        config = encoder.transformer.config
        assert (config.model_type, config.feat_extract_norm, config.do_stable_layer_norm) == (kind, "layer", True)


@settings(max_examples=50)
@given(samples=st.integers(0, 40_000))
def test_samples_after_the_last_frame_are_less_than_a_frame(samples):
    extractor = feature_extractor()
    covered = extractor.receptive_field + (extractor.num_frames(samples) - 1) * extractor.stride
    assert (extractor.receptive_field, extractor.stride) == (400, 320)
    assert covered == 400 if samples < 400 else 0 <= samples - covered < 320


def feature_extractor():
    return SpeechFeatureExtractor({}, {"model_type": "wav2vec2"})


def test_loudness_is_normalized_where_the_extractor_says_so(wav2vec2, tmp_path):
    loud, quiet = noise(8000) * 10, noise(8000)
    extractor = load_speech_encoder("wav2vec2", weights=str(wav2vec2))[1]
    np.testing.assert_allclose(extractor.extract(loud), extractor.extract(quiet), atol=1e-3)
    folder = shutil.copytree(wav2vec2, tmp_path / "plain")
    settings_file = folder / "preprocessor_config.json"
    settings_file.write_text(json.dumps(json.loads(settings_file.read_text()) | {"do_normalize": False}))
    plain = load_speech_encoder("wav2vec2", weights=str(folder))[1]
    np.testing.assert_array_equal(plain.extract(loud), loud[: 400 + 320 * 23])
    assert plain.settings() != extractor.settings()


def test_the_contract_detects_pooled_padding(whisper, monkeypatch):
    monkeypatch.setattr(
        "sentir.models.speech_encoder.masked_mean",
        lambda states, mask: states[:, : int(mask.sum(1).max())].mean(1),
    )
    with pytest.raises(AssertionError, match="the batch changes the vectors"):
        check_speech_backbone("whisper", whisper)


def test_the_contract_detects_encoded_padding(wav2vec2, monkeypatch):
    monkeypatch.setattr(SpeechEncoder, "_group_rows", lambda self, num_frames, has: [has.nonzero().squeeze(1)])
    with pytest.raises(AssertionError, match="the batch changes the vectors"):
        check_speech_backbone("wav2vec2", wav2vec2)


def test_convolutions_of_pretrained_encoders_are_frozen_and_random_ones_trained(wav2vec2):
    for pretrained in (True, False):
        encoder = load_speech_encoder("wav2vec2", weights=str(wav2vec2), pretrained=pretrained)[0]
        trainable = {name: p.requires_grad for name, p in encoder.named_parameters()}
        frozen = [name for name, is_trainable in trainable.items() if not is_trainable]
        assert all("feature_extractor" in name for name in frozen)
        assert bool(frozen) == pretrained and encoder.pretrained == pretrained


def test_dropout_is_the_only_randomness_in_training(wav2vec2):
    encoder, extractor = load_speech_encoder("wav2vec2", weights=str(wav2vec2), layers=(-1,))
    for module in encoder.train().modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
        if hasattr(module, "dropout") and isinstance(module.dropout, float):
            module.dropout = 0.0
    batch = to_tensors(extractor.pad([noise(400), noise(32_000)]))
    torch.testing.assert_close(encoder(**batch), encoder(**batch))


def test_a_name_a_hub_id_and_a_folder_are_speech_backbones_and_timms_names_are_not(wav2vec2):
    assert all(map(is_speech_backbone, [*SPEECH_BACKBONES, "someone/some-encoder", str(wav2vec2)]))
    assert not is_speech_backbone("efficientnet_b0") and not is_speech_backbone("vgg16.tv_in1k")
    assert get_speech_backbone("someone/some-encoder").hub_id == "someone/some-encoder"
    assert load_speech_encoder(str(wav2vec2))[0].width == 32
    with pytest.raises(UnknownNameError, match="did you mean wav2vec2"):
        get_speech_backbone("wav2vec")


@pytest.mark.parametrize("layer", [3, -4])
def test_a_layer_that_the_encoder_lacks_is_rejected(layer, wav2vec2):
    with pytest.raises(RecipeError, match=rf"'model\.audio\.layers' names layer {layer}; .* has -3 to 2"):
        load_speech_encoder("wav2vec2", weights=str(wav2vec2), layers=(layer,))


def test_a_text_encoder_is_rejected(tmp_path):
    BertConfig().save_pretrained(tmp_path)
    with pytest.raises(WeightsError, match="architecture 'bert' is none of wav2vec2, hubert, wavlm, whisper"):
        load_speech_encoder(str(tmp_path))


def test_another_sampling_rate_is_rejected(wav2vec2, tmp_path):
    folder = shutil.copytree(wav2vec2, tmp_path / "slow")
    file = folder / "preprocessor_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"sampling_rate": 8000}))
    with pytest.raises(WeightsError, match="its sampling rate is 8000 Hz, Sentir's is 16000 Hz"):
        load_speech_encoder(str(folder))


def test_missing_tensors_and_feature_extractors_are_rejected(wav2vec2, tmp_path):
    folder = shutil.copytree(wav2vec2, tmp_path / "incomplete")
    file = folder / "model.safetensors"
    tensors = load_file(file)
    missing = next(name for name in tensors if "layers.1" in name)
    save_file({k: v for k, v in tensors.items() if k != missing}, file, metadata={"format": "pt"})
    with pytest.raises(WeightsError, match=r"lack 1 tensors of the encoder, .*model\.audio\.pretrained=false"):
        load_speech_encoder(str(folder))
    (folder / "preprocessor_config.json").unlink()
    with pytest.raises(WeightsError, match="has no usable encoder"):
        load_speech_encoder(str(folder))


def test_unavailable_weights_are_an_error_that_names_the_setting(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(WeightsError, match=r"'facebook/wav2vec2-base' .*--set model\.audio\.weights=FOLDER"):
        load_speech_encoder("wav2vec2")


def test_half_precision_on_disk_is_full_precision_in_memory(wav2vec2, tmp_path):
    folder = shutil.copytree(wav2vec2, tmp_path / "half")
    file = folder / "model.safetensors"
    save_file({k: v.half() for k, v in load_file(file).items()}, file, metadata={"format": "pt"})
    settings_file = folder / "config.json"
    settings_file.write_text(json.dumps(json.loads(settings_file.read_text()) | {"dtype": "float16"}))
    for pretrained in (True, False):
        encoder = load_speech_encoder(str(folder), pretrained=pretrained)[0]
        assert {p.dtype for p in encoder.parameters()} == {torch.float32}


def test_an_emotion_model_uses_a_speech_encoder(wav2vec2):
    model = EmotionModel(str(wav2vec2), num_extra_features=2, num_classes=5).eval()
    assert model.input_names == ("waveform", "num_frames", "has_audio", "features")
    assert model.pretrained_prefixes == ("audio.encoder.",)
    extractor = load_speech_encoder(str(wav2vec2))[1]
    batch = to_tensors(extractor.pad([noise(16_000), None]))
    with torch.no_grad():
        logits = model(**batch, features=torch.zeros(2, 2))
        changed = model(
            **batch | {"waveform": batch["waveform"] * torch.tensor([[1.0], [9.0]])}, features=torch.zeros(2, 2)
        )
    assert logits.shape == (2, 5)
    torch.testing.assert_close(logits, changed, msg="missing audio has no influence")
