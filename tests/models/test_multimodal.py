"""`MultimodalClassifier`: any modality may be missing, and then it has no influence."""

import pytest
import torch
from multimodal_batches import HAS_AUDIO, HAS_TEXT, N, batch, built, logits
from tiny_corpora import TINY_NETWORK

from sentir.models.device import to_tensors
from sentir.models.fusion import FUSIONS
from sentir.models.multimodal import MultimodalClassifier
from sentir.models.text_encoder import load_text_encoder

FUSED = pytest.mark.parametrize("fusion", list(FUSIONS))
MODES = pytest.mark.parametrize("training", [False, True])


@FUSED
@MODES
def test_inputs_of_missing_modalities_and_their_features_change_nothing(fusion, training):
    model, inputs = built(fusion=fusion, modality_dropout=0.5).train(training), batch()
    before, spoiled = logits(model, inputs), {key: value.clone() for key, value in inputs.items()}
    spoiled["text_states"][~HAS_TEXT] = 1e3
    spoiled["mel"][~HAS_AUDIO] = 1e3
    spoiled["features"][~HAS_TEXT, 0] = 1e3
    spoiled["features"][~HAS_AUDIO, 1] = 1e3
    assert torch.equal(logits(model.train(training), spoiled), before)


@FUSED
@pytest.mark.parametrize(
    ("name", "present"),
    [("text_states", HAS_TEXT), ("mel", HAS_AUDIO), ("features", torch.ones(N, dtype=torch.bool))],
)
def test_inputs_of_present_modalities_matter(fusion, name, present):
    model, inputs = built(fusion=fusion).eval(), batch()
    moved = inputs | {name: inputs[name] * 1.5 + batch(seed=1)[name]}
    changed = (logits(model, moved) - logits(model, inputs)).abs().amax(1) > 1e-6
    assert torch.equal(changed, present)


@pytest.mark.parametrize(
    ("column", "present"), [(0, HAS_TEXT), (1, HAS_AUDIO), (2, torch.ones(N, dtype=torch.bool))]
)
def test_a_feature_matters_if_its_modality_is_present(column, present):
    model, inputs = built().eval(), batch()
    moved = inputs["features"].clone()
    moved[:, column] += 3
    changed = (logits(model, inputs | {"features": moved}) - logits(model, inputs)).abs().amax(1) > 1e-6
    assert torch.equal(changed, present)


@FUSED
def test_without_any_modality_logits_are_finite(fusion):
    nothing = torch.zeros(N, dtype=torch.bool)
    model = built(fusion=fusion, modality_dropout=0.9, feature_modalities=("text", "audio", "text"))
    for training in (True, False):
        output = logits(model.train(training), batch() | {"has_text": nothing, "has_audio": nothing})
        assert output.isfinite().all()
    assert torch.equal(output[0].expand_as(output), output)


@FUSED
@pytest.mark.parametrize("context", ["none", "dialogue"])
def test_gradients_reach_every_parameter(fusion, context):
    model = built(fusion=fusion, context=context, layer_pooling="mix", modality_dropout=0.0).train()
    torch.nn.functional.cross_entropy(model(**batch()), torch.arange(N) % 3).backward()
    assert [name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0] == []


@MODES
def test_modality_dropout_masks_one_of_two_and_only_in_training(training):
    model = built(modality_dropout=0.4).train(training)
    torch.manual_seed(0)
    present = torch.tensor([[True, True], [True, False], [False, True], [False, False]]).repeat_interleave(
        4000, 0
    )
    remaining = model._drop_modalities(present)
    assert torch.equal(remaining[4000:], present[4000:]), "a single modality is never dropped"
    both, text, audio, none = (
        (remaining[:4000] == torch.tensor(row)).all(1).float().mean().item()
        for row in ([True, True], [True, False], [False, True], [False, False])
    )
    expected = (0.6, 0.2, 0.2, 0.0) if training else (1.0, 0.0, 0.0, 0.0)
    assert (both, text, audio, none) == pytest.approx(expected, abs=0.03)


def test_an_utterance_loses_the_features_of_the_modality_it_loses():
    model, inputs = built(modality_dropout=0.9).train(), batch()
    model.audio.eval()
    for seed in range(8):
        torch.manual_seed(seed)
        remaining = model._drop_modalities(torch.stack([HAS_TEXT, HAS_AUDIO], dim=1))
        moved = inputs["features"].clone()
        moved[:, 0] += 3
        change = logits(model, inputs | {"features": moved}, seed=seed) - logits(model, inputs, seed=seed)
        assert torch.equal(change.abs().amax(1) > 1e-6, remaining[:, 0]), seed


@FUSED
def test_logits_of_a_dialogue_depend_neither_on_the_order_nor_on_the_batch(fusion):
    model, inputs = built(fusion=fusion, context="dialogue").eval(), batch()
    together, order = logits(model, inputs), torch.tensor([5, 2, 4, 0, 3, 1])
    shuffled = logits(model, {key: value[order] for key, value in inputs.items()})
    torch.testing.assert_close(shuffled, together[order], atol=1e-5, rtol=0)
    for rows in ([0, 1, 2], [3, 4], [5]):
        own = {key: value[rows] for key, value in inputs.items()}
        own["mel"] = own["mel"][:, : own["mel_lengths"].max()]
        torch.testing.assert_close(logits(model, own), together[rows], atol=1e-5, rtol=0)


@FUSED
def test_its_own_text_encoder_is_trained_as_a_pretrained_part(fusion, weights):
    encoder, tokenizer, _spec = load_text_encoder("roberta-base", weights=str(weights), layers=(-1,))
    model = built(text_encoder=encoder, text_states_shape=None, fusion=fusion)
    assert model.pretrained_prefixes == ("encoder.",) and "input_ids" in model.input_names
    tokens = to_tensors(
        tokenizer.pad([tokenizer.encode(text) for text in ("I am happy.", "", "So sad", "x", "", "fine")])
    )
    inputs = {key: value for key, value in (batch() | tokens).items() if key in model.input_names}
    model(**inputs).square().sum().backward()
    assert model.encoder.transformer.embeddings.word_embeddings.weight.grad.abs().sum() > 0


def test_features_without_modality_always_matter():
    model, inputs = built(feature_modalities=()).eval(), batch()
    changed = (logits(model, inputs | {"features": inputs["features"] + 1}) - logits(model, inputs)).abs().amax(1)
    assert (changed > 1e-6).all()


def test_without_features_it_takes_none():
    torch.manual_seed(0)
    model = MultimodalClassifier(
        "none", TINY_NETWORK, 0, 4, text_states_shape=(1, 8), pretrained=False, hidden_size=16
    )
    assert "features" not in model.input_names
    inputs = {k: v for k, v in batch().items() if k in model.input_names} | {"text_states": torch.zeros(N, 1, 8)}
    assert logits(model.eval(), inputs).shape == (N, 4)
