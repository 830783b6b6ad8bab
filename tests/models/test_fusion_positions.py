"""What cross-attention asks, what late fusion weighs, and the positions that encoders give."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from multimodal_batches import FRAMES, HAS_AUDIO, HAS_TEXT, N, batch, built, logits
from tiny_corpora import TINY_NETWORK

from sentir.models.audio_encoder import AudioEncoder
from sentir.models.fusion import CrossAttentionFusion, LateFusion
from sentir.models.pooled_speech_encoder import PooledSpeechEncoder
from sentir.models.text_encoder import load_text_encoder
from sentir.testing import SENTENCES

WIDTH = 8
BOTH = torch.tensor([[True, True], [True, True], [True, False], [False, True]])


@pytest.fixture
def asking():
    """A cross-attention, vectors of two modalities, and what they are made of."""
    torch.manual_seed(0)
    positions = [torch.randn(4, 5, WIDTH), torch.randn(4, 3, WIDTH)]
    known = [torch.ones(4, 5, dtype=torch.bool), torch.ones(4, 3, dtype=torch.bool)]
    known[0][:, 3:] = False
    return CrossAttentionFusion(2, WIDTH).eval(), torch.randn(4, 2, WIDTH), positions, known


def test_each_vector_attends_to_the_other_modality_and_a_single_one_is_unchanged(asking):
    fusion, x, positions, known = asking
    with torch.no_grad():
        text, sound = fusion(x, BOTH, positions, known).split(WIDTH, dim=-1)
        assert torch.equal(text[2], x[2, 0]) and torch.equal(sound[3], x[3, 1])
        assert not text[3].any() and not sound[2].any()
        assert not torch.isclose(text[:2], x[:2, 0]).any() and not torch.isclose(sound[:2], x[:2, 1]).any()
        moved = fusion(x, BOTH, [positions[0] * 2 + 1, positions[1] + torch.randn(WIDTH)], known)
        text_moved, sound_moved = ((moved - torch.cat([text, sound], -1)).abs() > 1e-6).split(WIDTH, dim=-1)
    for changed in (text_moved, sound_moved):
        assert changed.any(1).tolist() == [True, True, False, False]


def test_padding_is_masked(asking):
    fusion, x, positions, known = asking
    with torch.no_grad():
        before = fusion(x, BOTH, positions, known)
        spoiled = torch.where(known[0].unsqueeze(-1), positions[0], 1e3)
        assert torch.equal(fusion(x, BOTH, [spoiled, positions[1]], known), before)
        shorter = fusion(x, BOTH, [positions[0][:, :3], positions[1]], [known[0][:, :3], known[1]])
    torch.testing.assert_close(shorter, before)


def test_the_order_of_positions_does_not_matter(asking):
    fusion, x, positions, known = asking
    order = torch.tensor([4, 1, 3, 0, 2])
    with torch.no_grad():
        before = fusion(x, BOTH, positions, known)
        after = fusion(x, BOTH, [positions[0][:, order], positions[1]], [known[0][:, order], known[1]])
    torch.testing.assert_close(after, before)


@given(st.lists(st.lists(st.booleans(), min_size=3, max_size=3), min_size=1, max_size=5))
def test_late_fusion_starts_as_the_mean_of_the_modalities_present(rows):
    present = torch.tensor(rows)
    said = torch.randn(*present.shape, 4)
    mean = (said * present.unsqueeze(-1)).sum(1) / present.sum(1, keepdim=True).clamp(min=1)
    torch.testing.assert_close(LateFusion(3, 4)(said, present), mean)


def test_late_fusion_has_weights_per_modality_and_label():
    fusion, said = LateFusion(2, 2), torch.tensor([[[1.0, 2.0], [3.0, 4.0]]])
    fusion.modality_logits.data = torch.tensor([[50.0, 0.0], [0.0, 50.0]])
    torch.testing.assert_close(fusion(said, torch.tensor([[True, True]])), torch.tensor([[1.0, 4.0]]))
    torch.testing.assert_close(fusion(said, torch.tensor([[True, False]])), torch.tensor([[1.0, 2.0]]))


@pytest.mark.parametrize("context", ["none", "dialogue"])
def test_in_late_fusion_a_single_modality_has_the_logits_of_its_head(context):
    model = built(fusion="late", context=context, feature_modalities=("text", "audio", "text")).eval()
    inputs = batch() | {"has_audio": torch.zeros(N, dtype=torch.bool), "features": torch.zeros(N, 3)}
    alone = logits(model, inputs)
    with torch.no_grad():
        text = model.text_proj(model.layer_pooling(inputs["text_states"])) * HAS_TEXT.unsqueeze(1)
        said = model.head.branches[0](model.context.branches[0](text, inputs["dialogue"], inputs["turn"], None))
        model.fusion.modality_logits[2].fill_(-1e4)  # the numbers, which are there where the text is
    torch.testing.assert_close(logits(model, inputs)[HAS_TEXT], said[HAS_TEXT])
    assert not alone[~HAS_TEXT].any() and alone[HAS_TEXT].all()


def test_time_steps_average_to_the_output_of_the_global_gate_and_end_with_the_clip():
    torch.manual_seed(0)
    encoder, inputs = AudioEncoder(TINY_NETWORK, pretrained=False).eval(), batch()
    given = {name: inputs[name] for name in encoder.input_names}
    with torch.no_grad():
        near, far, steps, known = encoder(**given, return_positions=True)
        plain = encoder(**given)
    assert torch.equal(near, plain[0]) and torch.equal(far, plain[1])
    assert steps.shape == (N, known.shape[1], encoder.position_width)
    lengths = known.sum(1)
    assert lengths[1] > lengths[0] > 1 and not lengths[~HAS_AUDIO].any()
    assert FRAMES[1] > FRAMES[0] and not steps[~known].any()
    torch.testing.assert_close(steps.sum(1) / lengths.clamp(min=1).unsqueeze(1), far)


def test_without_any_audio_all_time_steps_are_masked():
    encoder, inputs = AudioEncoder(TINY_NETWORK, pretrained=False).eval(), batch()
    given = {name: inputs[name] for name in encoder.input_names} | {"has_audio": torch.zeros(N, dtype=torch.bool)}
    *_vectors, steps, known = encoder(**given, return_positions=True)
    assert steps.shape[:2] == known.shape == (N, 1) and not known.any()


def test_tokens_average_to_the_last_of_the_layers(roberta):
    encoder, tokenizer, _spec = load_text_encoder(str(roberta), layers=(0, 1))
    padded = tokenizer.pad([tokenizer.encode(text) for text in SENTENCES])
    given = {name: padded[name] for name in encoder.input_names if name in padded}
    with torch.no_grad():
        states, tokens, known = encoder.eval()(**given, return_positions=True)
        assert torch.equal(states, encoder(**given))
    assert known.dtype == torch.bool and known.sum(1).unique().numel() > 1
    means = (tokens * known.unsqueeze(-1)).sum(1) / known.sum(1, keepdim=True)
    torch.testing.assert_close(means, states[:, 1])


@pytest.mark.parametrize("pooling", ["mix", "concat"])
def test_a_speech_encoders_layers_are_its_positions(pooling):
    side, states = PooledSpeechEncoder(states_shape=(3, 8), layer_pooling=pooling), torch.randn(N, 3, 8)
    vectors, layers, known = side(has_audio=HAS_AUDIO, speech_states=states, return_positions=True)
    assert torch.equal(vectors, side(has_audio=HAS_AUDIO, speech_states=states)[0])
    assert layers.shape == (N, 3, side.position_width)
    assert torch.equal(known, HAS_AUDIO.unsqueeze(1).expand(N, 3))
