"""Audio backbones: timm's networks without a head, their feature maps, and where their weights come from."""

import pytest
import timm
import torch
from safetensors.torch import load_file, save_file

from sentir.errors import RecipeError, UnknownNameError, WeightsError
from sentir.models import audio_encoder
from sentir.models.audio_backbones import AUDIO_BACKBONES, AudioBackbone, get_audio_backbone, load_audio_backbone
from sentir.testing import check_audio_backbone

TINY = "test_efficientnet.r160_in1k"


def load_random(name):
    return load_audio_backbone(name, pretrained=False)


@pytest.fixture
def rgb_weights(tmp_path):
    """A file with a complete timm model for RGB images, classifier included, and that model."""
    torch.manual_seed(1)
    model = timm.create_model(TINY, pretrained=False).eval()
    file = tmp_path / "rgb.safetensors"
    save_file(model.state_dict(), file)
    return file, model


@pytest.fixture
def empty_hub(monkeypatch, tmp_path):
    """An unreachable hub, and the folder of an empty cache."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


@pytest.mark.parametrize(
    ("name", "channels", "parameters"),
    [("vgg16", (256, 512), 14_713_536), ("efficientnet_b0", (24, 1280), 4_006_972)],
)
def test_the_thesis_backbones_have_the_feature_maps_of_the_thesis(name, channels, parameters):
    network, local_map_index, widths = load_random(name)
    assert widths == channels
    assert sum(p.numel() for p in network.parameters()) == parameters, "VGG's fully connected head would be 119 M"
    with torch.no_grad():
        last, (local,) = network.eval().forward_intermediates(
            torch.zeros(1, 1, 32, 64), indices=[local_map_index]
        )
    assert local.shape[1:] == (channels[0], 8, 16), "the local map is a quarter as long"
    assert last.shape[1] == channels[1]
    assert get_audio_backbone(name).min_frames == 32


def test_the_local_map_of_other_timm_networks_follows_from_the_reduction():
    assert load_random(TINY)[1:] == (1, (24, 256))
    assert load_random("mobilenetv3_small_050")[1:] == (1, (8, 288))
    assert load_random("test_convnext")[1:] == (0, (24, 64)), "its first map is a quarter as long already"


@pytest.mark.parametrize("name", [TINY, "mobilenetv3_small_050"])
def test_backbones_keep_the_contract(name):
    check_audio_backbone(name)


def test_the_contract_detects_dependence_on_the_batch(monkeypatch):
    def padded(encoder, mel, mel_lengths, has_audio):
        local, last = encoder._feature_maps(mel)
        mask = has_audio.unsqueeze(1)
        return encoder.local_gate(local) * mask, encoder.global_gate(last) * mask

    monkeypatch.setattr(audio_encoder.AudioEncoder, "forward", padded)
    with pytest.raises(AssertionError, match="the batch changes the vectors of a clip of 100 frames"):
        check_audio_backbone(TINY)


def test_the_contract_detects_a_gate_that_changes_the_feature_maps(monkeypatch):
    feature_maps = audio_encoder.AudioEncoder._feature_maps

    def gated(encoder, mel):
        local, last = feature_maps(encoder, mel)
        return local, last * encoder.global_gate.weights(last)

    monkeypatch.setattr(audio_encoder.AudioEncoder, "_feature_maps", gated)
    with pytest.raises(AssertionError, match="is not that of timm's network"):
        check_audio_backbone(TINY)


def test_the_contract_detects_a_parameter_without_gradient(monkeypatch):
    monkeypatch.setattr(audio_encoder.Gate, "weights", lambda gate, x: torch.full_like(x[:, :1], 0.5))
    with pytest.raises(AssertionError, match=r"no gradient reaches local_gate\.score"):
        check_audio_backbone(TINY)


def test_a_plugin_registers_its_own_backbone(monkeypatch):
    monkeypatch.setattr(AUDIO_BACKBONES, "_entries", dict(AUDIO_BACKBONES._entries))
    AUDIO_BACKBONES.register("mine")(AudioBackbone("mine", TINY, local_map_index=2))
    assert load_random("mine")[1:] == (2, (32, 256))


def test_an_unknown_name_suggests_similar_ones():
    with pytest.raises(UnknownNameError, match=r"called 'efficientnet-b0'; did you mean efficientnet_b0 or"):
        get_audio_backbone("efficientnet-b0")
    with pytest.raises(
        UnknownNameError, match=r"called 'vgg16\.none'; .*known: efficientnet_b0, efficientnet_lite0"
    ):
        get_audio_backbone("vgg16.none")


@pytest.mark.parametrize("name", ["test_vit", "test_mambaout"])
def test_a_network_that_takes_no_mel_spectrograms_is_rejected(name):
    with pytest.raises(
        RecipeError, match=rf"'{name}' cannot be used on mel spectrograms \(.+\); give a convolutional network"
    ):
        load_random(name)


def test_rgb_weights_treat_a_mel_spectrogram_as_a_gray_image(rgb_weights):
    file, model = rgb_weights
    network = load_audio_backbone(TINY, weights=file)[0].eval()
    mel = torch.randn(2, 1, 100, 64)
    with torch.no_grad():
        torch.testing.assert_close(
            network.forward_features(mel), model.forward_features(mel.repeat(1, 3, 1, 1)), atol=1e-5, rtol=0
        )


def test_weights_in_half_precision_and_without_counters_are_accepted(rgb_weights, tmp_path):
    state = {k: v.half() for k, v in load_file(rgb_weights[0]).items() if not k.endswith("num_batches_tracked")}
    save_file(state, tmp_path / "half.safetensors")
    network = load_audio_backbone(TINY, weights=tmp_path / "half.safetensors")[0]
    assert {p.dtype for p in network.parameters()} == {torch.float32}
    assert torch.equal(network.get_parameter("conv_head.weight"), state["conv_head.weight"].float())


def test_missing_tensors_are_an_error_that_names_one(rgb_weights, tmp_path):
    state = load_file(rgb_weights[0])
    del state["conv_head.weight"], state["blocks.0.0.conv.weight"]
    save_file(state, tmp_path / "part.safetensors")
    with pytest.raises(WeightsError, match=r"lack 2 tensors of the backbone, 'blocks\.0\.0\.conv\.weight' among"):
        load_audio_backbone(TINY, weights=tmp_path / "part.safetensors")


def test_weights_of_another_size_are_an_error_that_names_one(rgb_weights, tmp_path):
    state = load_file(rgb_weights[0])
    state["conv_head.weight"] = state["conv_head.weight"][:100].contiguous()
    save_file(state, tmp_path / "other.safetensors")
    with pytest.raises(
        WeightsError, match=r"'conv_head\.weight' has shape \(100, 64, 1, 1\), not \(256, 64, 1, 1\)"
    ):
        load_audio_backbone(TINY, weights=tmp_path / "other.safetensors")


@pytest.mark.parametrize("content", [None, b"", b"no tensors at all"])
def test_an_unreadable_file_is_named(tmp_path, content):
    file = tmp_path / "bad.safetensors"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(WeightsError, match=r"bad\.safetensors cannot be read \(.+\); set model\.audio\.weights"):
        load_audio_backbone(TINY, weights=file)


def test_weights_and_no_pretraining_contradict_each_other(rgb_weights):
    with pytest.raises(RecipeError, match="contradict each other"):
        load_audio_backbone(TINY, pretrained=False, weights=rgb_weights[0])


@pytest.mark.parametrize("name", ["vgg16", "efficientnet_b0", TINY, "efficientnet_b6"])
def test_unavailable_weights_are_an_error_with_a_remedy(name, empty_hub):
    with pytest.raises(
        WeightsError, match=r"set model\.audio\.weights to a local .*model\.audio\.pretrained=false"
    ):
        load_audio_backbone(name)


def test_weights_in_the_local_cache_need_no_hub(rgb_weights, empty_hub):
    repository = empty_hub / f"models--timm--{TINY}"
    for folder in ("refs", "snapshots/0123"):
        (repository / folder).mkdir(parents=True)
    (repository / "refs" / "main").write_text("0123")
    rgb_weights[0].rename(repository / "snapshots" / "0123" / "model.safetensors")
    network = load_audio_backbone(TINY)[0]
    assert torch.equal(network.get_parameter("conv_head.weight"), rgb_weights[1].conv_head.weight)
