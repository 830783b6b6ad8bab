"""Audio backbones by name: timm's convolutional networks on mel spectrograms, with one input channel, no head.

Any other timm name works too, if the network takes images of any size and returns intermediate feature maps
(``forward_intermediates``); `get_audio_backbone` then chooses its local map by reduction.
"""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING, Any

from sentir.audio.mel import N_MELS
from sentir.errors import RecipeError, UnknownNameError, WeightsError
from sentir.i18n import _, gettext_noop
from sentir.logs import quiet_logger
from sentir.models.speech_backbones import SPEECH_BACKBONES
from sentir.models.weights import (
    SAFETENSORS_FILE,
    WeightsSource,
    find_cached_file,
    require_hub_connection,
    resolve_cached_weights,
)
from sentir.registry import Registry

if TYPE_CHECKING:
    from torch import Tensor, nn

_MIN_LOCAL_REDUCTION = 4


@dataclass(frozen=True, slots=True)
class AudioBackbone:
    """A convolutional network and the feature maps that are taken from it.

    Attributes:
        name: Sentir's.
        timm_name: timm's, with or without a tag of pretrained weights.
        local_map_index: index for ``forward_intermediates`` of the input of the local gate; ``None`` = the first
            map with a reduction of at least 4. The input of the global gate is the last map.
        min_frames: length of the shortest mel spectrogram it takes; checked when it is built.
    """

    name: str
    timm_name: str
    local_map_index: int | None = None
    min_frames: int = 100


AUDIO_BACKBONES = Registry(
    gettext_noop("audio backbone"),
    {
        spec.name: spec
        for spec in (
            AudioBackbone("vgg16", "vgg16", local_map_index=2, min_frames=32),  # 256 and 512 channels
            AudioBackbone("efficientnet_b0", "efficientnet_b0", local_map_index=1, min_frames=32),  # 24 and 1,280
        )
    },
)


def get_audio_backbone(name: str) -> AudioBackbone:
    """Return the spec called ``name``, or one for any other name of timm's.

    Raises:
        UnknownNameError: if neither Sentir nor timm has it.
    """
    if name in AUDIO_BACKBONES:
        spec: AudioBackbone = AUDIO_BACKBONES.get(name)
        return spec
    models, tagged = _timm_names()
    if name in models or name in tagged:
        return AudioBackbone(name, name)
    ours = (*AUDIO_BACKBONES, *SPEECH_BACKBONES)
    near = get_close_matches(name, {*ours, *models}, n=2, cutoff=0.6)
    raise UnknownNameError(
        _(
            "There is no audio backbone called '{name}'; {hint}known: {known}, and every name in "
            "timm.list_models().",
            name=name,
            hint=_("did you mean {names}?", names=_(" or ").join(near)) + " " if near else "",
            known=", ".join(ours),
        )
    )


def _import_timm() -> Any:
    """Import timm, which also works where torchvision's operators cannot be loaded."""
    import_module("sentir.torchvision_operators")
    import timm

    return timm


@cache
def _timm_names() -> tuple[frozenset[str], frozenset[str]]:
    """Return the names of timm's models, without and with tags of pretrained weights."""
    timm = _import_timm()
    return frozenset(timm.list_models()), frozenset(timm.list_pretrained())


def load_audio_backbone(
    name: str, *, pretrained: bool = True, weights: Path | None = None
) -> tuple[nn.Module, int, tuple[int, int]]:
    """Build a backbone for mel spectrograms.

    Args:
        name: a name in `AUDIO_BACKBONES`, or any other of timm's.
        pretrained: ``False`` for random weights.
        weights: a ``.safetensors`` file with the tensors of the timm model, for one or three input channels,
            instead of the published ones.

    Returns:
        The network without its head, the index of its local map for ``forward_intermediates``, and the channels
        of the local and of the last map.

    Raises:
        UnknownNameError: if there is no such backbone.
        RecipeError: if the network takes no mel spectrograms, or ``weights`` come with ``pretrained=False``.
        WeightsError: if the weights can neither be found nor downloaded, or do not fit.
    """
    spec = get_audio_backbone(name)
    file = get_audio_weights_file(name, pretrained=pretrained, weights=weights)
    try:
        network, local_map_index, widths = _build_network(spec)
    except (AssertionError, AttributeError, RuntimeError, TypeError, ValueError) as error:
        raise RecipeError(
            _(
                "'{name}' cannot be used on mel spectrograms ({why}); give a convolutional network that takes "
                "images of any size, such as efficientnet_b0.",
                name=name,
                why=_first_line(error),
            )
        ) from error
    if file is not None:
        _load_weights(network, file)
    return network, local_map_index, widths


def get_audio_weights_file(name: str, *, pretrained: bool = True, weights: Path | None = None) -> Path | None:
    """Return the weights file of `load_audio_backbone`, downloaded if need be; ``None`` for random weights.

    Raises:
        SentirError: as `resolve_audio_weights`.
        WeightsError: if the weights cannot be downloaded.
    """
    source = resolve_audio_weights(name, pretrained=pretrained, weights=weights)
    if source.origin == "hub":
        return _download_weights(name, source.location)
    if source.origin == "cache":
        return find_cached_file(source.location, SAFETENSORS_FILE)
    return Path(source.location) if source.origin == "file" else None


