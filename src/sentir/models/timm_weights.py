"""Weights of timm networks: read from a ``.safetensors`` file into a network with one input channel."""

from __future__ import annotations

from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING

from sentir.errors import WeightsError
from sentir.i18n import _

if TYPE_CHECKING:
    from torch import Tensor, nn


def first_line(error: Exception) -> str:
    """Return the first line of an error's message, shortened."""
    line = next(iter(str(error).strip().splitlines()), type(error).__name__)
    return shorten(line, 160, placeholder=" …").rstrip(".")


def unreadable_error(file: Path, why: str) -> WeightsError:
    """Return the error of a weights file that cannot be read."""
    return WeightsError(
        _(
            "The weights {file} cannot be read ({why}); set model.audio.weights to a .safetensors file.",
            file=file,
            why=why,
        )
    )


def load_timm_weights(network: nn.Module, file: Path) -> None:
    """Load a ``.safetensors`` file with the tensors of a timm model, for one or three input channels.

    Raises:
        WeightsError: if it cannot be read, lacks tensors, or is of another model.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        tensors = load_file(file)
    except (OSError, SafetensorError) as error:
        raise unreadable_error(file, first_line(error)) from error
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
