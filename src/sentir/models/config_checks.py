"""The settings files beside an encoder's weights: what they may say, before anything is made of them.

They come from strangers. They choose no code, no attention kernels (which transformers would fetch and run), no
files elsewhere, and no sizes that the weights do not have: a network of a claimed width is never allocated.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePath
from typing import Any

import torch
from torch import nn

from sentir.i18n import _
from sentir.models.weights import SAFETENSORS_FILE, WeightsSource

CONFIG_FILE, _TOKENIZER_CONFIG, _PREPROCESSOR_CONFIG = (
    "config.json",
    "tokenizer_config.json",
    "preprocessor_config.json",
)
_CONFIG_FILES = (
    CONFIG_FILE,
    _TOKENIZER_CONFIG,
    _PREPROCESSOR_CONFIG,
    "processor_config.json",
    "adapter_config.json",
)
_CODE_KEYS = ("auto_map", "trust_remote_code")
_KERNEL_KEYS = ("attn_implementation", "experts_implementation", "quantization_config")  # with or without a "_"
_ALLOWED_KERNELS = (None, "eager", "sdpa")
_OTHER_FILE_KEYS = ("transformers_weights", "configuration_files", "base_model_name_or_path", "gguf_file")
_IGNORED_KEYS = ("special_tokens_map_file",)  # old tokenizers name a file of their author's, which nothing reads
_MAX_LABELS, _MAX_AUDIO_SETTING, _MAX_MEL_SETTING = 100_000, 10**6, 10**4
_MAX_EXTRA_ELEMENTS = 2**22  # numbers that a network has beside its weights, such as those of its positions


def check_config_files(source: WeightsSource, find_file: Callable[[str], str | None]) -> None:
    """Refuse settings that choose code, kernels or files, and numbers beyond all reason.

    Args:
        source: of the encoder.
        find_file: name of a file → its path, if there is one.

    Raises:
        ValueError: naming the file and the key.
    """
    for name in _CONFIG_FILES:
        path = find_file(name)
        if path is None:
            continue
        tree = _read_json(name, Path(path))
        if name == "adapter_config.json":
            raise ValueError(_("{file} makes it an adapter of another model", file=name))
        local = source.origin == "folder"
        for key, value in _iter_settings(tree):
            if why := _rejection_reason(key, value, local) or _limit_violation(name, key, value):
                raise ValueError(f"{name}: '{key}' {why}")


def _read_json(file_name: str, path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(_("{file} is no JSON", file=file_name)) from error


def _iter_settings(tree: Any) -> Iterator[tuple[str, Any]]:
    """Yield every key with its value, at every depth."""
    for key, value in tree.items() if isinstance(tree, Mapping) else ():
        yield str(key), value
        yield from _iter_settings(value)
    for value in tree if isinstance(tree, list) else ():
        yield from _iter_settings(value)


def _rejection_reason(key: str, value: Any, is_local: bool) -> str:
    plain = key.strip("_").removesuffix("_internal")
    if key in _CODE_KEYS and value:
        return _("brings code of its own, which Sentir never runs")
    if plain in _KERNEL_KEYS and (isinstance(value, dict | list) or value not in _ALLOWED_KERNELS):
        return _("chooses how it is computed, which is not its to choose")
    if key in _OTHER_FILE_KEYS and value:
        return _("names another file")
    if (
        is_local
        and key.endswith("_file")
        and key not in _IGNORED_KEYS
        and isinstance(value, str)
        and _is_path(value)
    ):
        return _("names a file elsewhere")
    return ""


def _is_path(value: str) -> bool:
    return len(PurePath(value).parts) > 1 or "\\" in value or value.startswith("~")


def _limit_violation(file: str, key: str, value: Any) -> str:
    """Say that a number is beyond reason: one that makes transformers fill memory, whatever the weights are."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    most = {CONFIG_FILE: _MAX_LABELS if key == "num_labels" else None}.get(file)
    if file in (_PREPROCESSOR_CONFIG, "processor_config.json"):
        wide = ("n_fft", "feature_size", "chunk_length", "hop_length", "num_mel_bins")
        most = _MAX_MEL_SETTING if key in wide else _MAX_AUDIO_SETTING
    return _("is more than {most}", most=most) if most and not value <= most else ""


def check_tensor_shapes(source: WeightsSource, build: Callable[[], nn.Module]) -> None:
    """Refuse a configuration that claims other sizes than its weights have; nothing is allocated.

    Weights that are no single file of safetensors beside their configuration are left to transformers.

    Args:
        source: of the encoder.
        build: makes the network of the configuration, here of tensors without memory.

    Raises:
        ValueError: naming what is claimed and what is there.
    """
    file = Path(source.location) / SAFETENSORS_FILE
    if source.origin not in ("folder", "package") or not file.is_file():
        return
    held = get_file_shapes(file)
    for key, value in _iter_settings(_read_json(CONFIG_FILE, file.with_name(CONFIG_FILE))):
        if "layer" in key and isinstance(value, int) and value > len(held):
            raise ValueError(_("{file}: '{key}' is {value}, and its weights hold {n} tensors",
                               file=CONFIG_FILE, key=key, value=value, n=len(held)))  # fmt: skip
    with torch.device("meta"):
        claimed = get_network_shapes(build())
    for name in claimed.keys() & held.keys():
        if claimed[name] != held[name]:
            raise ValueError(_("{file} claims {claimed} for '{name}', its weights hold {held}",
                               file=CONFIG_FILE, claimed=claimed[name], name=name, held=held[name]))  # fmt: skip
    if count_elements(claimed) > count_elements(held) + _MAX_EXTRA_ELEMENTS:
        raise ValueError(_("{file} claims a larger network than its weights are", file=CONFIG_FILE))


def get_file_shapes(file: Path) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the tensors in a file of safetensors, by its header alone."""
    from safetensors import safe_open

    with safe_open(file, "pt") as tensors:
        return {name: tuple(tensors.get_slice(name).get_shape()) for name in tensors.keys()}  # noqa: SIM118


def get_network_shapes(network: nn.Module) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the tensors of a network that are saved."""
    return {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}


def count_elements(shapes: Mapping[str, tuple[int, ...]]) -> int:
    """Return how many numbers tensors of these shapes hold."""
    return sum(int(torch.Size(shape).numel()) for shape in shapes.values())