def resolve_audio_weights(name: str, *, pretrained: bool = True, weights: Path | None = None) -> WeightsSource:
    """Return where `load_audio_backbone` takes weights from.

    Raises:
        UnknownNameError: if there is no such backbone.
        RecipeError: if ``weights`` come with ``pretrained=False``.
        WeightsError: if there are none.
    """
    timm, spec = _import_timm(), get_audio_backbone(name)
    if weights is not None and not pretrained:
        raise RecipeError(
            _("'model.audio.weights' and 'model.audio.pretrained = false' contradict each other; drop one.")
        )
    if not pretrained:
        return WeightsSource(name, "random")
    if weights is not None:
        file = weights.expanduser()
        if not file.is_file():
            raise _unreadable_error(file, os.strerror(errno.ENOENT))
        return WeightsSource(str(file), "file")
    config = timm.get_pretrained_cfg(spec.timm_name)
    if config is None or not config.hf_hub_id:
        raise _unavailable_error(name, _("timm has none"))
    cached = find_cached_file(config.hf_hub_id, SAFETENSORS_FILE)
    return (
        WeightsSource(config.hf_hub_id, "hub")
        if cached is None
        else resolve_cached_weights(config.hf_hub_id, cached)
    )


def _build_network(spec: AudioBackbone) -> tuple[nn.Module, int, tuple[int, int]]:
    """Build a network with random weights, and run it on silence for the shapes of its maps."""
    import torch

    timm = _import_timm()
    network: Any = timm.create_model(spec.timm_name, pretrained=False, in_chans=1, num_classes=0)
    index = spec.local_map_index
    if index is None:
        index = [info["reduction"] >= _MIN_LOCAL_REDUCTION for info in network.feature_info].index(True)
    with _drop_unused_modules(network.eval()), torch.no_grad():
        silence = torch.zeros(1, 1, spec.min_frames, N_MELS)
        last, (local,) = network.forward_intermediates(silence, indices=[index])
    if not local.ndim == last.ndim == 4 or last.shape[1] != network.num_features:
        raise ValueError(_("its last feature map is not (channels, time, bands)"))
    return network.train(), index, (local.shape[1], last.shape[1])


@contextmanager
def _drop_unused_modules(network: nn.Module) -> Iterator[None]:
    """Drop the modules that do not run within this context: the head's, such as VGG's 119 M weights."""
    from torch import nn

    used: set[nn.Module] = set()
    hooks = [part.register_forward_hook(lambda part, *_values: used.add(part)) for part in network.modules()]
    yield
    for hook in hooks:
        hook.remove()
    for name, part in list(network.named_children()):
        if used.isdisjoint(part.modules()):
            setattr(network, name, nn.Identity())


def _download_weights(name: str, hub_id: str) -> Path:
    """Download weights into the local hub cache."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError

    try:
        with quiet_logger("huggingface_hub", logging.ERROR):  # no messages about retries
            require_hub_connection()
            file = Path(hf_hub_download(hub_id, SAFETENSORS_FILE))
    except (OSError, EntryNotFoundError) as error:
        raise _unavailable_error(name, _first_line(error)) from error
    resolve_cached_weights(hub_id, file)  # verifies the download
    return file


def _unavailable_error(name: str, why: str) -> WeightsError:
    return WeightsError(
        _(
            "The pretrained weights of '{name}' are neither in the local cache nor could they be downloaded from "
            "the hub ({why}); set model.audio.weights to a local .safetensors file with them, or "
            "model.audio.pretrained=false for random weights, which the report states.",
            name=name,
            why=why,
        )
    )


def _first_line(error: Exception) -> str:
    line = next(iter(str(error).strip().splitlines()), type(error).__name__)
    return shorten(line, 160, placeholder=" …").rstrip(".")


def _unreadable_error(file: Path, why: str) -> WeightsError:
    return WeightsError(
        _(
            "The weights {file} cannot be read ({why}); set model.audio.weights to a .safetensors file.",
            file=file,
            why=why,
        )
    )


def _load_weights(network: nn.Module, file: Path) -> None:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        tensors = load_file(file)
    except (OSError, SafetensorError) as error:
        raise _unreadable_error(file, _first_line(error)) from error
    expected = {n: t for n, t in network.state_dict().items() if not n.endswith("num_batches_tracked")}
    if missing := sorted(expected.keys() - tensors.keys()):
        raise WeightsError(
            _(
                "The weights {file} lack {n} tensors of the backbone, '{first}' among them, which would be "
                "random; give complete weights of the same timm model.",
                file=file,
                n=len(missing),
                first=missing[0],
            )
        )
    fitting = {name: _to_one_channel(tensors[name], target) for name, target in expected.items()}
    if mismatched := sorted(name for name, target in expected.items() if fitting[name].shape != target.shape):
        raise WeightsError(
            _(
                "The weights {file} are those of another model: '{first}' has shape {found}, not {known}; give "
                "weights of the same timm model.",
                file=file,
                first=mismatched[0],
                found=tuple(fitting[mismatched[0]].shape),
                known=tuple(expected[mismatched[0]].shape),
            )
        )
    network.load_state_dict(fitting, strict=False)


def _to_one_channel(tensor: Tensor, target: Tensor) -> Tensor:
    """Sum the RGB kernels of a first convolution, as timm does for ``in_chans=1``."""
    from timm.models import adapt_input_conv

    is_rgb = tensor.ndim == target.ndim == 4 and tensor.shape[1] == 3 * target.shape[1]
    return adapt_input_conv(1, tensor) if is_rgb else tensor
