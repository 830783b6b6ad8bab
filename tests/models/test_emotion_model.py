"""`EmotionModel`: the thesis' keywords, gradients, batch invariance, clips without audio."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from sentir.models.audio_encoder import AudioEncoder
from sentir.models.emotion_model import EmotionModel

TINY = "test_efficientnet.r160_in1k"
MEL_LENGTHS = (100, 300, 100, 200, 100)
HAS_AUDIO = (True, True, False, True, True)


def batch(mel_lengths=MEL_LENGTHS, has_audio=HAS_AUDIO, features=0):
    """Inputs of one row per length, each padded to the longest."""
    generator = torch.Generator().manual_seed(3)
    mel = torch.zeros(len(mel_lengths), max(mel_lengths), 64)
    for row, length, has_own in zip(mel, mel_lengths, has_audio, strict=True):
        row[:length] = torch.randn(length, 64, generator=generator) * has_own
    inputs = {"mel": mel, "mel_lengths": torch.tensor(mel_lengths), "has_audio": torch.tensor(has_audio)}
    return inputs | (
        {"features": torch.randn(len(mel_lengths), features, generator=generator)} if features else {}
    )


@pytest.fixture
def model():
    torch.manual_seed(0)
    return EmotionModel(TINY, 3, pretrained=False, hidden_size=16).eval()


@pytest.fixture(scope="module")
def encoder():
    torch.manual_seed(0)
    return AudioEncoder(TINY, pretrained=False).eval()


def test_the_constructor_takes_the_thesis_arguments():
    model = EmotionModel(backbone_name=TINY, num_extra_features=4, num_classes=6, pretrained=False)
    assert model.input_names == ("mel", "mel_lengths", "has_audio", "features")
    assert model(**batch(features=4)).shape == (len(MEL_LENGTHS), 6)
    assert EmotionModel(TINY, pretrained=False)(**batch(features=3)).shape == (len(MEL_LENGTHS), 7)


def test_without_features_it_takes_audio_only():
    model = EmotionModel(TINY, 0, 2, pretrained=False)
    assert model.input_names == AudioEncoder.input_names
    assert model(**batch()).shape == (len(MEL_LENGTHS), 2)


def test_submodules_have_fixed_names(model):
    parts = {name.split(".")[0] for name, _parameter in model.named_parameters()}
    assert parts == {"audio", "audio_proj", "feature_proj", "head"}
    backbone = sum(name.startswith("audio.backbone.") for name in model.state_dict())
    assert backbone == len(model.audio.backbone.state_dict()) > 50


@pytest.mark.parametrize("features", [0, 3])
def test_gradients_reach_every_trainable_parameter(features):
    torch.manual_seed(0)
    model = EmotionModel(TINY, features, 3, pretrained=False, hidden_size=16)
    logits = model(**batch(features=features))
    torch.nn.functional.cross_entropy(logits, torch.arange(len(MEL_LENGTHS)) % 3).backward()
    unreached = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert unreached == []


def test_training_reduces_the_loss():
    torch.manual_seed(0)
    model = EmotionModel(TINY, 0, 2, pretrained=False, hidden_size=16, dropout=0)
    inputs, labels = batch(mel_lengths=(100,) * 8, has_audio=(True,) * 8), torch.arange(8) % 2
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    losses = []
    for _step in range(12):
        loss = torch.nn.functional.cross_entropy(model(**inputs), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0], losses


@settings(max_examples=15)
@given(
    st.lists(st.tuples(st.sampled_from([100, 200, 224, 300]), st.booleans()), min_size=1, max_size=6),
    st.randoms(use_true_random=False),
)
def test_the_output_of_a_clip_does_not_depend_on_the_batch(encoder, rows, random):
    inputs = batch(*zip(*rows, strict=True))
    order = random.sample(range(len(rows)), len(rows))
    with torch.no_grad():
        together = torch.cat(encoder(**inputs), dim=1)
        shuffled = torch.cat(encoder(**{key: value[order] for key, value in inputs.items()}), dim=1)
        torch.testing.assert_close(shuffled, together[order], atol=1e-5, rtol=0)
        for n, (length, _has_audio) in enumerate(rows):
            own = {key: value[n : n + 1] for key, value in inputs.items()}
            alone = torch.cat(encoder(**own | {"mel": own["mel"][:, :length]}), dim=1)
            torch.testing.assert_close(alone[0], together[n], atol=1e-5, rtol=0)


def test_padding_beyond_a_clips_own_length_is_ignored(model):
    inputs = batch(features=3)
    spoiled = inputs["mel"].clone()
    for row, length in zip(spoiled, MEL_LENGTHS, strict=True):
        row[length:] = float("nan")
    with torch.no_grad():
        assert torch.equal(model(**inputs | {"mel": spoiled}), model(**inputs))


def test_a_clip_without_audio_has_zeros_and_stays_out_of_the_network(encoder):
    seen = []
    hook = encoder.backbone.conv_stem.register_forward_pre_hook(lambda _part, x: seen.append(tuple(x[0].shape)))
    with hook, torch.no_grad():
        local_vectors, global_vectors = encoder(**batch())
    assert sorted(seen) == [(1, 1, 200, 64), (1, 1, 300, 64), (2, 1, 100, 64)]
    has_audio = torch.tensor(HAS_AUDIO)
    for vectors in (local_vectors, global_vectors):
        assert not vectors[~has_audio].any() and vectors[has_audio].abs().sum(1).gt(0).all()


def test_without_any_audio_the_features_still_matter_and_train(model):
    inputs = batch(has_audio=(False,) * len(MEL_LENGTHS), features=3)
    logits = model(**inputs)
    assert logits.isfinite().all() and not torch.allclose(logits[0], logits[1])
    logits.sum().backward()
    assert model.feature_proj[0].weight.grad.abs().sum() > 0


def test_features_and_audio_both_matter(model):
    inputs = batch(features=3)
    with torch.no_grad():
        before = model(**inputs)
        assert not torch.allclose(model(**inputs | {"features": inputs["features"] + 1}), before)
        louder = model(**inputs | {"mel": inputs["mel"] + 1})
    changed = (louder - before).abs().amax(1) > 1e-6
    assert changed.tolist() == list(HAS_AUDIO)


def test_a_gate_is_a_pointwise_convolution_whose_weights_are_accessible(encoder):
    mel = batch(mel_lengths=(200, 200), has_audio=(True, True))["mel"]
    with torch.no_grad():
        local_weights, global_weights = encoder.gate_weights(mel)
        assert local_weights.shape == (2, 50, 16) and global_weights.shape == (2, 7, 2)
        last, (local,) = encoder.backbone.forward_intermediates(
            mel.unsqueeze(1), indices=[encoder.local_map_index]
        )
        vectors = encoder(mel, torch.tensor([200, 200]), torch.tensor([True, True]))
    for gate, x, weights, vector in zip(
        (encoder.local_gate, encoder.global_gate),
        (local, last),
        (local_weights, global_weights),
        vectors,
        strict=True,
    ):
        kernel, bias = gate.score.weight[0, :, 0, 0], gate.score.bias
        by_hand = torch.einsum("ncij,c->nij", x, kernel).add(bias).sigmoid()
        torch.testing.assert_close(weights, by_hand, atol=1e-5, rtol=0)
        torch.testing.assert_close(vector, (x * by_hand.unsqueeze(1)).mean((2, 3)), atol=1e-5, rtol=0)


def test_its_state_dict_can_be_saved(model, tmp_path):
    save_file(model.state_dict(), tmp_path / "model.safetensors")
    loaded = EmotionModel(TINY, 3, pretrained=False, hidden_size=16).eval()
    loaded.load_state_dict(load_file(tmp_path / "model.safetensors"))
    inputs = batch(features=3)
    with torch.no_grad():
        assert torch.equal(loaded(**inputs), model(**inputs))
