"""Frozen networks on mel spectrograms: their vectors, whatever the batch, and the columns that a head takes."""

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file
from tiny_corpora import TINY_NETWORK

from sentir.models.stage_encoder import StageEncoder, StandardizedStates

LENGTHS = torch.tensor([100, 300, 100, 100, 200])
HAS_AUDIO = torch.tensor([True, True, True, False, True])


@pytest.fixture(scope="module")
def model():
    """A complete timm model for RGB images, with batch statistics other than 0 and 1."""
    torch.manual_seed(0)
    model = timm.create_model(TINY_NETWORK, pretrained=False)
    model.train()(torch.randn(4, 3, 64, 64))
    return model.eval()


@pytest.fixture(scope="module")
def encoder(model, tmp_path_factory):
    file = tmp_path_factory.mktemp("weights") / "rgb.safetensors"
    save_file(model.state_dict(), file)
    return StageEncoder(TINY_NETWORK, weights=file)


@pytest.fixture(scope="module")
def mel():
    mel = torch.randn(len(LENGTHS), 300, 64, generator=torch.Generator().manual_seed(1))
    mel[torch.arange(300) >= LENGTHS[:, None]] = 0
    return mel


def encode(encoder, mel, lengths=LENGTHS, has_audio=HAS_AUDIO):
    with torch.no_grad():
        return encoder(mel, lengths, has_audio).numpy()


def test_vectors_are_means_and_deviations_of_the_stages_of_a_gray_image(model, encoder, mel):
    image = mel[:1, None, :100].repeat(1, 3, 1, 1)
    with torch.no_grad():
        maps = [x.numpy() for x in model.forward_intermediates(image, intermediates_only=True)]
    stages = [x[0] for x in maps if x.shape[2] <= 25]
    expected = np.concatenate([np.r_[x.mean((1, 2)), x.std((1, 2))] for x in stages])
    vectors = encode(encoder, mel)
    np.testing.assert_allclose(vectors[0, 0], expected, atol=1e-5)
    assert len(stages) == 4 and vectors.shape == (5, *encoder.states_shape)


def test_vectors_depend_neither_on_the_batch_nor_on_the_training_mode(encoder, mel):
    together = encode(encoder, mel)
    assert not together[~HAS_AUDIO.numpy()].any()
    for row in torch.nonzero(HAS_AUDIO).flatten().tolist():
        length = LENGTHS[row : row + 1]
        alone = encode(encoder, mel[row : row + 1, : int(length)], length, HAS_AUDIO[row : row + 1])
        np.testing.assert_allclose(alone[0], together[row], atol=1e-5)
    np.testing.assert_array_equal(encode(encoder.train(), mel), together)
    assert not any(parameter.requires_grad for parameter in encoder.parameters())


def test_columns_are_standardized_by_rows_with_audio(encoder, mel):
    states = torch.from_numpy(encode(encoder, mel))
    states[~HAS_AUDIO] = 1e6
    layer = StandardizedStates(encoder.states_shape)
    layer.fit(states, HAS_AUDIO)
    (vectors,) = layer(states, HAS_AUDIO)
    varied = states[HAS_AUDIO].std(0).squeeze() > 1e-3
    np.testing.assert_allclose(vectors[HAS_AUDIO].mean(0)[varied], 0, atol=1e-3)
    np.testing.assert_allclose(vectors[HAS_AUDIO].std(0, correction=0)[varied], 1, atol=1e-3)
    assert vectors.isfinite().all() and not vectors[~HAS_AUDIO].any()
