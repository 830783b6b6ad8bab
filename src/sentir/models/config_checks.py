"""Checks of the configuration files beside an encoder's weights, before anything is built from them.

They are untrusted input. They must not choose code, attention kernels (which transformers would download and
run), files elsewhere, or sizes that the weights do not have: a network of a claimed width is never allocated.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from sentir.i18n import _
from sentir.models.weights import CONFIG_FILE, SAFETENSORS_FILE, WeightsSource

if TYPE_CHECKING:
    from torch import nn

_TOKENIZER_CONFIG, _PREPROCESSOR_CONFIG = "tokenizer_config.json", "preprocessor_config.json"
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
_IGNORED_KEYS = ("special_tokens_map_file",)  # of old tokenizers; nothing reads it
_MAX_LABELS, _MAX_AUDIO_SETTING, _MAX_MEL_SETTING = 100_000, 10**6, 10**4
_MAX_EXTRA_ELEMENTS = 2**22  # that a network may have beyond its weights, such as position ids


def check_config_files(source: WeightsSource, find_file: Callable[[str], str | Path | None]) -> None:
    """Reject configurations that choose code, kernels or files, and implausibly large numbers.

    Args:
        source: of the encoder.
        find_file: file name → path, if there is one.

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


def read_json_file(path: str | Path) -> dict[str, Any]:
    """Return the object in a JSON file.

    Raises:
        ValueError: if it is not one.
        OSError: if the file cannot be read.
    """
    tree = _read_json(Path(path).name, Path(path))
    if not isinstance(tree, dict):
        raise ValueError(_("{file} is damaged", file=Path(path).name))
    return tree


def _read_json(file_name: str, path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(_("{file} is not JSON", file=file_name)) from error


def _iter_settings(tree: Any) -> Iterator[tuple[str, Any]]:
    """Yield every key with its value, at every depth."""
    for key, value in tree.items() if isinstance(tree, Mapping) else ():
        yield str(key), value
        yield from _iter_settings(value)
    for value in tree if isinstance(tree, list) else ():
        yield from _iter_settings(value)


def _rejection_reason(key: str, value: Any, is_local: bool) -> str:
    name = key.strip("_").removesuffix("_internal")
    if key in _CODE_KEYS and value:
        return _("requires code from the repository, which Sentir never runs")
    if name in _KERNEL_KEYS and (isinstance(value, dict | list) or value not in _ALLOWED_KERNELS):
        return _("chooses an attention implementation, which is not allowed")
    if key in _OTHER_FILE_KEYS and value:
        return _("points to another file")
    if (
        is_local
        and key.endswith("_file")
        and key not in _IGNORED_KEYS
        and isinstance(value, str)
        and _is_path(value)
    ):
        return _("points to a file outside the folder")
    return ""


def _is_path(value: str) -> bool:
    return len(PurePath(value).parts) > 1 or "\\" in value or value.startswith("~")


def _limit_violation(file: str, key: str, value: Any) -> str:
    """Return what is wrong with a number so large that transformers would fill the memory with it."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    limit = None
    if file == CONFIG_FILE and key == "num_labels":
        limit = _MAX_LABELS
    elif file in (_PREPROCESSOR_CONFIG, "processor_config.json"):
        mel_keys = ("n_fft", "feature_size", "chunk_length", "hop_length", "num_mel_bins")
        limit = _MAX_MEL_SETTING if key in mel_keys else _MAX_AUDIO_SETTING
    return _("is more than {limit}", limit=limit) if limit and not value <= limit else ""


def check_tensor_shapes(source: WeightsSource, build: Callable[[], nn.Module]) -> None:
    """Reject a configuration whose sizes are not those of its weights; nothing is allocated.

    Weights that are not a single safetensors file beside their configuration are left to transformers.

    Args:
        source: of the encoder.
        build: builds the network of the configuration, here on the meta device.

    Raises:
        ValueError: naming the claimed and the actual size.
    """
    file = Path(source.location) / SAFETENSORS_FILE
    if source.origin not in ("folder", "package") or not file.is_file():
        return
    actual = get_file_shapes(file)
    for key, value in _iter_settings(_read_json(CONFIG_FILE, file.with_name(CONFIG_FILE))):
        if "layer" in key and isinstance(value, int) and value > len(actual):
            raise ValueError(_("{file}: '{key}' is {value}, but its weights have only {n} tensors",
                               file=CONFIG_FILE, key=key, value=value, n=len(actual)))  # fmt: skip
    import torch

    with torch.device("meta"):
        claimed = get_network_shapes(build())
    for name in claimed.keys() & actual.keys():
        if claimed[name] != actual[name]:
            raise ValueError(_("{file} claims shape {claimed} for '{name}', its weights have {actual}",
                               file=CONFIG_FILE, name=name,
                               claimed=claimed[name], actual=actual[name]))  # fmt: skip
    if count_elements(claimed) > count_elements(actual) + _MAX_EXTRA_ELEMENTS:
        raise ValueError(_("{file} claims a larger network than its weights are", file=CONFIG_FILE))


def get_file_shapes(file: Path) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the tensors in a safetensors file, from its header alone."""
    from safetensors import safe_open

    with safe_open(file, "pt") as tensors:
        return {name: tuple(tensors.get_slice(name).get_shape()) for name in tensors.keys()}  # noqa: SIM118


def get_network_shapes(network: nn.Module) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the tensors in a network's state dict."""
    return {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}


def count_elements(shapes: Mapping[str, tuple[int, ...]]) -> int:
    """Return the number of elements of tensors of these shapes."""
    return sum(math.prod(shape) for shape in shapes.values())
