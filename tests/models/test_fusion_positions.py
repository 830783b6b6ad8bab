"""Cross-attention, late fusion, and the positions that encoders return."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from multimodal_batches import HAS_AUDIO, HAS_TEXT, MEL_LENGTHS, N, batch, built, logits
from tiny_corpora import TINY_NETWORK

from sentir.models.audio_encoder import AudioEncoder
from sentir.models.device import to_tensors
from sentir.models.fusion import CrossAttentionFusion, LateFusion
from sentir.models.speech_encoder import PooledSpeechEncoder
from sentir.models.text_encoder import load_text_encoder
from sentir.testing import SENTENCES

WIDTH = 8
BOTH = torch.tensor([[True, True], [True, True], [True, False], [False, True]])


@pytest.fixture
def cross_attention():
    """A cross-attention, vectors of two modalities, their positions and masks."""
    torch.manual_seed(0)
    positions = [torch.randn(4, 5, WIDTH), torch.randn(4, 3, WIDTH)]
    masks = [torch.ones(4, 5, dtype=torch.bool), torch.ones(4, 3, dtype=torch.bool)]
    masks[0][:, 3:] = False
    return CrossAttentionFusion(2, WIDTH).eval(), torch.randn(4, 2, WIDTH), positions, masks


def test_each_vector_attends_to_the_other_modality_and_a_single_one_is_unchanged(cross_attention):
    fusion, x, positions, masks = cross_attention
    with torch.no_grad():
        text, audio = fusion(x, BOTH, positions, masks).split(WIDTH, dim=-1)
        assert torch.equal(text[2], x[2, 0]) and torch.equal(audio[3], x[3, 1])
        assert not text[3].any() and not audio[2].any()
        assert not torch.isclose(text[:2], x[:2, 0]).any() and not torch.isclose(audio[:2], x[:2, 1]).any()
        moved = fusion(x, BOTH, [positions[0] * 2 + 1, positions[1] + torch.randn(WIDTH)], masks)
        text_moved, audio_moved = ((moved - torch.cat([text, audio], -1)).abs() > 1e-6).split(WIDTH, dim=-1)
    for changed in (text_moved, audio_moved):
        assert changed.any(1).tolist() == [True, True, False, False]


def test_padding_is_masked(cross_attention):
    fusion, x, positions, masks = cross_attention
    with torch.no_grad():
        before = fusion(x, BOTH, positions, masks)
        spoiled = torch.where(masks[0].unsqueeze(-1), positions[0], 1e3)
        assert torch.equal(fusion(x, BOTH, [spoiled, positions[1]], masks), before)
        shorter = fusion(x, BOTH, [positions[0][:, :3], positions[1]], [masks[0][:, :3], masks[1]])
    torch.testing.assert_close(shorter, before)


def test_the_order_of_positions_does_not_matter(cross_attention):
    fusion, x, positions, masks = cross_attention
    order = torch.tensor([4, 1, 3, 0, 2])
    with torch.no_grad():
        before = fusion(x, BOTH, positions, masks)
        after = fusion(x, BOTH, [positions[0][:, order], positions[1]], [masks[0][:, order], masks[1]])
    torch.testing.assert_close(after, before)


@given(st.lists(st.lists(st.booleans(), min_size=3, max_size=3), min_size=1, max_size=5))
def test_late_fusion_starts_as_the_mean_of_the_modalities_present(rows):
    present = torch.tensor(rows)
    logits = torch.randn(*present.shape, 4)
    mean = (logits * present.unsqueeze(-1)).sum(1) / present.sum(1, keepdim=True).clamp(min=1)
    torch.testing.assert_close(LateFusion(3, 4)(logits, present), mean)


def test_late_fusion_has_weights_per_modality_and_label():
    fusion, x = LateFusion(2, 2), torch.tensor([[[1.0, 2.0], [3.0, 4.0]]])
    fusion.modality_logits.data = torch.tensor([[50.0, 0.0], [0.0, 50.0]])
    torch.testing.assert_close(fusion(x, torch.tensor([[True, True]])), torch.tensor([[1.0, 4.0]]))
    torch.testing.assert_close(fusion(x, torch.tensor([[True, False]])), torch.tensor([[1.0, 2.0]]))


@pytest.mark.parametrize("context", ["none", "dialogue"])
def test_in_late_fusion_a_single_modality_has_the_logits_of_its_head(context):
    model = built(fusion="late", context=context, feature_modalities=("text", "audio", "text")).eval()
    inputs = batch() | {"has_audio": torch.zeros(N, dtype=torch.bool), "features": torch.zeros(N, 3)}
    alone = logits(model, inputs)
    with torch.no_grad():
        text = model.text_proj(model.layer_pooling(inputs["text_states"])) * HAS_TEXT.unsqueeze(1)
        text_logits = model.head.branches[0](
            model.context.branches[0](text, inputs["dialogue"], inputs["turn"], None)
        )
        model.fusion.modality_logits[2].fill_(-1e4)  # of the features, which are present with the text
    torch.testing.assert_close(logits(model, inputs)[HAS_TEXT], text_logits[HAS_TEXT])
    assert not alone[~HAS_TEXT].any() and alone[HAS_TEXT].all()


def test_time_steps_average_to_the_output_of_the_global_gate_and_end_with_the_clip():
    torch.manual_seed(0)
    encoder, inputs = AudioEncoder(TINY_NETWORK, pretrained=False).eval(), batch()
    given = {name: inputs[name] for name in encoder.input_names}
    with torch.no_grad():
        local_vectors, global_vectors, steps, mask = encoder(**given, return_positions=True)
        vectors = encoder(**given)
    assert torch.equal(local_vectors, vectors[0]) and torch.equal(global_vectors, vectors[1])
    assert steps.shape == (N, mask.shape[1], encoder.position_width)
    lengths = mask.sum(1)
    assert lengths[1] > lengths[0] > 1 and not lengths[~HAS_AUDIO].any()
    assert MEL_LENGTHS[1] > MEL_LENGTHS[0] and not steps[~mask].any()
    torch.testing.assert_close(steps.sum(1) / lengths.clamp(min=1).unsqueeze(1), global_vectors)


def test_without_any_audio_all_time_steps_are_masked():
    encoder, inputs = AudioEncoder(TINY_NETWORK, pretrained=False).eval(), batch()
    given = {name: inputs[name] for name in encoder.input_names} | {"has_audio": torch.zeros(N, dtype=torch.bool)}
    *_vectors, steps, mask = encoder(**given, return_positions=True)
    assert steps.shape[:2] == mask.shape == (N, 1) and not mask.any()


def test_tokens_average_to_the_last_of_the_layers(roberta):
    encoder, tokenizer, _spec = load_text_encoder(str(roberta), layers=(0, 1))
    padded = to_tensors(tokenizer.pad([tokenizer.encode(text) for text in SENTENCES]))
    given = {name: padded[name] for name in encoder.input_names if name in padded}
    with torch.no_grad():
        states, tokens, mask = encoder.eval()(**given, return_positions=True)
        assert torch.equal(states, encoder(**given))
    assert mask.dtype == torch.bool and mask.sum(1).unique().numel() > 1
    means = (tokens * mask.unsqueeze(-1)).sum(1) / mask.sum(1, keepdim=True)
    torch.testing.assert_close(means, states[:, 1])


@pytest.mark.parametrize("pooling", ["mix", "concat"])
def test_a_speech_encoders_layers_are_its_positions(pooling):
    encoder, states = PooledSpeechEncoder(states_shape=(3, 8), layer_pooling=pooling), torch.randn(N, 3, 8)
    vectors, layers, mask = encoder(has_audio=HAS_AUDIO, audio_states=states, return_positions=True)
    assert torch.equal(vectors, encoder(has_audio=HAS_AUDIO, audio_states=states)[0])
    assert layers.shape == (N, 3, encoder.position_width)
    assert torch.equal(mask, HAS_AUDIO.unsqueeze(1).expand(N, 3))
